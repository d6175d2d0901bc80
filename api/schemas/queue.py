"""A waiting step as the queue and its walk show it: what it rests on leaf by leaf, whom it writes to, what it does."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from api.schemas.law import CITED
from api.schemas.referrals import BlockerOut
from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown
from rules.rulesets.law import Authority
from rules.rulesets.messages import SOURCE, Language
from services.instances import ASKS, QueueRow

_SOURCE: dict[str, Any] = {name: CITED[name] for name in ("authority", "source", "checked_on")}
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
ITEM: dict[str, Any] = {
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
    "breaker_id": None,
    "reason": "5 absences in 30 calendar days (2 Oct - 31 Oct); threshold 5",
    "basis": _BASIS,
    "due_on": "2026-11-27",
    "duty_due_on": None,
    "age_days": 2,
    "assignee_id": None,
    "risk_flags": [],
    "second_look": False,
    "make_up": "10: 6 illness, 3 not yet explained, 1 holiday",
    "recipients": [{"guardian_id": SOME_ID, "name": "Maeve Example", "channel": "email", "language": "en"}],
    "law": None,
    "missing": [],
    "approving": "Writes, stores and sends one letter; nothing leaves before the undo time is over.",
}


@dataclass(frozen=True)
class Seen:
    """The day and language something is shown in, and whether its viewer may see register codes (safeguards.md 6)."""

    on: date
    codes: bool
    language: Language = SOURCE


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


def in_words(leaf: dict[str, Any], language: str) -> str:
    """A kept leaf's sentence; one that was kept before there were other languages has it in English only."""
    said: str = leaf.get("sentences", {}).get(language, leaf["sentence"])
    return said


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
    def of(cls, basis: dict[str, Any], language: str) -> Self:
        """As it was kept with the proposal; one that was opened before leaves were kept has none."""
        kept_leaves = [{**leaf, "sentence": in_words(leaf, language)} for leaf in basis.get("leaves", [])]
        told = [{name: leaf[name] for name in LeafOut.model_fields} for leaf in kept_leaves]
        kept = {name: basis[name] for name in cls.model_fields if name in basis}
        return cls.model_validate({**kept, "leaves": told})


class StepLawOut(Body):
    """Where a step of law is written, where that was read, and when."""

    model_config = shown({"rule_set": "California: Education Code, truancy", "cite": CITED["text"], **_SOURCE})

    rule_set: str
    authority: Authority
    cite: str
    source: str | None
    checked_on: date | None = Field(description="Null: nobody has checked it.")


class QueueItem(Body):
    """One waiting step with everything an approver needs to see."""

    model_config = shown(ITEM)

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
    breaker_id: UUID | None = Field(description="Holds the step until a leader releases it; see GET /breakers.")
    reason: str | None
    basis: BasisOut
    due_on: date | None
    duty_due_on: date | None = Field(None, description="Until when a duty asks for something about the same student.")
    age_days: int
    assignee_id: UUID | None
    risk_flags: list[str] = Field(description="What to know before deciding: never a care flag's kind.")
    second_look: bool = Field(description="A care flag asks for a second look: never in bulk, one approver higher.")
    make_up: str | None = Field(description="What the counted absences are, for roles that may see register reasons.")
    recipients: list[RecipientOut]
    law: StepLawOut | None = Field(description="What a step of law rests on; null where it cites none.")
    missing: list[BlockerOut] = Field(
        description="Before a referral of this step may be sent, as it stood when it was proposed; else empty."
    )
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
            breaker_id=row.breaker_id,
            reason=_reason(row, seen.language),
            basis=BasisOut.of(proposal.basis, seen.language),
            due_on=proposal.due_on,
            duty_due_on=row.duty_due_on,
            age_days=(seen.on - proposal.proposed_at.date()).days,
            assignee_id=row.instance.assignee_id,
            risk_flags=_risks(row),
            second_look=bool(step.get("flags")),
            make_up=_make_up(step, seen.language) if seen.codes else None,
            recipients=writes_to,
            law=StepLawOut.model_validate(step["law"]) if step.get("law") else None,
            missing=[BlockerOut.model_validate(one) for one in step.get("missing", [])],
            approving=step.get("does", ""),
        )


def _reason(row: QueueRow, language: str) -> str | None:
    """As it was written with the proposal; in another language from its leaves, the law as it is cited."""
    leaves = row.proposal.basis.get("leaves", [])
    if language == SOURCE or not leaves:
        return row.proposal.reason
    said = dict.fromkeys(in_words(leaf, language) for leaf in leaves if leaf["truth"])
    law = row.proposal.step.get("law")
    return "; ".join(
        [*(said or dict.fromkeys(in_words(leaf, language) for leaf in leaves)), *([law["cite"]] if law else [])]
    )


def _make_up(step: dict[str, Any], language: str) -> str | None:
    """By language; one that was kept before there were other languages is a text."""
    kept = step.get("make_up") or None
    return kept.get(language) if isinstance(kept, dict) else kept


def _risks(row: QueueRow) -> list[str]:
    """In words; a care flag says whom to ask and keeps its kind to itself (safeguards.md 5)."""
    step = row.proposal.step
    said = {
        "Needs a second look - ask the safeguarding lead": bool(step.get("flags")),
        "On hold: cannot be approved until the walk goes on": row.shown == "HELD",
        "Held by a breaker: a leader looks at it and releases it": row.breaker_id is not None,
        "Decided to stay although the register was corrected": bool(row.proposal.basis.get("kept")),
        f"Not written to {step.get('held_back')} guardian(s): their entitlement is unknown": bool(
            step.get("held_back")
        ),
    }
    return [words for words, so in said.items() if so]
