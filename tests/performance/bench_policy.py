"""One decision of the policy beside the check of one RS256 token, which every request pays anyway.

Run: python -m tests.performance.bench_policy [decisions]. Prints one JSON line; the bar is a ratio of at most 0.25.
"""

import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from rules.access.permissions import Permission, Role
from rules.access.policy import Principal, Resource, may
from rules.ids import PersonId, SchoolId, StudentId, TenantId
from rules.ladder.stages import Approval

ROUNDS = 7
TOKENS = 500
TENANT = TenantId(UUID(int=1))
Case = tuple[Principal, Permission, Resource]


def cases(many: int) -> list[Case]:
    """Every role and permission, people of few schools with a class of thirty, students near and far."""
    draw = random.Random(5)
    schools = [SchoolId(UUID(int=number)) for number in range(20)]
    students = [StudentId(UUID(int=1000 + number)) for number in range(300)]
    roles, permissions, levels = list(Role), list(Permission), list(Approval)

    def one() -> Case:
        own = frozenset(draw.sample(students, 30))
        kin = frozenset(draw.sample(students, 2))
        who = Principal(TENANT, PersonId(UUID(int=9)), draw.choice(roles), frozenset(draw.sample(schools, 2)), own, kin)
        where = frozenset({draw.choice(schools)})
        return who, draw.choice(permissions), Resource(TENANT, where, draw.choice(students), level=draw.choice(levels))

    return [one() for _ in range(many)]


def allowed_cases(drawn: list[Case]) -> list[Case]:
    """Those that pass every check: the longest way through the policy."""
    return [case for case in drawn if may(*case).allowed]


def processor_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main(many: int) -> None:
    """Alternate in rounds; processor time, because the machine is shared."""
    drawn = allowed_cases(cases(many))
    key = rsa.generate_private_key(65537, 2048)
    now = datetime.now(UTC)
    claims = {"iss": "i", "aud": "a", "sub": "s", "iat": now, "exp": now + timedelta(hours=1)}
    token, public = jwt.encode(claims, key, "RS256"), key.public_key()
    deciding, checking = [], []
    for _ in range(ROUNDS):
        deciding.append(processor_seconds(lambda: [may(*case) for case in drawn]) / len(drawn))
        checks = processor_seconds(
            lambda: [jwt.decode(token, public, ["RS256"], audience="a", issuer="i") for _ in range(TOKENS)]
        )
        checking.append(checks / TOKENS)
    decision, check = statistics.median(deciding), statistics.median(checking)
    figures = {
        "microseconds_per_decision": round(decision * 1e6, 2),
        "microseconds_per_token": round(check * 1e6, 2),
        "ratio": round(decision / check, 3),
        "bar": 0.25,
        "decisions": len(drawn),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
