"""The permission policy as examples: each refusal with its code, each allowance with its role."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from rules.access.permissions import (
    GRANTS,
    NAMED_STUDENTS_ONLY,
    OWN_STUDENTS_ONLY,
    SECOND_PERSON,
    Permission,
    Role,
)
from rules.access.policy import BULK_ROWS, Principal, Resource, may, may_ever, of_age
from rules.ids import GuardianId, PersonId, SchoolId, StudentId, TenantId
from rules.ladder.stages import Approval

HERE, THERE = TenantId(UUID(int=1)), TenantId(UUID(int=2))
OAK, ELM = SchoolId(UUID(int=11)), SchoolId(UUID(int=12))
CHILD = StudentId(UUID(int=21))
AMY, BEN = PersonId(UUID(int=31)), PersonId(UUID(int=32))
OFFICER = Principal(HERE, AMY, Role.ATTENDANCE_OFFICER, frozenset({OAK}))
LEADER = replace(OFFICER, role=Role.SCHOOL_LEADER)
DISTRICT = Principal(HERE, AMY, Role.DISTRICT_ADMIN)
STEP = Resource(HERE, frozenset({OAK}), CHILD)
OTHER_CHILD = StudentId(UUID(int=22))
MOTHER, FATHER = GuardianId(UUID(int=41)), GuardianId(UUID(int=42))
EXTERNAL = Principal(HERE, AMY, Role.EXTERNAL, frozenset(), frozenset({CHILD}))
PARENT = Principal(HERE, AMY, Role.GUARDIAN, frozenset(), frozenset({CHILD}), guardian_id=MOTHER)
OWN_DETAILS = frozenset({Permission.AMENDMENT_WRITE, Permission.PREFERENCE_WRITE})


def test_every_verb_is_granted_to_somebody_and_nobody_beside_the_school_decides_anything() -> None:
    assert set(GRANTS) == set(Permission)
    assert all(GRANTS.values())
    beside = {p for p, roles in GRANTS.items() if roles & NAMED_STUDENTS_ONLY}
    assert all(p.endswith(":read") or p in OWN_DETAILS for p in beside)


@pytest.mark.parametrize(
    ("actor", "permission", "resource", "code"),
    [
        (replace(OFFICER, tenant_id=THERE), Permission.STEP_APPROVE, STEP, "other_tenant"),
        (OFFICER, Permission.RULESET_ACTIVATE, Resource(HERE), "role_not_allowed"),
        (OFFICER, Permission.STEP_APPROVE, replace(STEP, school_ids=frozenset({ELM})), "other_school"),
        (OFFICER, Permission.STUDENT_READ, replace(STEP, school_ids=frozenset()), "other_school"),
        (LEADER, Permission.SENDING_SWITCH, Resource(HERE, whole_tenant=True), "whole_tenant"),
        (replace(OFFICER, relative_of=frozenset({CHILD})), Permission.STUDENT_READ, STEP, "relative"),
        (replace(OFFICER, role=Role.TEACHER), Permission.STUDENT_READ, STEP, "not_own_student"),
        (LEADER, Permission.RULESET_APPROVE, Resource(HERE, author_id=AMY), "four_eyes"),
        (OFFICER, Permission.STEP_APPROVE, replace(STEP, level=Approval.LEADER), "approval_level"),
        (LEADER, Permission.STEP_APPROVE, replace(STEP, level=Approval.DISTRICT), "approval_level"),
        (LEADER, Permission.STEP_APPROVE, replace(STEP, flagged=True, consideration="  "), "consideration_missing"),
        (DISTRICT, Permission.STEP_APPROVE, replace(STEP, flagged=True, consideration="x", rows=2), "flagged_in_bulk"),
        (DISTRICT, Permission.STEP_APPROVE, replace(STEP, rows=BULK_ROWS + 1), "bulk_too_large"),
        (OFFICER, Permission.CONTACT_STOP_LIFT, STEP, "role_not_allowed"),
        (EXTERNAL, Permission.STUDENT_READ, replace(STEP, student_id=OTHER_CHILD), "not_own_student"),
        (EXTERNAL, Permission.CASE_READ, Resource(HERE, frozenset({OAK})), "other_school"),
        (PARENT, Permission.STUDENT_READ, replace(STEP, student_id=OTHER_CHILD), "not_own_student"),
        (PARENT, Permission.STUDENT_READ, replace(STEP, guardian_id=FATHER), "other_guardian"),
        (replace(PARENT, student_ids=frozenset()), Permission.STUDENT_READ, STEP, "not_own_student"),
    ],
)
def test_a_refusal_names_its_reason(actor: Principal, permission: Permission, resource: Resource, code: str) -> None:
    decision = may(actor, permission, resource)
    assert (decision.allowed, decision.code) == (False, code)
    assert decision.reason


@pytest.mark.parametrize("role", sorted(OWN_STUDENTS_ONLY))
def test_whoever_reaches_few_students_is_told_which(role: Role) -> None:
    reason = may(replace(OFFICER, role=role), Permission.STUDENT_READ, STEP).reason
    assert ("classes" in reason) == (role not in NAMED_STUDENTS_ONLY)


@pytest.mark.parametrize(
    ("actor", "permission", "resource"),
    [
        (OFFICER, Permission.STEP_APPROVE, STEP),
        (LEADER, Permission.STEP_APPROVE, replace(STEP, level=Approval.LEADER)),
        (LEADER, Permission.STEP_APPROVE, replace(STEP, flagged=True, consideration="Spoke with the SENCo")),
        (DISTRICT, Permission.STEP_APPROVE, replace(STEP, level=Approval.DISTRICT, flagged=True, consideration="x")),
        (DISTRICT, Permission.SENDING_SWITCH, Resource(HERE, whole_tenant=True)),
        (LEADER, Permission.RULESET_APPROVE, Resource(HERE, author_id=BEN)),
        (OFFICER, Permission.EXIT_DECIDE, STEP),
        (OFFICER, Permission.CONTACT_STOP_SET, STEP),
        (replace(OFFICER, role=Role.TEACHER), Permission.CONTACT_STOP_SET, STEP),
        (replace(OFFICER, role=Role.TEACHER, student_ids=frozenset({CHILD})), Permission.STUDENT_READ, STEP),
        (replace(OFFICER, role=Role.SAFEGUARDING_LEAD), Permission.CONTACT_STOP_LIFT, STEP),
        (OFFICER, Permission.STUDENT_READ, replace(STEP, school_ids=frozenset({OAK, ELM}))),
        (OFFICER, Permission.RULESET_READ, Resource(HERE)),
        (EXTERNAL, Permission.CASE_READ, STEP),
        (PARENT, Permission.STUDENT_READ, STEP),
        (PARENT, Permission.STUDENT_READ, replace(STEP, guardian_id=MOTHER)),
        (LEADER, Permission.GUARDIAN_READ, replace(STEP, guardian_id=FATHER)),
    ],
)
def test_an_allowance_rests_on_role_school_and_student(
    actor: Principal, permission: Permission, resource: Resource
) -> None:
    assert may(actor, permission, resource).allowed


def test_a_role_without_the_verb_is_refused_before_anything_is_looked_up() -> None:
    assert may_ever(Role.DPO, Permission.CASE_READ).allowed
    assert may_ever(Role.DPO, Permission.STEP_APPROVE).code == "role_not_allowed"


@pytest.mark.parametrize(
    ("born", "adult"),
    [
        (date(2008, 11, 20), True),
        (date(2008, 11, 21), False),
        (date(2008, 12, 1), False),
        (date(1990, 1, 1), True),
        (None, False),
    ],
)
def test_a_student_answers_for_themself_from_the_eighteenth_birthday(born: date | None, *, adult: bool) -> None:
    assert of_age(born, date(2026, 11, 20)) is adult


def test_a_leap_day_child_is_of_age_on_the_first_of_march() -> None:
    born = date(2008, 2, 29)
    assert [of_age(born, date(2026, 2, 28)), of_age(born, date(2026, 3, 1))] == [False, True]


def test_what_needs_a_second_person_refuses_the_first_and_takes_the_second() -> None:
    for permission in SECOND_PERSON:
        own = Resource(HERE, frozenset({OAK}), author_id=AMY)
        assert may(LEADER, permission, own).code == "four_eyes"
        assert may(LEADER, permission, replace(own, author_id=BEN)).allowed
