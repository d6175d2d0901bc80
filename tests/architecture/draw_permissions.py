"""Draws docs/guides/permissions.md by asking the policy itself. `make map` writes it."""

from uuid import UUID

from rules.access.permissions import NAMED_STUDENTS_ONLY, SECOND_PERSON, Permission, Role
from rules.access.policy import ADULT_YEARS, BULK_ROWS, Principal, Resource, may
from rules.ids import GuardianId, PersonId, SchoolId, StudentId, TenantId
from rules.ladder.stages import Approval
from tests.architecture.source import ROOT

TARGET = ROOT / "docs" / "guides" / "permissions.md"
TENANT, SCHOOL = TenantId(UUID(int=1)), SchoolId(UUID(int=2))
CHILD, PERSON, GUARDIAN = StudentId(UUID(int=3)), PersonId(UUID(int=4)), GuardianId(UUID(int=5))
SHORT = {
    Role.DISTRICT_ADMIN: "admin",
    Role.SCHOOL_LEADER: "leader",
    Role.ATTENDANCE_OFFICER: "office",
    Role.SPECIALIST: "specialist",
    Role.FACILITATOR: "facilitator",
    Role.TEACHER: "teacher",
    Role.SAFEGUARDING_LEAD: "safeguarding",
    Role.INCLUSION_LEAD: "inclusion",
    Role.LIAISON: "liaison",
    Role.DPO: "dpo",
    Role.AUDITOR: "auditor",
    Role.INTEGRATION: "machine",
    Role.EXTERNAL: "external",
    Role.STUDENT: "student",
    Role.GUARDIAN: "guardian",
}
HEAD = """# Who may do what

Drawn from `rules/access/policy.py` by `make map`, compared by `tests/architecture/test_permissions_guide.py`: do not
edit by hand. The policy is one pure function, `may(actor, permission, resource)`; every refusal carries a stable code
and says whom to ask.

- **all**: in the schools the person's role holds in (administrator, data protection officer, auditor, machines: all).
- **own**: only students of their own classes and groups, a named case before its end, themself, or their own child by
  an entitled link.
- empty: refused with `role_not_allowed`.

Whatever the table says: another tenant's things are not there at all (404); another school's are refused
(`other_school`); staff never reach the record of a child they are kin to (`relative`); a guardian reaches no other
guardian's details (`other_guardian`); an action for the whole tenant needs a role in every school (`whole_tenant`).
A service account is narrowed further to the scopes it was given (`scope_missing`).

"""


def _reach(role: Role, permission: Permission) -> str:
    """What the policy answers to somebody of this role at the child's school, first a stranger to the child."""
    schools = frozenset[SchoolId]() if role in NAMED_STUDENTS_ONLY else frozenset({SCHOOL})
    guardian = GUARDIAN if role is Role.GUARDIAN else None
    child = Resource(TENANT, frozenset({SCHOOL}), CHILD, level=Approval.AUTO)
    shared = Resource(TENANT, level=Approval.AUTO)
    stranger = Principal(TENANT, PERSON, role, schools, guardian_id=guardian)
    close = Principal(TENANT, PERSON, role, schools, frozenset({CHILD}), guardian_id=guardian)
    if may(stranger, permission, child).allowed:
        return "all"
    if may(close, permission, child).allowed:
        return "own"
    return "all" if may(stranger, permission, shared).allowed else ""


def _levels() -> list[str]:
    lines = ["", "## Who approves a step", "| level | roles |", "|---|---|"]
    for level in Approval:
        step = Resource(TENANT, frozenset({SCHOOL}), CHILD, level=level)
        able = [
            role
            for role in Role
            if may(Principal(TENANT, PERSON, role, frozenset({SCHOOL})), Permission.STEP_APPROVE, step).allowed
        ]
        lines.append(f"| {level} | {', '.join(able)} |")
    lines += [
        "",
        "A flagged student is decided on alone, one level higher, with the support or adjustment considered written",
        f"down; at most {BULK_ROWS} steps are decided together. A student answers for themself from their",
        f"{ADULT_YEARS}th birthday.",
    ]
    return lines


def drawn() -> str:
    """The whole text of docs/guides/permissions.md as the policy stands now."""
    lines = [HEAD + "| permission | " + " | ".join(SHORT[role] for role in Role) + " |", "|---" * (len(Role) + 1) + "|"]
    for permission in Permission:
        cells = [_reach(role, permission) for role in Role]
        lines.append(f"| `{permission}` | " + " | ".join(cells) + " |")
    lines += ["", "## What needs a second person", "| permission | refused to |", "|---|---|"]
    lines += [f"| `{permission}` | {who} |" for permission, who in SECOND_PERSON.items()]
    lines += _levels()
    return "\n".join(lines) + "\n"
