"""How far somebody has carried a tenant's events: one at a time holds the cursor, under a lease."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.reliability import EventCursor
from models.rows import affected

LEASE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who carries: `name` is what is carried to, `id` this process."""

    name: str
    id: UUID


async def take(session: AsyncSession, holder: Holder, *, now: datetime) -> int | None:
    """The position to go on from, held until the lease ends; None while another process holds it."""
    await session.execute(insert(EventCursor).values(name=holder.name).on_conflict_do_nothing())
    free = or_(EventCursor.leased_until.is_(None), EventCursor.leased_until < now, EventCursor.leased_by == holder.id)
    held = update(EventCursor).where(EventCursor.name == holder.name, free)
    leased = held.values(leased_by=holder.id, leased_until=now + LEASE)
    return (await session.execute(leased.returning(EventCursor.position))).scalar_one_or_none()


async def advance(session: AsyncSession, holder: Holder, position: int, *, now: datetime) -> bool:
    """Everything up to this position is carried; False when another process holds the cursor by now."""
    mine = update(EventCursor).where(EventCursor.name == holder.name, EventCursor.leased_by == holder.id)
    return affected(await session.execute(mine.values(position=position, leased_until=now + LEASE))) == 1


async def release(session: AsyncSession, holder: Holder) -> None:
    """Let another process go on at once."""
    mine = update(EventCursor).where(EventCursor.name == holder.name, EventCursor.leased_by == holder.id)
    await session.execute(mine.values(leased_by=None, leased_until=None))
