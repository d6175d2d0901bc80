"""The end of a school year for one walk."""

from datetime import date, datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown
from models.instances import Instance
from models.year_ends import YearEnd
from rules.ladder.words import YearEndChoice

_SUMMARY = {
    "from": "2025-08-01",
    "to": "2026-07-31",
    "steps": ["letter-1", "meeting"],
    "letters": 2,
    "contacts": 5,
    "contacts_reached": 3,
    "meetings_held": 1,
    "attended_sessions": 322,
    "possible_sessions": 380,
}


class YearSummary(Body):
    """What was done in the year that ended, in counts; nobody's words."""

    model_config = shown(_SUMMARY)

    first: date = Field(alias="from")
    last: date = Field(alias="to")
    steps: list[str]
    letters: int
    contacts: int
    contacts_reached: int
    meetings_held: int
    attended_sessions: int
    possible_sessions: int


class YearEndOut(Body):
    """One walk before a new year. `chosen` can be changed until `begins`; without it the walk is reviewed in autumn."""

    model_config = shown(
        {
            "id": SOME_ID,
            "instance_id": OTHER_ID,
            "student_id": SOME_ID,
            "begins": "2026-08-01",
            "opened_at": "2026-06-19T05:00:00Z",
            "decide_by": "2026-07-17",
            "status": "CLOSE_WITH_SUMMARY",
            "chosen": "CLOSE_WITH_SUMMARY",
            "choices": [],
            "settled_at": "2026-08-01T05:00:00Z",
            "summary": _SUMMARY,
        }
    )

    id: UUID
    instance_id: UUID
    student_id: UUID
    begins: date
    opened_at: datetime
    decide_by: date
    status: Literal["PENDING", "CARRY", "CLOSE_WITH_SUMMARY", "REVIEW_IN_AUTUMN"]
    chosen: YearEndChoice | None
    choices: list[YearEndChoice]
    settled_at: datetime | None
    summary: YearSummary | None

    @classmethod
    def of(cls, row: YearEnd, instance: Instance) -> Self:
        names = ("id", "instance_id", "student_id", "begins", "opened_at", "decide_by", "status", "settled_at")
        pending = row.status == "PENDING"
        said = ((instance.state or {}).get("year_end") or {}).get("choice") if pending else row.status
        return cls(
            **{name: getattr(row, name) for name in names},
            chosen=said,
            choices=list(YearEndChoice) if pending and instance.closed_at is None else [],
            summary=YearSummary.model_validate(row.summary) if row.summary else None,
        )
