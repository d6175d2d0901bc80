"""Confidential notes: who reads them whole, who sees that a student took part, who sees nothing."""

from dataclasses import replace
from uuid import UUID

import pytest

from rules.access.notes import Note, NoteSight, note_sight
from rules.access.permissions import Role
from rules.access.policy import Principal
from rules.ids import PersonId, TenantId

AMY, BEN = PersonId(UUID(int=31)), PersonId(UUID(int=32))
PLAIN = Note(author_id=BEN)
HEALTH = replace(PLAIN, health=True)
WHOLE, PART, NOTHING = NoteSight.WHOLE, NoteSight.PARTICIPATION, NoteSight.NOTHING


def reader(role: Role, person: PersonId | None = AMY) -> Principal:
    return Principal(TenantId(UUID(int=1)), person, role)


@pytest.mark.parametrize(
    ("role", "plain", "health"),
    [
        (Role.SPECIALIST, WHOLE, WHOLE),
        (Role.SCHOOL_LEADER, WHOLE, WHOLE),
        (Role.DISTRICT_ADMIN, WHOLE, WHOLE),
        (Role.SAFEGUARDING_LEAD, WHOLE, PART),
        (Role.INCLUSION_LEAD, WHOLE, PART),
        (Role.ATTENDANCE_OFFICER, WHOLE, PART),
        (Role.TEACHER, PART, PART),
        (Role.FACILITATOR, PART, PART),
        (Role.LIAISON, PART, PART),
        (Role.DPO, NOTHING, NOTHING),
        (Role.AUDITOR, NOTHING, NOTHING),
        (Role.INTEGRATION, NOTHING, NOTHING),
        (Role.EXTERNAL, NOTHING, NOTHING),
        (Role.STUDENT, NOTHING, NOTHING),
        (Role.GUARDIAN, NOTHING, NOTHING),
    ],
)
def test_how_much_of_a_note_a_role_is_shown(role: Role, plain: NoteSight, health: NoteSight) -> None:
    assert note_sight(reader(role), PLAIN) is plain
    assert note_sight(reader(role), HEALTH) is health


@pytest.mark.parametrize("note", [PLAIN, HEALTH])
def test_author_and_facilitator_read_their_own(note: Note) -> None:
    assert note_sight(reader(Role.TEACHER, BEN), note) is WHOLE
    assert note_sight(reader(Role.FACILITATOR), replace(note, facilitator_ids=frozenset({AMY}))) is WHOLE


def test_sharing_opens_a_note_to_the_person_named_and_never_one_with_health_reasons() -> None:
    shared = frozenset({AMY})
    assert note_sight(reader(Role.TEACHER), replace(PLAIN, shared_with=shared)) is WHOLE
    assert note_sight(reader(Role.GUARDIAN), replace(PLAIN, shared_with=shared)) is WHOLE
    assert note_sight(reader(Role.TEACHER), replace(HEALTH, shared_with=shared)) is PART
    assert note_sight(reader(Role.GUARDIAN), replace(HEALTH, shared_with=shared)) is NOTHING


def test_a_note_without_author_belongs_to_nobody_who_has_no_name() -> None:
    assert note_sight(reader(Role.INTEGRATION, None), replace(PLAIN, author_id=None)) is NOTHING
