"""For how long records are kept, and the lists of what has been kept long enough, as the API shows them."""

from datetime import date, datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown
from models.retention import RetentionRun
from rules.privacy.retention import EndOf, RecordClass
from services.retention import Period

_CITE = "School Attendance (Pupil Registration) (England) Regulations 2024: every entry is preserved for six years"
_LINE: dict[str, Any] = {
    "class": "REGISTER",
    "action": "DELETE",
    "since": "the school day",
    "jurisdiction": "GB-ENG",
    "schools": [OTHER_ID],
    "months": 72,
    "law_asks_months": 72,
    "cite": _CITE,
    "law_checked_on": None,
    "verified": False,
    "before": "2020-11-21",
    "count": 0,
}


class PeriodOut(Body):
    """How long one class of records is kept at some schools, and by whose word."""

    model_config = shown(
        {
            "record_class": "REGISTER",
            "since": "the school day",
            "action": "DELETE",
            "jurisdiction": "GB-ENG",
            "school_ids": [OTHER_ID],
            "months": 72,
            "law_asks_months": 72,
            "cite": _CITE,
            "law_checked_on": None,
            "state": "NOT_VERIFIED",
        }
    )

    record_class: RecordClass
    since: str = Field(description="From when its time runs.")
    action: EndOf
    jurisdiction: str | None
    school_ids: list[UUID] | None = Field(description="None: the tenant as a whole.")
    months: int | None = Field(description="None: kept for ever, nobody has decided.")
    law_asks_months: int | None = Field(description="None: Handrail knows of no law that asks for a time.")
    cite: str | None
    law_checked_on: date | None = Field(description="The day somebody compared the law's period with its text.")
    state: Literal["IN_FORCE", "KEPT", "NOT_VERIFIED"] = Field(
        description="NOT_VERIFIED: nothing is destroyed by it until somebody has read the law and says when."
    )

    @classmethod
    def of(cls, period: Period) -> Self:
        """One period as a reader needs it."""
        least = period.least
        ends = "IN_FORCE" if period.verified else "NOT_VERIFIED"
        return cls(
            record_class=period.keeping.key,
            since=period.keeping.since,
            action=period.keeping.action,
            jurisdiction=period.place.jurisdiction,
            school_ids=None if period.place.schools is None else list(period.place.schools),
            months=period.months,
            law_asks_months=least.months if least else None,
            cite=least.cite if least else None,
            law_checked_on=period.verified_on,
            state="KEPT" if period.months is None else ends,
        )


class PeriodsOut(Body):
    """Every class at every kind of school."""

    model_config = shown({"items": [PeriodOut.model_config["json_schema_extra"]["examples"][0]]})  # type: ignore[index]  # as `shown` made it

    items: list[PeriodOut]


class RetentionListOut(Body):
    """One list of what had been kept long enough on a day, and how far it has come."""

    model_config = shown(
        {
            "id": SOME_ID,
            "status": "LISTED",
            "today": "2026-11-21",
            "known_at": "2026-11-21T08:00:00Z",
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "listed_by": OTHER_ID,
            "approved_by": None,
            "approved_at": None,
            "reason": None,
            "done_at": None,
        }
    )

    id: UUID
    status: Literal["LISTED", "APPROVED", "DONE"]
    today: date
    known_at: datetime
    sha256: str
    listed_by: UUID
    approved_by: UUID | None
    approved_at: datetime | None
    reason: str | None
    done_at: datetime | None


class RetentionFileOut(Body):
    """One list with its lines, and what came of each by its number; students stand in it by id."""

    model_config = shown(
        {"summary": RetentionListOut.model_config["json_schema_extra"]["examples"][0], "lines": [_LINE], "done": {}}  # type: ignore[index]  # as `shown` made it
    )

    summary: RetentionListOut
    lines: list[dict[str, Any]] = Field(
        description="A line with `verified: false` rests on a law's period that nobody has verified: nothing goes."
    )
    done: dict[str, dict[str, int]]

    @classmethod
    def of(cls, run: RetentionRun) -> Self:
        """The whole list."""
        return cls(summary=RetentionListOut.model_validate(run), lines=list(run.lines), done=dict(run.done))
