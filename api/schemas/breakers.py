"""Breakers as the API shows them: what is held, the figures, and what it looks like in words."""

import datetime as dt
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown

_BREAKER: dict[str, Any] = {
    "id": SOME_ID,
    "kind": "SUSPECT_DAY",
    "status": "OPEN",
    "school_id": OTHER_ID,
    "date": "2026-11-19",
    "stage_key": None,
    "cause": "WHOLE_SCHOOL",
    "sentence": "91.0 % of the sessions are absences; usual is 6.1 %, the limit 25.0 %. Nearly everybody is absent: a "
    "closure (a snow day) entered as absence, or a feed that sends presence as absence.",
    "holds": None,
    "opened_at": "2026-11-19T19:15:04Z",
    "released_by": None,
    "released_at": None,
    "release_reason": None,
}


class BreakerOut(Body):
    """Something that looks wrong; while it is open nothing that rests on it goes on."""

    model_config = shown(_BREAKER)

    id: UUID
    kind: Literal["SUSPECT_DAY", "BATCH", "CAP"]
    status: Literal["OPEN", "RELEASED", "CLEARED"] = Field(description="CLEARED: a correction made the day ordinary.")
    school_id: UUID | None = Field(description="Null: it holds the whole tenant.")
    date: dt.date
    stage_key: str | None
    cause: str | None = Field(description="What it looks like; a person decides what it was.")
    sentence: str = Field(description="Figures and cause in words; register codes only for who may see them.")
    holds: int | None = Field(description="How many proposals a batch holds.")
    opened_at: dt.datetime
    released_by: UUID | None
    released_at: dt.datetime | None
    release_reason: str | None
