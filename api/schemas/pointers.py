"""A guardian's links to single things as the API takes and shows them."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown
from rules.access.pointers import LONGEST_DAYS, USUAL_DAYS, PointerKind, PointerState

_EXAMPLE = {
    "link_id": SOME_ID,
    "guardian_id": SOME_ID,
    "student_id": OTHER_ID,
    "kind": "LETTER",
    "thing_id": OTHER_ID,
    "state": "OPEN",
    "made_by": SOME_ID,
    "made_at": "2026-11-20T09:30:00Z",
    "expires_at": "2026-11-27T09:30:00Z",
    "opened_at": None,
    "ended_at": None,
}


class PointerIn(Body):
    """What the link leads to, and for how long."""

    model_config = shown({"kind": "LETTER", "thing_id": SOME_ID, "days": USUAL_DAYS})

    kind: PointerKind = Field(description="LETTER: a stored letter to them; FAMILY_COPY: a released evidence pack.")
    thing_id: UUID = Field(description="Id of the letter's artifact or of the evidence pack.")
    days: int = Field(default=USUAL_DAYS, ge=1, le=LONGEST_DAYS, description="It opens nothing after so many days.")


class PointerOut(Body):
    """A link and how it stands; its address is not kept."""

    model_config = shown(_EXAMPLE)

    link_id: UUID
    guardian_id: UUID
    student_id: UUID
    kind: PointerKind
    thing_id: UUID
    state: PointerState
    made_by: UUID | None
    made_at: datetime
    expires_at: datetime
    opened_at: datetime | None = Field(description="When a code was first given back.")
    ended_at: datetime | None


class PointerMadeOut(PointerOut):
    """A new link with its address."""

    model_config = shown({**_EXAMPLE, "address": f"https://school.example/g/{'A' * 54}"})

    address: str | None = Field(description="Shown this once; null when the same command is sent again.")
