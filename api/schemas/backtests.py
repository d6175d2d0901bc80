"""Backtests as the API takes and shows them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown
from models.backtests import Backtest
from rules.bounds import AnyDay
from rules.rulesets.backtests import BacktestStatus, StepChange, change_of
from services.backtests import NamedRules, OpenBacktest, WalkedStudent

MOST_APPROVAL_DAYS = 60
Minutes = Annotated[int, Field(ge=0, le=60 * 24)]
_STEP: dict[str, Any] = {"on": "2026-10-12", "what": "STEP", "stage": "letter-1", "carried_out_on": "2026-10-12"}
_BACKTEST: dict[str, Any] = {
    "id": SOME_ID,
    "school_id": OTHER_ID,
    "asked_by": SOME_ID,
    "from_date": "2025-09-01",
    "to_date": "2026-07-17",
    "approval_school_days": 2,
    "minutes": {"LETTER": 10, "MEETING": 60},
    "rule_sets": [{"version_id": SOME_ID, "key": "general", "digest": "0" * 64}],
    "status": "RUNNING",
    "students_total": 1200,
    "students_done": 500,
    "percent_done": 41,
    "asked_at": "2026-11-20T09:00:00Z",
    "started_at": "2026-11-20T09:00:01Z",
    "ended_at": None,
    "ended_by": None,
    "problem": None,
    "school_names": {OTHER_ID: "Oak School"},
}


class BacktestRulesIn(Body):
    """A stored version of any state, or a rule set's document that was never stored."""

    model_config = shown({"version_id": SOME_ID})

    version_id: UUID | None = None
    document: dict[str, Any] | None = None


class BacktestIn(Body):
    """What to replay: one rule set, or two beside each other, at one school or (left out) at every school."""

    model_config = shown(
        {
            "school_id": OTHER_ID,
            "rule_sets": [{"version_id": SOME_ID}],
            "from_date": "2025-09-01",
            "to_date": "2026-07-17",
            "approval_school_days": 2,
            "minutes": {"LETTER": 15},
        }
    )

    school_id: UUID | None = None
    rule_sets: Annotated[list[BacktestRulesIn], Field(min_length=1, max_length=2)]
    from_date: AnyDay
    to_date: AnyDay
    approval_school_days: Annotated[
        int, Field(ge=0, le=MOST_APPROVAL_DAYS, description="School days from a proposal to its step.")
    ] = 0
    minutes: dict[str, Minutes] = Field(
        {}, description="Staff minutes of a step by its type, where they differ from ours."
    )

    def command(self) -> OpenBacktest:
        """As the service takes it."""
        named = [NamedRules(one.version_id, one.document) for one in self.rule_sets]
        return OpenBacktest(
            self.school_id, named, self.from_date, self.to_date, self.approval_school_days, self.minutes
        )


class BacktestRulesOut(Body):
    """Which rule set was replayed; the digest names its content for ever."""

    model_config = shown({"version_id": SOME_ID, "key": "general", "digest": "0" * 64})

    version_id: UUID | None
    key: str
    digest: str


class BacktestOut(Body):
    """A backtest and how far it has come."""

    model_config = shown(_BACKTEST)

    id: UUID
    school_id: UUID | None = Field(description="Null: every school.")
    asked_by: UUID | None
    from_date: date
    to_date: date
    approval_school_days: int
    minutes: dict[str, int]
    rule_sets: list[BacktestRulesOut]
    status: BacktestStatus
    students_total: int | None = Field(description="Students at their schools; null until it has begun.")
    students_done: int
    percent_done: int
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    ended_by: UUID | None = Field(description="Who cancelled it.")
    problem: str | None = Field(description="Why it FAILED, and what to do.")
    school_names: dict[str, str] = Field(description="The schools it tells of, by id.")

    @classmethod
    def of(cls, row: Backtest, names: Mapping[str, str]) -> Self:
        """As it stands now."""
        return cls(**_fields(row, names))


class BacktestResultOut(BacktestOut):
    """A backtest with its figures: those of `figures.json` of `handrail simulate`, small groups hidden."""

    model_config = shown({**_BACKTEST, "figures": None})

    figures: dict[str, Any] | None = Field(
        description="Once FINISHED: entries by stage and month, steps and staff hours by week, groups with their"
        " ratios, and with two rule sets how many are added and dropped. Null stands for a count that is hidden."
    )

    @classmethod
    def of(cls, row: Backtest, names: Mapping[str, str]) -> Self:
        """As it stands now."""
        return cls(**_fields(row, names), figures=row.figures)


def _fields(row: Backtest, names: Mapping[str, str]) -> dict[str, Any]:
    mine = {"id", "school_id", "asked_by", "approval_school_days", "minutes", "status", "students_total"}
    mine |= {"students_done", "started_at", "ended_at", "ended_by", "problem"}
    told = {str(row.school_id)} | {
        group["value"] for group in (row.figures or {}).get("groups", ()) if group["by"] == "school"
    }
    total = row.students_total
    return {
        **{name: getattr(row, name) for name in mine},
        "from_date": row.first_on,
        "to_date": row.last_on,
        "rule_sets": [{name: one[name] for name in ("version_id", "key", "digest")} for one in row.rulesets],
        "percent_done": 100 * row.students_done // total if total else 100 * (row.status == BacktestStatus.FINISHED),
        "asked_at": row.created_at,
        "school_names": {school: names[school] for school in sorted(told) if school in names},
    }


class BacktestStepOut(Body):
    """One thing that would have happened."""

    model_config = shown(_STEP)

    on: date
    what: str
    stage: str | None
    carried_out_on: date | None


class BacktestStudentOut(Body):
    """A student at a school and what would have happened to them, rule set by rule set."""

    model_config = shown(
        {
            "student_id": SOME_ID,
            "student_name": "Aoife Example",
            "year_group": "5",
            "school_id": OTHER_ID,
            "change": "ADDED",
            "steps": [[], [_STEP]],
        }
    )

    student_id: UUID
    student_name: str | None
    year_group: str | None
    school_id: UUID
    change: StepChange | None = Field(description="What the second rule set does beside the first; null with one.")
    steps: list[list[BacktestStepOut]]

    @classmethod
    def of(cls, found: WalkedStudent) -> Self:
        """By name: whoever reads it stands in the view log."""
        walk, student = found.walk, found.student
        names = ("on", "what", "stage", "carried_out_on")
        return cls(
            student_id=walk.student_id,
            student_name=" ".join(filter(None, (student.first_name, student.last_name))) or None,
            year_group=student.year_group,
            school_id=walk.school_id,
            change=change_of(walk.stepped) if len(walk.steps) > 1 else None,
            steps=[[BacktestStepOut(**dict(zip(names, step, strict=True))) for step in steps] for steps in walk.steps],
        )
