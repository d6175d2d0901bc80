"""An authority's history of each guardian as the API takes and shows it."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, Text, shown
from rules.bounds import AnyDay
from services.guardian_histories import AuthorityEvent, HistoryView, RecordHistory

_EVENT: dict[str, Any] = {"kind": "penalty_notice", "on": "2025-03-14", "reference": "PN-4411", "withdrawn": False}
_HISTORY: dict[str, Any] = {
    "guardian_id": OTHER_ID,
    "guardian_name": "Mary Example",
    "liable": True,
    "confirmed": True,
    "penalty_notices": 1,
    "events": [_EVENT],
    "source": "Letter of the authority's attendance team",
    "checked_on": "2026-11-18",
    "recorded_by": SOME_ID,
    "recorded_at": "2026-11-19T09:00:00Z",
    "confirmed_by": OTHER_ID,
    "confirmed_at": "2026-11-20T09:00:00Z",
}


class AuthorityEventBody(Body):
    """One thing an authority did about a guardian and this student."""

    model_config = shown(_EVENT)

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$", description="As rules name it: penalty_notice.")]
    on: AnyDay = Field(description="The day it is dated.")
    reference: Annotated[Text, Field(max_length=100)] | None = None
    withdrawn: bool = Field(False, description="Withdrawn by the authority: it does not count. Unpaid ones do.")


class GuardianHistoryIn(Body):
    """All the authority has done about this guardian and this student; an empty list says that it has done nothing."""

    model_config = shown(
        {
            "events": [_EVENT],
            "source": "Letter of the authority's attendance team",
            "checked_on": "2026-11-18",
            "reason": "Asked before the referral.",
        }
    )

    events: Annotated[list[AuthorityEventBody], Field(max_length=100)]
    source: Annotated[Text, Field(max_length=200, description="Where it was read or who said so.")]
    checked_on: AnyDay
    reason: Reason

    def command(self, student_id: UUID, guardian_id: UUID) -> RecordHistory:
        """As the service takes it."""
        events = [AuthorityEvent(one.kind, one.on, one.reference, one.withdrawn) for one in self.events]
        return RecordHistory(student_id, guardian_id, events, self.source, self.checked_on, self.reason)


class GuardianHistoryOut(Body):
    """One guardian's history; for staff only, and never shown to another guardian."""

    model_config = shown(_HISTORY)

    guardian_id: UUID
    guardian_name: str
    liable: bool | None = Field(description="Null: nobody has said, so that rules ask for the history all the same.")
    confirmed: bool = Field(description="Until it is, what rules count per guardian is unknown, and nothing advances.")
    penalty_notices: int | None = Field(description="Those that count in the last three years; null: unknown.")
    events: list[AuthorityEventBody]
    source: str | None
    checked_on: date | None
    recorded_by: UUID | None
    recorded_at: datetime | None
    confirmed_by: UUID | None
    confirmed_at: datetime | None

    @classmethod
    def of(cls, found: HistoryView, today: date) -> Self:
        """As it stands on a day."""
        names = ("source", "checked_on", "recorded_by", "recorded_at", "confirmed_by", "confirmed_at")
        return cls(
            guardian_id=found.view.guardian.id,
            guardian_name=found.view.guardian.name,
            liable=found.liable,
            confirmed=found.confirmed,
            penalty_notices=found.penalty_notices(today),
            events=[AuthorityEventBody.model_validate(one) for one in found.events()],
            **{name: getattr(found.history, name, None) for name in names},
        )


class GuardianHistoriesOut(Body):
    """The histories of all guardians of a student."""

    model_config = shown({"student_id": SOME_ID, "items": [_HISTORY]})

    student_id: UUID
    items: list[GuardianHistoryOut]
