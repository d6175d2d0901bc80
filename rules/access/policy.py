"""May this caller do this to that? One pure function, asked by every route; the answer always says why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from rules.access.permissions import GRANTS, NAMED_STUDENTS_ONLY, OWN_STUDENTS_ONLY, Permission, Role
from rules.ids import GuardianId, PersonId, SchoolId, StudentId, TenantId
from rules.ladder.stages import Approval

_APPROVERS = {
    Approval.AUTO: GRANTS[Permission.STEP_APPROVE],
    Approval.STAFF: GRANTS[Permission.STEP_APPROVE],
    Approval.LEADER: frozenset({Role.SCHOOL_LEADER, Role.DISTRICT_ADMIN}),
    Approval.DISTRICT: frozenset({Role.DISTRICT_ADMIN}),
}
_OWN = {
    Role.TEACHER: "students of its own classes or groups",
    Role.FACILITATOR: "students of its own classes or groups",
    Role.EXTERNAL: "students it was named for, until the end agreed; ask the school to name this one",
    Role.STUDENT: "its own record, from the 18th birthday on",
    Role.GUARDIAN: "children it is linked with and may receive letters or the portal for; ask the school",
}
BULK_ROWS = 50
ADULT_YEARS = 18


@dataclass(frozen=True)
class Principal:
    """Who asks: `school_ids` None means every school of the tenant.

    `student_ids` are the students of a narrow role's own classes, groups, cases or family; `relative_of` those a
    member of staff is kin to; `guardian_id` is the guardian who signed in.
    """

    tenant_id: TenantId
    person_id: PersonId | None
    role: Role
    school_ids: frozenset[SchoolId] | None = None
    student_ids: frozenset[StudentId] = frozenset()
    relative_of: frozenset[StudentId] = frozenset()
    guardian_id: GuardianId | None = None


@dataclass(frozen=True)
class Resource:
    """What is asked for: no school and no student means a thing of the tenant that every school shares.

    `level` is the approval in force, already raised for a flagged student (`rules.access.approvals`).
    """

    tenant_id: TenantId
    school_ids: frozenset[SchoolId] = frozenset()
    student_id: StudentId | None = None
    guardian_id: GuardianId | None = None
    whole_tenant: bool = False
    author_id: PersonId | None = None
    level: Approval = Approval.STAFF
    flagged: bool = False
    consideration: str = ""
    rows: int = 1


@dataclass(frozen=True)
class Decision:
    """The answer; `code` is stable, `reason` says why and who may."""

    allowed: bool
    code: str
    reason: str


_YES = Decision(allowed=True, code="allowed", reason="The role, the school and the student allow it.")


@dataclass(frozen=True)
class _Question:
    actor: Principal
    permission: Permission
    resource: Resource


_Check = Callable[[_Question], Decision | None]


def _no(code: str, reason: str) -> Decision:
    return Decision(allowed=False, code=code, reason=reason)


def _named(roles: frozenset[Role]) -> str:
    return ", ".join(sorted(roles))


def _tenant(asked: _Question) -> Decision | None:
    if asked.actor.tenant_id == asked.resource.tenant_id:
        return None
    return _no("other_tenant", f"{asked.permission} reaches no other tenant.")


def _role(asked: _Question) -> Decision | None:
    if asked.actor.role in GRANTS[asked.permission]:
        return None
    return _no(
        "role_not_allowed",
        f"{asked.permission} is not for the role {asked.actor.role}; ask one of: {_named(GRANTS[asked.permission])}.",
    )


def _school(asked: _Question) -> Decision | None:
    if asked.actor.school_ids is None or (
        asked.actor.role in NAMED_STUDENTS_ONLY and asked.resource.student_id is not None
    ):
        return None
    if asked.resource.whole_tenant:
        return _no(
            "whole_tenant", f"{asked.permission} for the whole tenant needs a person who is not bound to schools."
        )
    shared = not asked.resource.school_ids and asked.resource.student_id is None
    if not shared and not asked.resource.school_ids & asked.actor.school_ids:
        return _no("other_school", f"{asked.permission} stays within your own schools; ask staff of that school.")
    return None


def _student(asked: _Question) -> Decision | None:
    if asked.resource.student_id is None:
        return None
    if asked.resource.student_id in asked.actor.relative_of:
        return _no("relative", "Staff do not handle the record of a child they are kin to; ask a colleague.")
    # a stop protects: whoever works at the child's school may set one
    narrow = asked.actor.role in OWN_STUDENTS_ONLY and asked.permission is not Permission.CONTACT_STOP_SET
    if narrow and asked.resource.student_id not in asked.actor.student_ids:
        return _no("not_own_student", f"The role {asked.actor.role} reaches only {_OWN[asked.actor.role]}.")
    return None


def _guardian(asked: _Question) -> Decision | None:
    """One guardian never learns of another: they reach what is their own."""
    if asked.actor.role is not Role.GUARDIAN or asked.resource.guardian_id in {None, asked.actor.guardian_id}:
        return None
    return _no("other_guardian", f"{asked.permission} reaches your own details only.")


def _four_eyes(asked: _Question) -> Decision | None:
    if asked.resource.author_id is None or asked.actor.person_id != asked.resource.author_id:
        return None
    return _no("four_eyes", f"{asked.permission} needs a second person: the author cannot decide on their own work.")


def _approval(asked: _Question) -> Decision | None:
    if asked.permission is Permission.BASIS_RESOLVE:
        return _bulk(asked.resource)
    if asked.permission not in {Permission.STEP_APPROVE, Permission.EXIT_DECIDE}:
        return None
    level = asked.resource.level
    if asked.actor.role not in _APPROVERS[level]:
        return _no("approval_level", f"This step needs {level} approval; ask one of: {_named(_APPROVERS[level])}.")
    if asked.permission is Permission.EXIT_DECIDE:
        return None
    return _bulk(asked.resource) or _consideration(asked.resource)


def _bulk(resource: Resource) -> Decision | None:
    if resource.rows > 1 and resource.flagged:
        return _no("flagged_in_bulk", "This student needs a second look: open the case and decide on it alone.")
    if resource.rows > BULK_ROWS:
        return _no("bulk_too_large", f"At most {BULK_ROWS} steps are decided together; send fewer.")
    return None


def _consideration(resource: Resource) -> Decision | None:
    if not resource.flagged or resource.consideration.strip():
        return None
    return _no("consideration_missing", "Write what support or adjustment was considered for this student.")


_CHECKS: tuple[_Check, ...] = (_tenant, _role, _school, _student, _guardian, _four_eyes, _approval)


def may(actor: Principal, permission: Permission, resource: Resource) -> Decision:
    """The first check that refuses gives the answer; none refusing means yes."""
    refusals = (check(_Question(actor, permission, resource)) for check in _CHECKS)
    return next((refusal for refusal in refusals if refusal is not None), _YES)


def may_ever(role: Role, permission: Permission) -> Decision:
    """Whether the role holds the permission at all: asked before the thing itself has been looked up."""
    if role in GRANTS[permission]:
        return _YES
    return _no(
        "role_not_allowed", f"{permission} is not for the role {role}; ask one of: {_named(GRANTS[permission])}."
    )


def of_age(born: date | None, on: date) -> bool:
    """Whether a student answers for themself: from their 18th birthday; a birthday nobody knows opens nothing."""
    if born is None:
        return False
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day)) >= ADULT_YEARS
