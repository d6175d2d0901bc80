"""The handover of a case between two schools, as both read it."""

from datetime import date, datetime
from typing import Any, Literal, Self
from uuid import UUID

from api.schemas.cases import InstanceSummary
from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown
from services.handover_pages import Handover

_INSTANCE: dict[str, Any] = {
    "id": OTHER_ID,
    "case_id": SOME_ID,
    "student_id": SOME_ID,
    "lead_school_id": OTHER_ID,
    "rule_set_key": "general",
    "status": "ACTIVE",
    "phase": "TRANSFER_PENDING",
    "stage_key": "letter-1",
    "stage_type": "LETTER_1",
    "due_at": "2026-12-19T00:00:00Z",
    "started_at": "2026-11-02T06:00:00Z",
    "closed_at": None,
    "close_reason": None,
}


class HandoverEvent(Body):
    """Something that happened in the case: what and when, no reason and nobody's words."""

    model_config = shown({"type": "STEP_TAKEN", "stage_key": "letter-1", "occurred_at": "2026-11-05T09:00:00Z"})

    type: str
    stage_key: str | None
    occurred_at: datetime


class HandoverContact(Body):
    """A contact with the family; what was said stays with the record."""

    model_config = shown({"mode": "CALL", "reached": True, "contacted_at": "2026-11-05T09:00:00Z"})

    mode: str
    reached: bool
    contacted_at: datetime


class HandoverMeeting(Body):
    """A meeting: when, and whether it was held; no notes and no outcome."""

    model_config = shown({"status": "HELD", "starts_at": "2026-11-12T14:00:00Z", "held_at": "2026-11-12T14:00:00Z"})

    status: str
    starts_at: datetime | None
    held_at: datetime | None


class HandoverDuty(Body):
    """What the law still asks for about the student."""

    model_config = shown({"id": SOME_ID, "title": "Notify the authority", "cite": "s.1(1)", "due_on": "2026-12-01"})

    id: UUID
    title: str | None
    cite: str
    due_on: date


class HandoverOut(Body):
    """The latest handover of a case: what was done so far, what is owed, until when to choose."""

    model_config = shown(
        {
            "id": SOME_ID,
            "instance": _INSTANCE,
            "student_id": SOME_ID,
            "student_name": "Sam Green",
            "year_group": "5",
            "from_school_id": OTHER_ID,
            "from_school": "Oak School",
            "to_school_id": SOME_ID,
            "to_school": "Elm School",
            "opened_at": "2026-11-20T06:00:00Z",
            "decide_by": "2026-12-18",
            "status": "PENDING",
            "settled_at": None,
            "choices": ["CONTINUE", "SUPPORT_ONLY", "CLOSE"],
            "entry_date": "2026-11-02",
            "needs_second_look": False,
            "exempt": False,
            "exempt_until": None,
            "events": [{"type": "STEP_TAKEN", "stage_key": "letter-1", "occurred_at": "2026-11-05T09:00:00Z"}],
            "contacts": [],
            "meetings": [],
            "duties": [],
        }
    )

    id: UUID
    instance: InstanceSummary
    student_id: UUID
    student_name: str
    year_group: str | None
    from_school_id: UUID
    from_school: str
    to_school_id: UUID
    to_school: str
    opened_at: datetime
    decide_by: date
    status: Literal["PENDING", "CONTINUE", "SUPPORT_ONLY", "CLOSE", "LAPSED", "UNDONE", "SUPERSEDED"]
    settled_at: datetime | None
    choices: list[str]
    entry_date: date | None
    needs_second_look: bool
    exempt: bool
    exempt_until: date | None
    events: list[HandoverEvent]
    contacts: list[HandoverContact]
    meetings: list[HandoverMeeting]
    duties: list[HandoverDuty]

    @classmethod
    def of(cls, found: Handover) -> Self:
        row, student = found.row, found.student
        names = ("id", "student_id", "from_school_id", "to_school_id", "opened_at", "decide_by", "status", "settled_at")
        return cls(
            **{name: getattr(row, name) for name in names},
            instance=InstanceSummary.model_validate(found.instance),
            student_name=f"{student.first_name or ''} {student.last_name or ''}".strip() or student.source_id,
            year_group=student.year_group,
            from_school=found.from_school,
            to_school=found.to_school,
            choices=["CONTINUE", "SUPPORT_ONLY", "CLOSE"] if row.status == "PENDING" else [],
            entry_date=found.instance.entry_date,
            needs_second_look=found.second_look,
            exempt=found.exempt,
            exempt_until=found.exempt_until,
            events=[HandoverEvent.model_validate(one) for one in found.events],
            contacts=[HandoverContact.model_validate(one) for one in found.contacts],
            meetings=[HandoverMeeting.model_validate(one) for one in found.meetings],
            duties=[HandoverDuty.model_validate(one) for one in found.duties],
        )
