"""Legal holds: while one is in force nothing about a student is destroyed, whatever is due or asked for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.erasures import LegalHold
from rules.errors import Conflict
from services.audit import Act, record
from services.context import Actor


@dataclass(frozen=True, slots=True)
class PutHold:
    """Hold the record, or let it go again; why."""

    student_id: UUID
    held: bool
    reason: str


async def in_force(session: AsyncSession, student_id: UUID) -> LegalHold | None:
    """The hold on a student, if there is one."""
    mine = select(LegalHold).where(LegalHold.student_id == student_id, LegalHold.lifted_at.is_(None))
    return (await session.scalars(mine)).first()


async def put(session: AsyncSession, actor: Actor, command: PutHold, *, now: datetime) -> LegalHold | None:
    """Make it so; holding what is held changes nothing but is refused, so that two reasons are never one."""
    before = await in_force(session, command.student_id)
    if command.held == (before is not None):
        state = "held already" if command.held else "not held"
        raise Conflict("hold_unchanged", f"The record of student {command.student_id} is {state}.")
    if before is None:
        after = LegalHold(
            student_id=command.student_id, reason=command.reason, placed_by=actor.person_id, placed_at=now
        )
        session.add(after)
    else:
        before.lifted_at, before.lifted_by, before.lift_reason = now, actor.person_id, command.reason
        after = before
    await session.flush()
    verb = "place_legal_hold" if command.held else "lift_legal_hold"
    act = Act(verb, "legal_hold", after.id, command.student_id, command.reason, after={"held": command.held})
    await record(session, actor, act, now=now)
    return after if command.held else None
