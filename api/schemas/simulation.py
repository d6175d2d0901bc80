"""What-if for one student as the API takes and shows it."""

from datetime import date
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field

from api.languages import TOLD
from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown
from rules.attendance.codes import Status
from rules.bounds import AnyDay
from rules.rulesets.messages import SOURCE, Language
from services.simulation import ASSUMED, Simulation, Told

_STEP: dict[str, Any] = {
    "on": "2026-11-09",
    "what": "STEP",
    "stage": "letter-1",
    "by": "stage:letter-1",
    "fired": ["stage:letter-1"],
    "sentence": "5 absences in 30 calendar days (11 Oct - 9 Nov); threshold 5",
    "leaves": [],
}


class PastedDayIn(Body):
    """One pasted day; a half that is not scheduled is left out."""

    model_config = shown({"on": "2026-11-02", "am": "PRESENT", "pm": "AUTHORISED_ABSENT", "pm_code": "I"})

    on: AnyDay
    am: Status | None = None
    pm: Status | None = None
    am_code: Annotated[str, Field(max_length=40)] = ""
    pm_code: Annotated[str, Field(max_length=40)] = ""


class PastedIn(Body):
    """A made-up register."""

    model_config = shown({"days": [{"on": "2026-11-02", "am": "PRESENT", "pm": "PRESENT"}]})

    days: Annotated[list[PastedDayIn], Field(min_length=1, max_length=800)]
    sessions_per_day: Literal[1, 2] = 2
    day_basis: Literal["SESSIONS", "DAYS_50PCT"] = "SESSIONS"
    code_set: Annotated[str, Field(max_length=40)] = "UK"


class SimulateIn(Body):
    """A student at a school, or pasted days; a stored version, or a document; a span of days."""

    model_config = shown(
        {
            "student_id": SOME_ID,
            "school_id": OTHER_ID,
            "version_id": SOME_ID,
            "from_date": "2026-09-01",
            "to_date": "2026-11-20",
        }
    )

    student_id: UUID | None = None
    school_id: UUID | None = None
    pasted: PastedIn | None = None
    version_id: UUID | None = None
    document: dict[str, Any] | None = None
    from_date: date
    to_date: date
    language: Annotated[Language, Field(description=TOLD)] = SOURCE


class SimulatedStepOut(Body):
    """One thing that would have happened, and why."""

    model_config = shown(_STEP)

    on: date
    what: str
    stage: str | None
    by: str | None
    fired: tuple[str, ...]
    sentence: str
    leaves: list[dict[str, Any]]

    @classmethod
    def of(cls, told: Told) -> Self:
        step = told.step
        return cls(
            on=step.on,
            what=step.what,
            stage=step.stage,
            by=step.by,
            fired=step.fired,
            sentence=told.sentence,
            leaves=[dict(leaf) for leaf in told.leaves],
        )


class SimulationOut(Body):
    """The timeline of steps; nothing was written."""

    model_config = shown(
        {
            "steps": [_STEP],
            "entry_on_last_day": "4 absences in 30 calendar days; threshold 5",
            "scope": "Outside the rule set's scope (ages) on 12 of 58 school days: nothing starts then.",
            "assumed": list(ASSUMED),
        }
    )

    steps: list[SimulatedStepOut]
    entry_on_last_day: str = Field(description="Whether the entry holds on the last day, or how far away it is.")
    scope: str = Field(description="Why nothing could start on some of these days; empty: it could on all.")
    assumed: list[str]

    @classmethod
    def of(cls, found: Simulation) -> Self:
        steps = [SimulatedStepOut.of(told) for told in found.steps]
        return cls(steps=steps, entry_on_last_day=found.entry_on_last_day, scope=found.scope, assumed=list(ASSUMED))
