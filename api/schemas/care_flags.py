"""Care flags as the API takes and shows them, to those few roles that may see them."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from api.schemas.shared import SOME_ID, Body, Reason, shown
from models.students import CARE_FLAGS

FlagKind = StrEnum("FlagKind", {name: name for name in CARE_FLAGS})  # type: ignore[misc]  # one list of kinds, in models
_EXAMPLE = {"kind": "YOUNG_CARER", "starts_on": "2026-11-16", "ends_on": "2027-07-31"}


class CareFlagFields(Body):
    """One flag, both days included; without `ends_on` until it is taken away."""

    model_config = shown(_EXAMPLE)

    kind: FlagKind
    starts_on: date
    ends_on: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError("ends_on is before starts_on: a flag ends on or after the day it starts")
        return self


class CareFlagsIn(Body):
    """The whole list from now on; what is left out ends."""

    model_config = shown({"care_flags": [_EXAMPLE], "reason": "The family told the form tutor."})

    care_flags: Annotated[list[CareFlagFields], Field(max_length=50)]
    reason: Reason


class CareFlagsOut(Body):
    """The flags that have not ended."""

    model_config = shown({"student_id": SOME_ID, "care_flags": [_EXAMPLE]})

    student_id: UUID
    care_flags: list[CareFlagFields]
