"""The permission policy as examples: each refusal with its code, each allowance with its role."""

from dataclasses import replace
from uuid import UUID

import pytest

from rules.access.permissions import GRANTS, Permission, Role
from rules.access.policy import BULK_ROWS, Principal, Resource, may, may_ever
from rules.ids import PersonId, SchoolId, StudentId, TenantId
from rules.ladder.stages import Approval

HERE, THERE = TenantId(UUID(int=1)), TenantId(UUID(int=2))
OAK, ELM = SchoolId(UUID(int=11)), SchoolId(UUID(int=12))
CHILD = StudentId(UUID(int=21))
AMY, BEN = PersonId(UUID(int=31)), PersonId(UUID(int=32))
OFFICER = Principal(HERE, AMY, Role.ATTENDANCE_OFFICER, frozenset({OAK}))
LEADER = replace(OFFICER, role=Role.SCHOOL_LEADER)
DISTRICT = Principal(HERE, AMY, Role.DISTRICT_ADMIN)
STEP = Resource(HERE, frozenset({OAK}), CHILD)


def test_every_verb_is_granted_to_somebody_and_no_family_role_holds_a_staff_verb() -> None:
    assert set(GRANTS) == set(Permission)
    assert all(GRANTS.values())
    assert not {r for roles in GRANTS.values() for r in roles} & {Role.STUDENT, Role.GUARDIAN, Role.EXTERNAL}


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
    ],
)
def test_a_refusal_names_its_reason(actor: Principal, permission: Permission, resource: Resource, code: str) -> None:
    decision = may(actor, permission, resource)
    assert (decision.allowed, decision.code) == (False, code)
    assert decision.reason


@pytest.mark.parametrize(
    ("actor", "permission", "resource"),
    [
        (OFFICER, Permission.STEP_APPROVE, STEP),
        (LEADER, Permission.STEP_APPROVE, replace(STEP, level=Approval.LEADER)),
        (LEADER, Permission.STEP_APPROVE, replace(STEP, flagged=True, consideration="Spoke with the SENCo")),
        (DISTRICT, Permission.STEP_APPROVE, replace(STEP, level=Approval.DISTRICT, flagged=True, consideration="x")),
        (DISTRICT, Permission.SENDING_SWITCH, Resource(HERE, whole_tenant=True)),
        (LEADER, Permission.RULESET_APPROVE, Resource(HERE, author_id=BEN)),
        (OFFICER, Permission.CONTACT_STOP_SET, STEP),
        (replace(OFFICER, role=Role.TEACHER), Permission.CONTACT_STOP_SET, STEP),
        (replace(OFFICER, role=Role.TEACHER, student_ids=frozenset({CHILD})), Permission.STUDENT_READ, STEP),
        (replace(OFFICER, role=Role.SAFEGUARDING_LEAD), Permission.CONTACT_STOP_LIFT, STEP),
        (OFFICER, Permission.STUDENT_READ, replace(STEP, school_ids=frozenset({OAK, ELM}))),
        (OFFICER, Permission.RULESET_READ, Resource(HERE)),
    ],
)
def test_an_allowance_rests_on_role_school_and_student(
    actor: Principal, permission: Permission, resource: Resource
) -> None:
    assert may(actor, permission, resource).allowed


def test_a_role_without_the_verb_is_refused_before_anything_is_looked_up() -> None:
    assert may_ever(Role.DPO, Permission.CASE_READ).allowed
    assert may_ever(Role.DPO, Permission.STEP_APPROVE).code == "role_not_allowed"
