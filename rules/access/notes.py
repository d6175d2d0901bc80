"""Who reads a confidential note: everybody else sees that a student took part, and no word of it."""

from dataclasses import dataclass
from enum import StrEnum

from rules.access.permissions import Role
from rules.access.policy import Principal
from rules.ids import PersonId

# A note with health reasons stays with these, whatever anybody shares (security.md)
_ALWAYS = frozenset({Role.SPECIALIST, Role.SCHOOL_LEADER, Role.DISTRICT_ADMIN})
# Who stands beside the family may read what has no health in it without being asked each time
_CARE = frozenset({Role.SAFEGUARDING_LEAD, Role.INCLUSION_LEAD, Role.ATTENDANCE_OFFICER})
_PRESENT = frozenset({Role.TEACHER, Role.FACILITATOR, Role.LIAISON})


class NoteSight(StrEnum):
    """How much of a note its reader is shown."""

    WHOLE = "whole"
    PARTICIPATION = "participation"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Note:
    """What decides who reads a note: its author, who led the session, whom it is shared with, health in it or not."""

    author_id: PersonId | None
    facilitator_ids: frozenset[PersonId] = frozenset()
    shared_with: frozenset[PersonId] = frozenset()
    health: bool = False


def note_sight(reader: Principal, note: Note) -> NoteSight:
    """How much of a note a reader who reaches the student is shown; sharing never opens a note with health reasons."""
    if _own(reader, note) or reader.role in _ALWAYS:
        return NoteSight.WHOLE
    shared = reader.person_id is not None and reader.person_id in note.shared_with
    if not note.health and (reader.role in _CARE or shared):
        return NoteSight.WHOLE
    return NoteSight.PARTICIPATION if reader.role in _PRESENT | _CARE else NoteSight.NOTHING


def _own(reader: Principal, note: Note) -> bool:
    """The author's and the facilitators' own note, unless they ask in a family's role."""
    if reader.role in {Role.STUDENT, Role.GUARDIAN, Role.EXTERNAL} or reader.person_id is None:
        return False
    return reader.person_id == note.author_id or reader.person_id in note.facilitator_ids
