"""Support plans as the API takes and shows them."""

from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from models.plans import SupportPlan
from rules.plans.content import Aim, PlanAction, PlanContent, PlanReview, PlanState, Signature, Words
from services import plans

_CONTENT: dict[str, Any] = {
    "aims": [{"party": "STUDENT", "guardian_id": None, "words": "I want to sit with my friends again."}],
    "actions": [
        {
            "party": "SCHOOL",
            "guardian_id": None,
            "what": "Breakfast club from Monday.",
            "person_id": None,
            "due_on": "2026-11-30",
            "done_on": None,
        }
    ],
    "adjustments": ["Comes in by the side door."],
    "signatures": [
        {"party": "SCHOOL", "guardian_id": None, "how": "SIGNED", "signed_on": "2026-11-20", "note": ""},
        {"party": "STUDENT", "guardian_id": None, "how": "SAID_YES", "signed_on": "2026-11-20", "note": ""},
    ],
    "review_on": "2026-12-18",
}


class PlanBody(Body):
    """Everything a plan says."""

    model_config = shown(_CONTENT)

    aims: list[Aim] = Field(default_factory=list)
    actions: list[PlanAction] = Field(default_factory=list)
    adjustments: list[Words] = Field(default_factory=list)
    signatures: list[Signature] = Field(default_factory=list)
    review_on: date | None = None


class PlanIn(PlanBody):
    """Everything the plan says, replaced as a whole, and why."""

    model_config = shown({**_CONTENT, "reason": "Written at the meeting, read out to everybody."})

    reason: Reason

    def content(self) -> PlanContent:
        """As the rules read it."""
        return PlanContent.model_validate(self.model_dump(exclude={"reason"}))


class PlanOut(PlanBody):
    """One plan, for staff."""

    model_config = shown(
        {
            "id": SOME_ID,
            "student_id": OTHER_ID,
            "school_id": OTHER_ID,
            "case_id": SOME_ID,
            "instance_id": OTHER_ID,
            "meeting_id": None,
            "stage_key": "plan",
            "status": "DRAFT",
            "revision": 1,
            "opened_at": "2026-11-16T09:30:00Z",
            "due_on": "2026-11-30",
            "agreed_on": None,
            "reason": None,
            **_CONTENT,
        }
    )

    id: UUID
    student_id: UUID
    school_id: UUID
    case_id: UUID
    instance_id: UUID
    meeting_id: UUID | None
    stage_key: str | None
    status: PlanState
    revision: int
    opened_at: datetime
    due_on: date
    agreed_on: date | None
    reason: str | None

    @classmethod
    def of(cls, row: SupportPlan) -> Self:
        """As it is stored."""
        said = plans.content_of(row).model_dump()
        kept = {name: getattr(row, name) for name in cls.model_fields if name not in said}
        return cls.model_validate({**kept, **said})


class PlanAgreeIn(Body):
    """The day on which staff and family agreed."""

    model_config = shown({"on": "2026-11-20"})

    on: date


class PlanReviewIn(Body):
    """What the review came to."""

    model_config = shown(
        {"result": "CONTINUE", "review_on": "2027-01-15", "reason": "Better; keep the breakfast club."}
    )

    result: PlanReview
    review_on: date | None = None
    reason: Reason


class PlanCopyIn(Body):
    """The one guardian whose copy it is."""

    model_config = shown({"guardian_id": SOME_ID})

    guardian_id: UUID


class PlanCopyOut(Body):
    """The stored copy: downloaded like any letter, handed over by the task that was opened."""

    model_config = shown({"plan_id": SOME_ID, "artifact_id": OTHER_ID})

    plan_id: UUID
    artifact_id: UUID
