"""One row of the decision log as the API shows it: reasons and figures, never the facts about a child behind them."""

from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown
from services.decision_log import Replayed

_DIFFERENCE: dict[str, Any] = {"what": "action", "recorded": "WAIT", "now": "ADVANCE"}


class DifferenceOut(Body):
    """One thing that comes out otherwise than it was written down."""

    model_config = shown(_DIFFERENCE)

    what: str
    recorded: Any
    now: Any


class DecisionOut(Body):
    """A decision, and whether it comes out again."""

    model_config = shown(
        {
            "id": SOME_ID,
            "instance_id": OTHER_ID,
            "student_id": OTHER_ID,
            "school_id": OTHER_ID,
            "evaluation_id": SOME_ID,
            "date": "2026-11-20",
            "known_at": "2026-11-20T19:00:00Z",
            "digest": "8f14e45fceea167a5a36dedd4bea2543",
            "action": "ADVANCE",
            "stage": "letter-1",
            "by": "stage:letter-1",
            "fired": ["stage:letter-1"],
            "held_back": [],
            "engines_agree": True,
            "sentence": "5 absences in 30 calendar days (22 Oct - 20 Nov); threshold 5",
            "leaves": [],
            "differences": [],
        }
    )

    id: UUID
    instance_id: UUID
    student_id: UUID
    school_id: UUID
    evaluation_id: UUID
    date: date
    known_at: datetime = Field(description="What was in the register at this instant is what was decided on.")
    digest: str = Field(description="sha256 of the rule-set version's content.")
    action: str
    stage: str | None = Field(description="The stage to enter, if any.")
    by: str | None = Field(description="The rule that decided, if one did.")
    fired: list[str]
    held_back: list[str] = Field(description="Why the next stage was not entered.")
    engines_agree: bool
    sentence: str
    leaves: list[dict[str, Any]]
    differences: list[DifferenceOut] = Field(description="Empty while the decision comes out again just as it was.")

    @classmethod
    def of(cls, found: Replayed) -> Self:
        row = found.row
        return cls(
            id=row.id,
            instance_id=row.instance_id,
            student_id=row.student_id,
            school_id=row.school_id,
            evaluation_id=row.evaluation_id,
            date=row.date,
            known_at=row.known_at,
            digest=row.digest,
            action=row.action,
            stage=row.stage_key,
            by=row.rule,
            fired=row.fired,
            held_back=row.held_back,
            engines_agree=row.engines_agree,
            sentence=found.told.sentence if found.told else row.sentence,
            leaves=[leaf.data() for leaf in found.told.leaves] if found.told else row.leaves,
            differences=[DifferenceOut.model_validate(one) for one in found.differences],
        )
