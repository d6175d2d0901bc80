"""Walks held because the register was corrected: what each choice would do, and decisions on many of them."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from api.schemas.ladder import RowResult
from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from rules.ladder.commands import BasisChoice
from services.corrections import Rescission, Shaken

BEFORE, AFTER = "before ", "after "


class HearerOut(Body):
    """A guardian who would be told that letters are taken back; `since` is the day of the first of them."""

    guardian_id: UUID
    name: str
    language: str
    channel: str
    since: date


class RescissionOut(Body):
    """What taking back would do today; `back_to` null ends the walk. `not_told` got a letter and would not hear, and
    why.
    """

    stage_keys: tuple[str, ...]
    back_to: str | None
    hears: tuple[HearerOut, ...]
    not_told: dict[UUID, str]


_TAKEN_BACK = {
    "stage_keys": ["letter-1"],
    "back_to": "contact",
    "hears": [
        {"guardian_id": SOME_ID, "name": "Grace Hopper", "language": "en", "channel": "email", "since": "2026-11-10"}
    ],
    "not_told": {},
}
_ITEM = {
    "event_id": SOME_ID,
    "since": "2026-11-20T06:00:00Z",
    "instance_id": OTHER_ID,
    "student_id": SOME_ID,
    "first_name": "Ann",
    "last_name": "Lee",
    "year_group": "8",
    "school_id": OTHER_ID,
    "school_name": "Oak School",
    "stage_key": "letter-1",
    "because": "8 days of absence instead of 10: the condition no longer holds",
    "before": {"absent_half_days/calendar:30/all": 20},
    "after": {"absent_half_days/calendar:30/all": 16},
    "rescinding": _TAKEN_BACK,
}


class CorrectionOut(Body):
    """One held walk: both values, and what taking its steps back would do. Keeping tells nobody."""

    model_config = shown(_ITEM)

    event_id: UUID
    since: datetime
    instance_id: UUID
    student_id: UUID
    first_name: str | None
    last_name: str | None
    year_group: str | None
    school_id: UUID
    school_name: str
    stage_key: str | None
    because: str
    before: dict[str, int | None]
    after: dict[str, int | None]
    rescinding: RescissionOut

    @classmethod
    def of(cls, row: Shaken, found: Rescission) -> Self:
        said = row.event.data
        return cls(
            event_id=row.event.id,
            since=row.event.occurred_at,
            instance_id=row.instance.id,
            student_id=row.student.id,
            first_name=row.student.first_name,
            last_name=row.student.last_name,
            year_group=row.student.year_group,
            school_id=row.instance.lead_school_id,
            school_name=row.school_name,
            stage_key=row.instance.stage_key,
            because=str(said.get("because", "")),
            before=_values(said, BEFORE),
            after=_values(said, AFTER),
            rescinding=RescissionOut.model_validate(found),
        )


def _values(said: dict[str, int | None], word: str) -> dict[str, int | None]:
    return {key.removeprefix(word): value for key, value in said.items() if key.startswith(word)}


class CorrectionsOut(Body):
    """A page of held walks; `waiting` counts them all, `families` those that this page would tell something."""

    model_config = shown({"items": [_ITEM], "waiting": 1, "families": 1, "next_cursor": None})

    items: list[CorrectionOut]
    waiting: int
    families: int
    next_cursor: str | None = Field(default=None, description="Send it back as `cursor` for the next page.")


class CorrectionRow(Body):
    """One walk's decision, about the loss of its reason that was seen."""

    instance_id: UUID
    event_id: UUID
    choice: BasisChoice


class CorrectionsIn(Body):
    """Decisions on at most fifty held walks, none of a student with a care flag; the reason is that of all."""

    model_config = shown(
        {
            "reason": "A week of marks was put on the wrong class.",
            "rows": [{"instance_id": OTHER_ID, "event_id": SOME_ID, "choice": "rescind"}],
        }
    )

    reason: Reason
    rows: Annotated[list[CorrectionRow], Field(min_length=1, max_length=50)]


class CorrectionResult(RowResult):
    """What became of one walk: 200, 202, 403, 404, 409 or 503, with the answer or the problem."""

    instance_id: UUID


class CorrectionResults(Body):
    """One result per row, in the order sent."""

    model_config = shown(
        {
            "results": [
                {"instance_id": SOME_ID, "status": 409, "code": "stale_correction", "detail": "It was looked at again."}
            ]
        }
    )

    results: list[CorrectionResult]
