"""One walk up the ladder, decisions in bulk, and every verb a person has, as the API shows them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field

from api.schemas.cases import InstanceSummary
from api.schemas.queue import ITEM, QueueItem
from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from models.instances import Instance
from orchestration.handles import Told

_ANSWER: dict[str, Any] = {
    "confirmed": True,
    "instance_id": OTHER_ID,
    "status": "ACTIVE",
    "phase": "ACTING",
    "stage_key": "letter-1",
    "proposal_id": SOME_ID,
    "revision": 7,
    "undo_until": "2026-11-20T09:30:10Z",
    "verbs": ["withdraw_approval", "hold", "stop"],
}


_INSTANCE_EXAMPLE: dict[str, Any] = {
    "id": OTHER_ID,
    "case_id": SOME_ID,
    "student_id": SOME_ID,
    "lead_school_id": OTHER_ID,
    "rule_set_key": "general",
    "status": "STARTING",
    "phase": "EVALUATING",
    "stage_key": None,
    "stage_type": None,
    "due_at": None,
    "started_at": "2026-11-20T09:30:00Z",
    "closed_at": None,
    "close_reason": None,
}


class InstanceOut(Body):
    """One walk: where it stands, why, what may be done now, and the step that waits."""

    model_config = shown(
        {
            "instance": _INSTANCE_EXAMPLE,
            "digest": "0" * 64,
            "revision": 3,
            "hold_kind": None,
            "hold_until": None,
            "hold_reason": None,
            "assignee_id": None,
            "entry_date": "2026-11-20",
            "entry_reason": "Asked for by the class teacher.",
            "follow_up_week": None,
            "reopened_from": None,
            "verbs": ["hold", "stop"],
            "details": "Waiting until 30 November.",
            "waiting": ITEM,
        }
    )

    instance: InstanceSummary
    digest: str
    revision: int
    hold_kind: str | None
    hold_until: datetime | None
    hold_reason: str | None
    assignee_id: UUID | None
    entry_date: date | None
    entry_reason: str | None
    follow_up_week: int | None
    reopened_from: UUID | None
    verbs: list[str]
    details: str
    waiting: QueueItem | None

    @classmethod
    def of(cls, row: Instance, item: QueueItem | None) -> Self:
        plain = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        seen = {"verbs": row.view.get("verbs", []), "details": row.view.get("details", "")}
        return cls(**plain, **seen, instance=InstanceSummary.model_validate(row), waiting=item)


class InstancesOut(Body):
    """All walks of a student, the latest first."""

    model_config = shown({"items": []})

    items: list[InstanceSummary]


class EventOut(Body):
    """One thing that happened."""

    model_config = shown(
        {
            "id": SOME_ID,
            "type": "APPROVED",
            "stage_key": "letter-1",
            "stage_type": "LETTER_1",
            "occurred_at": "2026-11-20T09:30:00Z",
            "actor_id": OTHER_ID,
            "actor_role": "attendance_officer",
            "reason": None,
            "artifact_id": None,
            "data": {},
        }
    )

    id: UUID
    type: str
    stage_key: str | None
    stage_type: str | None
    occurred_at: datetime
    actor_id: UUID | None
    actor_role: str | None
    reason: str | None
    artifact_id: UUID | None
    data: dict[str, Any]


class AnswerOut(Body):
    """What the case said; not `confirmed` (202) means: accepted, ask again with the same key."""

    model_config = shown(_ANSWER)

    confirmed: bool
    instance_id: UUID
    status: str | None = None
    phase: str | None = None
    stage_key: str | None = None
    proposal_id: UUID | None = None
    revision: int | None = None
    undo_until: datetime | None = None
    verbs: tuple[str, ...] = ()

    @classmethod
    def of(cls, instance_id: UUID, told: Told) -> Self:
        if told.answer is None:
            return cls(confirmed=False, instance_id=instance_id)
        kept = told.answer.model_dump(exclude={"command_id", "instance_id"})
        return cls(confirmed=True, instance_id=instance_id, **kept)


class StartIn(Body):
    """Put a student on a ladder by hand."""

    model_config = shown(
        {"student_id": SOME_ID, "school_id": OTHER_ID, "rule_set_key": "general", "reason": "Teacher is worried."}
    )

    student_id: UUID
    school_id: UUID
    rule_set_key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
    reason: Reason


class StartedOut(Body):
    """The new walk; not `running` means that it is stored and starts as soon as the case engine answers."""

    model_config = shown({"instance": _INSTANCE_EXAMPLE, "running": True})

    instance: InstanceSummary
    running: bool


class BulkRow(Body):
    """One row of a bulk decision; a veto is a `skip` with its reason."""

    model_config = shown({"instance_id": OTHER_ID, "proposal_id": SOME_ID, "decision": "approve"})

    instance_id: UUID
    proposal_id: UUID
    decision: Literal["approve", "skip"] = "approve"
    reason: Annotated[str, Field(max_length=2000)] = ""


class BulkIn(Body):
    """Decisions on steps of one stage, at most fifty, none of a student with a care flag."""

    model_config = shown(
        {"stage_key": "letter-1", "rows": [{"instance_id": OTHER_ID, "proposal_id": SOME_ID, "decision": "approve"}]}
    )

    stage_key: Annotated[str, Field(min_length=1, max_length=48)]
    rows: Annotated[list[BulkRow], Field(min_length=1, max_length=50)]


class RowResult(Body):
    """What became of one row of many: the answer, or the problem."""

    status: int
    answer: AnswerOut | None = None
    code: str | None = None
    detail: str | None = None

    @classmethod
    def of(cls, outcome: Any, **row: UUID) -> Self:
        """A row's result, with what names the row."""
        return cls(**row, status=outcome.status, answer=outcome.answer, code=outcome.code, detail=outcome.detail)


class BulkResult(RowResult):
    """What became of one row: 200, 202, 403, 404, 409, 422 or 503, with the answer or the problem."""

    model_config = shown({"proposal_id": SOME_ID, "status": 200, "answer": _ANSWER, "code": None, "detail": None})

    proposal_id: UUID


class BulkOut(Body):
    """One result per row, in the order sent."""

    model_config = shown(
        {"results": [{"proposal_id": SOME_ID, "status": 403, "code": "flagged_in_bulk", "detail": "Decide it alone."}]}
    )

    results: list[BulkResult]


class LateTripOut(Body):
    """A condition that a late correction made true for a past day only."""

    model_config = shown(
        {
            "id": SOME_ID,
            "student_id": SOME_ID,
            "school_id": OTHER_ID,
            "rule_set_key": "general",
            "digest": "0" * 64,
            "date": "2026-10-02",
            "metrics": {"absent_half_days/calendar:30/all": 10},
            "seen_at": None,
        }
    )

    id: UUID
    student_id: UUID
    school_id: UUID
    rule_set_key: str
    digest: str
    date: date
    metrics: dict[str, Any]
    seen_at: datetime | None
