"""Proposals: the next step as a row of the queue, in words, with everything an approver needs to see."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Proposal as ProposalRow
from models.students import CareFlag
from rules.access.approvals import approver_for
from rules.ids import ProposalId
from rules.ladder.stages import WRITTEN, Approval, Stage, StageType
from rules.ladder.state import Basis
from rules.ladder.words import ProposalKind
from services import batches, referral_readiness, school_days
from services.case_tasks import NewTask, open_task
from services.context import CaseRef
from services.entitlement import Recipient, recipients
from services.letter_versions import approved_version
from services.pinned import Law, law_of
from services.reasoning import spelt

DECIDE_WITHIN_SCHOOL_DAYS = 5
LEADER_FROM_REMINDER = 2
EXPLAINED = {
    ProposalKind.EXTEND_MEETING: "Gives the school more days to book the meeting.",
    ProposalKind.EXIT: "Ends the ladder's steps and starts the weekly follow-up.",
    ProposalKind.RELAPSE: "Takes the student back onto the ladder at this step.",
    ProposalKind.INCONCLUSIVE: "Ends a follow-up that could not be judged.",
}


@dataclass(frozen=True, slots=True)
class NewProposal:
    """What is proposed; `approver` is the least approval this kind needs."""

    id: ProposalId
    kind: ProposalKind
    stage: Stage | None
    approver: Approval
    basis: Basis
    note: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What the queue now shows; `automatic` only for an AUTO step of an unflagged student."""

    approver: Approval
    automatic: bool
    due: date | None


async def open_proposal(session: AsyncSession, case: CaseRef, wanted: NewProposal) -> Opened:
    """Write the queue row, closing an older open one; the same id again answers what the row already says."""
    if found := await session.get(ProposalRow, wanted.id):
        return Opened(Approval(found.approval), bool(found.step.get("automatic")), found.due_on)
    flags = await active_flags(session, case)
    approver = approver_for(wanted.approver, flagged=bool(flags))
    # a machine never decides on what a breaker holds; nor on the rest of the batch once a person has released it
    held = wanted.kind is ProposalKind.STEP and wanted.stage and await batches.look(session, case, wanted.stage.key)
    automatic = approver is Approval.AUTO and not held
    due = await school_days.day_after(session, case, _days_to_decide(wanted.stage))
    await session.execute(
        update(ProposalRow)
        .where(ProposalRow.instance_id == case.instance_id, ProposalRow.status.in_(("PENDING", "HELD")))
        .values(status="SUPERSEDED")
    )
    said = await spelt(session, case, wanted.basis)
    law = await law_of(session, case.instance_id, wanted.stage.key) if wanted.stage else None
    await session.execute(
        insert(ProposalRow).values(
            id=wanted.id,
            instance_id=case.instance_id,
            kind=wanted.kind,
            stage_index=-1,
            stage_key=wanted.stage.key if wanted.stage else "",
            stage_type=wanted.stage.stage_type if wanted.stage else wanted.kind,
            approval=approver,
            step={
                **await _step(session, case, wanted),
                "flags": flags,
                "automatic": automatic,
                "make_up": said.make_up,
                "law": None if law is None else _cited(law),
            },
            basis={**wanted.basis.model_dump(mode="json"), "leaves": said.leaves},
            reason=_reason(wanted, law),
            evaluation_id=wanted.basis.evaluation_id,
            due_on=due,
            proposed_at=case.now,
        )
    )
    return Opened(approver, automatic, due)


def _reason(wanted: NewProposal, law: Law | None) -> str | None:
    """Why, in words; of a step of law also where that is written and when it was checked."""
    said = wanted.basis.sentence or wanted.note
    return "; ".join(filter(None, (said, law.sentence if law else ""))) or None


def _cited(law: Law) -> dict[str, Any]:
    return {**asdict(law), "checked_on": law.checked_on.isoformat() if law.checked_on else None}


