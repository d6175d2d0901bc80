"""The witness row: read under a lock that one looker holds at a time, raised in two steps."""

from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.restores import Witness

LOCK = text("select pg_advisory_xact_lock(hashtext('handrail-witness'))")


async def alone(session: AsyncSession) -> None:
    """Wait until nobody else looks; two at once would take each other's half-told beat for a restore."""
    await session.execute(LOCK)


async def read(session: AsyncSession) -> Witness:
    """The row, made at the first look of an installation."""
    await session.execute(insert(Witness).values(id=1).on_conflict_do_nothing())
    return (await session.scalars(select(Witness), execution_options={"populate_existing": True})).one()


async def announce(session: AsyncSession, beat: int) -> None:
    """First step: this beat may now be in Temporal."""
    await session.execute(update(Witness).values(pending=func.greatest(Witness.pending, beat)))


async def confirm(session: AsyncSession, beat: int, *, now: datetime) -> None:
    """Second step: it is."""
    await session.execute(update(Witness).values(beat=beat, pending=beat, beaten_at=now))
