"""The queue, one walk up the ladder, and every verb a person has, as the API shows them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field

from api.schemas.cases import InstanceSummary
from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from models.instances import Instance
from orchestration.handles import Told
from services.instances import ASKS, QueueRow

_LEAF: dict[str, Any] = {
    "leaf": "AbsenceCountThreshold",
    "truth": True,
    "value": "5",
    "threshold": "5",
    "distance": "0",
    "first_day": "2026-10-02",
    "last_day": "2026-10-31",
    "sentence": "5 absences in 30 calendar days (2 Oct - 31 Oct); threshold 5",
}
_BASIS: dict[str, Any] = {
    "on": "2026-10-31",
    "known_at": "2026-11-01T05:00:00Z",
    "fired": ["stage:letter-1"],
    "values": {"absent_half_days/calendar:30/all": 10},
    "leaves": [_LEAF],
    "kept": False,
}
_ITEM: dict[str, Any] = {
    "proposal_id": SOME_ID,
    "instance_id": OTHER_ID,
    "student_id": SOME_ID,
    "student_name": "Aoife Example",
    "year_group": "5",
    "class_name": "5A",
    "school_id": OTHER_ID,
    "school_name": "Oak Primary",
    "kind": "STEP",
    "stage_key": "letter-1",
    "type": "LETTER",
    "stage_type": "LETTER_1",
    "approval": "STAFF",
    "held": False,
    "reason": "5 absences in 30 calendar days (2 Oct - 31 Oct); threshold 5",
    "basis": _BASIS,
    "due_on": "2026-11-27",
    "age_days": 2,
    "assignee_id": None,
    "risk_flags": [],
    "second_look": False,
    "make_up": "10: 6 illness, 3 not yet explained, 1 holiday",
    "recipients": [{"guardian_id": SOME_ID, "name": "Maeve Example", "channel": "email", "language": "en"}],
    "approving": "Writes, stores and sends one letter; nothing leaves before the undo time is over.",
}
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


@dataclass(frozen=True)
class Seen:
    """The day something is shown, and whether its viewer may see register codes and reasons (safeguards.md 6)."""

    on: date
    codes: bool


class RecipientOut(Body):
    """Who would get the letter, by which channel and in which language."""

    model_config = shown({"guardian_id": SOME_ID, "name": "Maeve Example", "channel": "email", "language": "en"})

    guardian_id: UUID
    name: str | None
    channel: str
    language: str


class LeafOut(Body):
    """One leaf of the condition that decided: what it was, what it needs, how far away, over which days, in words."""

    model_config = shown(_LEAF)

    leaf: str
    truth: bool | None = Field(description="Null: unknown, which decides nothing.")
    value: str | None
    threshold: str | None
    distance: str | None = Field(description="What is missing until it holds, in the unit of the value.")
    first_day: date | None = Field(description="The first day that was counted; null where no days are.")
    last_day: date | None
    sentence: str


class BasisOut(Body):
    """What a step rests on: the day, the metrics, and every leaf of the condition that decided, in its order."""

    model_config = shown(_BASIS)

    on: date | None = None
    known_at: datetime | None = None
    fired: list[str] = Field(default_factory=list)
    values: dict[str, int | None] = Field(default_factory=dict)
    leaves: list[LeafOut] = Field(default_factory=list)
    kept: bool = Field(False, description="Staff decided to stay with it although the register was corrected.")

    @classmethod
    def of(cls, basis: dict[str, Any]) -> Self:
        """As it was kept with the proposal; one that was opened before leaves were kept has none."""
        told = [{name: leaf[name] for name in LeafOut.model_fields} for leaf in basis.get("leaves", [])]
        kept = {name: basis[name] for name in cls.model_fields if name in basis}
        return cls.model_validate({**kept, "leaves": told})


class QueueItem(Body):
    """One waiting step with everything an approver needs to see."""

    model_config = shown(_ITEM)

    proposal_id: UUID
    instance_id: UUID
    student_id: UUID
    student_name: str
    year_group: str | None
    class_name: str | None
    school_id: UUID
    school_name: str
    kind: str
    stage_key: str
    type: str = Field(description="What kind of act: LETTER, MEETING, ...; EXIT_REVIEW or FOLLOW_UP at the end.")
    stage_type: str
    approval: str
    held: bool = Field(description="The case is on hold; the step cannot be approved until it goes on.")
    reason: str | None
    basis: BasisOut
    due_on: date | None
    age_days: int
    assignee_id: UUID | None
    risk_flags: list[str] = Field(description="What to know before deciding: never a care flag's kind.")
    second_look: bool = Field(description="A care flag asks for a second look: never in bulk, one approver higher.")
    make_up: str | None = Field(description="What the counted absences are, for roles that may see register reasons.")
    recipients: list[RecipientOut]
    approving: str = Field(description="What approving will do, in words.")

    @classmethod
    def of(cls, row: QueueRow, names: dict[UUID, str], seen: Seen) -> Self:
        """Shown to somebody at a moment: register reasons only to those who may see them."""
        step, proposal = row.proposal.step, row.proposal
        writes_to = [
            RecipientOut(**one, name=names.get(UUID(one["guardian_id"]))) for one in step.get("recipients", [])
        ]
        return cls(
            proposal_id=proposal.id,
            instance_id=row.instance.id,
            student_id=row.student.id,
            student_name=" ".join(filter(None, (row.student.first_name, row.student.last_name))),
            year_group=row.student.year_group,
            class_name=row.class_name,
            school_id=row.instance.lead_school_id,
            school_name=row.school_name,
            kind=proposal.kind,
            stage_key=proposal.stage_key,
            type=ASKS.get(proposal.kind) or step.get("type") or proposal.stage_type,
            stage_type=ASKS.get(proposal.kind, proposal.stage_type),
            approval=proposal.approval,
            held=row.shown == "HELD",
            reason=proposal.reason,
            basis=BasisOut.of(proposal.basis),
            due_on=proposal.due_on,
            age_days=(seen.on - proposal.proposed_at.date()).days,
            assignee_id=row.instance.assignee_id,
            risk_flags=_risks(row),
            second_look=bool(step.get("flags")),
            make_up=(step.get("make_up") or None) if seen.codes else None,
            recipients=writes_to,
            approving=step.get("does", ""),
        )


def _risks(row: QueueRow) -> list[str]:
    """In words; a care flag says whom to ask and keeps its kind to itself (safeguards.md 5)."""
    step = row.proposal.step
    said = {
        "Needs a second look - ask the safeguarding lead": bool(step.get("flags")),
        "On hold: cannot be approved until the walk goes on": row.shown == "HELD",
        "Decided to stay although the register was corrected": bool(row.proposal.basis.get("kept")),
        f"Not written to {step.get('held_back')} guardian(s): their entitlement is unknown": bool(
            step.get("held_back")
        ),
    }
    return [words for words, so in said.items() if so]


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
            "waiting": _ITEM,
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


class BulkResult(Body):
    """What became of one row: 200, 202, 403, 404, 409, 422 or 503, with the answer or the problem."""

    model_config = shown({"proposal_id": SOME_ID, "status": 200, "answer": _ANSWER, "code": None, "detail": None})

    proposal_id: UUID
    status: int
    answer: AnswerOut | None = None
    code: str | None = None
    detail: str | None = None


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