def _days_to_decide(stage: Stage | None) -> int:
    if stage and stage.type is StageType.CONTACT:
        return stage.within_school_days
    return DECIDE_WITHIN_SCHOOL_DAYS


async def active_flags(session: AsyncSession, case: CaseRef) -> list[str]:
    """Kinds of the student's care flags in force today; the approval screen names the role to ask, not the kind."""
    on = await school_days.today(session, case)
    kinds = select(CareFlag.kind).where(
        CareFlag.student_id == case.student_id,
        CareFlag.starts_on <= on,
        (CareFlag.ends_on.is_(None)) | (CareFlag.ends_on >= on),
    )
    return sorted(set((await session.scalars(kinds)).all()))


async def _step(session: AsyncSession, case: CaseRef, wanted: NewProposal) -> dict[str, Any]:
    stage = wanted.stage
    if stage is None or wanted.kind is not ProposalKind.STEP:
        return {"does": EXPLAINED.get(wanted.kind, wanted.note), "note": wanted.note}
    step: dict[str, Any] = {
        "note": wanted.note,
        "type": stage.type,
        "channels": list(stage.channels),
        "statutory": stage.statutory,
    }
    if stage.type in WRITTEN and stage.template:
        version = await approved_version(session, stage.template, case.school_id)
        entitled = await recipients(session, case, stage.purpose, stage.channels)
        step |= {
            "template": stage.template,
            "template_version_id": str(version.id) if version else None,
            "recipients": [_shown(one) for one in entitled.allowed],
            "held_back": len(entitled.unknown),
        }
    if stage.type is StageType.REFERRAL:
        missing = await referral_readiness.foreseen_of(session, case, stage.recipient, wanted.basis)
        step["missing"] = [{"code": name.value, "says": says} for name, says in missing.items()]
    return step | {"does": _does(stage, len(step.get("recipients", [])))}


def _shown(one: Recipient) -> dict[str, Any]:
    return {"guardian_id": str(one.guardian_id), "channel": one.channel, "language": one.language}


def _does(stage: Stage, letters: int) -> str:
    match stage.type:
        case StageType.CONTACT:
            return f"Asks staff to speak with the family within {stage.within_school_days} school days."
        case StageType.LETTER:
            many = "one letter" if letters == 1 else f"{letters} letters, one for each guardian"
            return f"Writes, stores and sends {many}; nothing leaves before the undo time is over."
        case StageType.MEETING:
            return f"Books a meeting within {stage.within_school_days} school days and invites the family."
        case StageType.PLAN:
            return f"Asks staff to agree a support plan with the family within {stage.within_school_days} school days."
        case StageType.NOTICE:
            many = "one notice" if letters == 1 else f"{letters} notices, one for each guardian who may be held liable"
            weeks = f"it gives the family {stage.period_school_weeks} school weeks"
            return f"Writes, stores and sends {many}; {weeks}. Nothing leaves before the undo time is over."
        case StageType.REFERRAL:
            return (
                f"Prepares a referral to {stage.recipient or 'its recipient'} for each guardian who may be held "
                "liable, with a draft of the papers. A leader sends it, once every counted absence is explained, the "
                "authority's history is confirmed and two people have released the papers."
            )
        case StageType.ESCALATION:
            return f"Raises the case to tier {stage.case_tier or 3}, writes its chronology and opens the tasks."


async def remind(session: AsyncSession, case: CaseRef, proposal_id: UUID, nth: int) -> None:
    """Open the reminder task of a proposal that still waits: the assignee's at first, then the leader's."""
    row = await session.get(ProposalRow, proposal_id)
    if row is None or row.status not in {"PENDING", "HELD"}:
        return
    leader = nth >= LEADER_FROM_REMINDER
    title = "A step has been waiting for a decision"
    task = NewTask(
        "proposal_reminder",
        title,
        await school_days.day_after(session, case, 1),
        f"{proposal_id}/{nth}",
        "school_leader" if leader else "attendance_officer",
    )
    await open_task(session, case, task)
