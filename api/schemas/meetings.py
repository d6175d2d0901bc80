"""Meetings as the API shows them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from models.meetings import Meeting
from rules.bounds import AnyDay, Instant
from rules.meetings.outcomes import NoShow, Outcome

_MEETING: dict[str, Any] = {
    "id": SOME_ID,
    "instance_id": OTHER_ID,
    "student_id": SOME_ID,
    "school_id": OTHER_ID,
    "stage_key": "meeting",
    "status": "SCHEDULED",
    "starts_at": "2026-12-01T14:30:00Z",
    "ends_at": "2026-12-01T15:00:00Z",
    "location": "Room 3",
    "mode": "in_person",
    "held_at": None,
    "outcome_code": None,
    "outcome_notes": None,
    "notes": None,
    "revision": 1,
}
Mode = Literal["in_person", "phone", "video", "visit"]


class MeetingOut(Body):
    """A meeting about one student; PROPOSED = no time chosen yet."""

    model_config = shown(_MEETING)

    id: UUID
    instance_id: UUID | None
    student_id: UUID
    school_id: UUID
    stage_key: str | None
    status: str
    starts_at: datetime | None
    ends_at: datetime | None
    location: str | None
    mode: str | None
    held_at: datetime | None
    outcome_code: str | None
    outcome_notes: str | None
    notes: str | None = Field(description="Null for those who neither care for the student nor were at the meeting.")
    revision: int

    @classmethod
    def of(cls, row: Meeting, *, notes: bool) -> Self:
        """`notes`: the viewer may read what was written down about the family."""
        whole = cls.model_validate(row)
        return whole if notes else whole.model_copy(update={"notes": None, "outcome_notes": None})


class AttendeeOut(Body):
    """Somebody invited."""

    model_config = shown(
        {
            "kind": "GUARDIAN",
            "attendee_id": SOME_ID,
            "invited_at": None,
            "invitation_delivered": None,
            "attended": None,
        }
    )

    kind: str
    attendee_id: UUID
    invited_at: datetime | None
    invitation_delivered: bool | None
    attended: bool | None


class MeetingFileOut(Body):
    """A meeting with those invited."""

    model_config = shown({"meeting": _MEETING, "attendees": []})

    meeting: MeetingOut
    attendees: list[AttendeeOut]


class MeetingIn(Body):
    """A meeting booked by hand, for a walk or on its own."""

    model_config = shown(
        {
            "student_id": SOME_ID,
            "school_id": OTHER_ID,
            "starts_at": "2026-12-01T14:30:00Z",
            "ends_at": "2026-12-01T15:00:00Z",
            "room": "Room 3",
        }
    )

    student_id: UUID
    school_id: UUID
    starts_at: Instant
    ends_at: Instant
    staff_id: UUID | None = None
    room: Annotated[str, Field(max_length=100)] = ""
    mode: Mode = "in_person"
    instance_id: UUID | None = None


class OutcomeIn(Body):
    """What came of the meeting."""

    model_config = shown({"code": "SUPPORT_PLAN", "held_at": "2026-12-01T14:30:00Z", "notes": "Breakfast club agreed."})

    code: Outcome
    held_at: Instant | None = None
    until: AnyDay | None = Field(default=None, description="End of a medical plan.")
    no_show: NoShow | None = None
    other_mode_offered: bool = False
    notes: Annotated[str, Field(max_length=8000)] = ""


class MeetingPut(Body):
    """Another time, or what came of it; what was saved before changes only with a reason."""

    model_config = shown(
        {
            "starts_at": "2026-12-02T14:30:00Z",
            "ends_at": "2026-12-02T15:00:00Z",
            "reason": "The family works mornings.",
        },
        {"outcome": {"code": "RESOLVED", "held_at": "2026-12-01T14:30:00Z"}},
    )

    starts_at: Instant | None = None
    ends_at: Instant | None = None
    outcome: OutcomeIn | None = None
    reason: Reason | None = Field(default=None, description="Needed to move it, and to replace notes written before.")


class SlotOut(Body):
    """A free time."""

    model_config = shown({"starts_at": "2026-12-01T14:30:00Z", "ends_at": "2026-12-01T15:00:00Z"})

    starts_at: datetime
    ends_at: datetime


class SlotsOut(Body):
    """The next free times."""

    model_config = shown({"items": []})

    items: list[SlotOut]
