"""Whether a stored document is what clears a duty: of this student, of the right kind, and gone out after the trip."""

from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import Message
from models.duties import Duty
from models.evidence_packs import EvidencePack
from models.letters import LetterArtifact
from models.queries import calendar
from rules.duties.words import CLEARED_BY, REPORTS, DutyArtifact, DutyEffect
from rules.errors import Conflict, Invalid, NotFound
from rules.privacy.packs import PackStatus


async def left_on(session: AsyncSession, duty: Duty, kind: DutyArtifact, artifact_id: UUID) -> date:
    """The school's local day on which it went out; refused if it clears nothing of this duty."""
    if duty.student_id is None:
        why = "Nothing that Handrail stores clears a duty of the school: close it as DONE_ELSEWHERE, with the evidence."
        raise Conflict("no_artifact_clears", why)
    fitting = CLEARED_BY[DutyEffect(duty.effect)]
    if kind not in fitting:
        wanted = ", ".join(sorted(fitting))
        told = {"body.artifact_kind": f"one of: {wanted}"}
        raise Invalid("artifact_kind", f"A duty with the effect {duty.effect} is cleared by {wanted}.", fields=told)
    look = _letter_left_on if kind is DutyArtifact.LETTER else _pack_left_on
    on = await look(session, duty, artifact_id)
    if on < duty.tripped_on:
        raise Conflict(
            "artifact_too_early",
            f"It went out on {on}, before the duty arose on {duty.tripped_on}: what is asked for now is a new one.",
        )
    return on


async def _letter_left_on(session: AsyncSession, duty: Duty, artifact_id: UUID) -> date:
    row = await session.get(LetterArtifact, artifact_id)
    if row is None or row.student_id != duty.student_id or row.kind != "LETTER":
        raise _not_there(artifact_id, duty)
    if row.rescinded_at is not None:
        raise Conflict("artifact_rescinded", f"Letter {artifact_id} was taken back: it clears nothing.")
    gone = select(func.min(func.coalesce(Message.sent_at, Message.delivered_at))).where(
        Message.artifact_id == artifact_id, Message.status.in_(("SENT", "DELIVERED"))
    )
    sent_at = await session.scalar(gone)
    if sent_at is None:
        raise Conflict(
            "artifact_not_sent", f"Letter {artifact_id} has reached nobody yet: send it, or post it by hand."
        )
    return await calendar.local_date(session, duty.school_id, sent_at)


async def _pack_left_on(session: AsyncSession, duty: Duty, artifact_id: UUID) -> date:
    row = await session.get(EvidencePack, artifact_id)
    if row is None or row.student_id != duty.student_id or row.kind not in REPORTS:
        raise _not_there(artifact_id, duty)
    if row.status != PackStatus.RELEASED or row.released_at is None:
        why = f"Evidence pack {artifact_id} is {row.status}: two people release it first."
        raise Conflict("artifact_not_released", why)
    return await calendar.local_date(session, duty.school_id, row.released_at)


def _not_there(artifact_id: UUID, duty: Duty) -> NotFound:
    return NotFound("artifact_not_found", f"No document {artifact_id} of student {duty.student_id} could clear this.")
