"""From an event's commit to its first try at a webhook, while 200 events are told every second.

Run: python -m tests.performance.bench_webhooks [seconds [events a second]]. Relay and dispatcher run in a process of
their own, as in the worker; the receiver and the writers share this one. Prints one JSON line; the bar is a 99th
percentile below 2 seconds.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from models.session import Sessions, engine_for
from rules.events.catalogue import TIER_ESCALATED
from rules.events.payloads import TierEscalatedData
from services import events, webhooks
from services.context import Actor
from services.webhooks import NewWebhook
from tests.keys import RING, opened_on
from tests.orchestration.dispatching import ADDRESS
from tests.orchestration.receiver import Receiver
from tests.performance.bench_import import DATABASE, a_tenant, own_postgres

PER_SECOND = 200
SECONDS = 60
CASES = 1000
WARM_UP_SECONDS = 5
BAR_SECONDS = 2.0
WRITERS = 8


@dataclass
class Telling:
    """Writers that keep the pace together: the n-th event is due at `began` + n / per_second."""

    sessions: Sessions
    actor: Actor
    per_second: int
    cases: Sequence[UUID] = field(default_factory=lambda: [uuid4() for _ in range(CASES)])
    committed: dict[str, float] = field(default_factory=dict)

    async def first(self, receiver: Receiver) -> None:
        """The process that carries has started: it brought one event."""
        await self._one(self.cases[0])
        await receiver.until(1)
        self.committed.clear()

    async def writer(self, first: int, many: int, began: float) -> None:
        for number in range(first, many, WRITERS):
            await asyncio.sleep(max(0.0, began + number / self.per_second - time.time()))
            await self._one(self.cases[number % CASES])

    async def _one(self, case_id: UUID) -> None:
        now = datetime.now(UTC)
        named = {name: uuid4() for name in ("escalation_id", "instance_id", "student_id", "school_id")}
        told = TierEscalatedData(**named, case_id=case_id, stage_key="x", from_tier=1, to_tier=2, occurred_at=now)
        async with self.sessions.tenant(self.actor.tenant_id) as session:
            event_id = await events.emit(session, TIER_ESCALATED, case_id, told, at=now)
        self.committed[str(event_id)] = time.time()


async def measured(url: str, seconds: int, per_second: int) -> dict[str, Any]:
    """Tell at an even pace, then wait until everything has arrived."""
    sessions = opened_on(engine_for(url, pool_size=WRITERS))
    actor = await a_tenant(sessions)
    warm_up = WARM_UP_SECONDS * per_second
    many = seconds * per_second + warm_up
    command = [sys.executable, "-m", "tests.orchestration.dispatching", "0"]
    async with Receiver() as receiver:
        async with sessions.tenant(actor.tenant_id) as session:
            wanted = NewWebhook(receiver.url, loopback=True)
            await webhooks.create(session, actor, RING, wanted, now=datetime.now(UTC))
        process = await asyncio.create_subprocess_exec(*command, env={**os.environ, ADDRESS: url})
        telling = Telling(sessions, actor, per_second)
        await telling.first(receiver)
        began = time.time()
        await asyncio.gather(*(telling.writer(first, many, began) for first in range(WRITERS)))
        told_for = time.time() - began
        await receiver.until(many + 1)
        process.kill()
        await process.wait()
    await sessions.engine.dispose()
    first_try: dict[str, float] = {}
    for request in receiver.heard:
        first_try.setdefault(request.id, request.at.timestamp())
    taken = [first_try[event_id] - at for event_id, at in list(telling.committed.items())[warm_up:]]
    hundredths = statistics.quantiles(taken, n=100)
    return {
        "events": len(taken),
        "events_per_second": round(many / told_for, 1),
        "median_ms": round(statistics.median(taken) * 1000, 1),
        "p95_ms": round(hundredths[94] * 1000, 1),
        "p99_ms": round(hundredths[98] * 1000, 1),
        "slowest_ms": round(max(taken) * 1000, 1),
        "bar_p99_ms": round(BAR_SECONDS * 1000),
    }


def main(seconds: int, per_second: int) -> None:
    with own_postgres() as server:
        print(json.dumps(asyncio.run(measured(server.app_url(DATABASE), seconds, per_second))))


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [SECONDS, PER_SECOND][len(given) :]))
