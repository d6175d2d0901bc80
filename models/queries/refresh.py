"""One batch of stale students: their facts and then their summaries, in the caller's transaction."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Select, Uuid, column, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries import facts, summaries
from models.queries.register_merge import STALE_NEW_DAYS, SUMMARISED_THROUGH
from models.queries.schedule import CREATE_BATCH, STEPS, TAKE_BATCH, materialise
from models.rows import affected

# A batch's marks, facts and days are sorted: in memory, not on disk.
WORK_MEMORY = "set local work_mem = '64MB'"

# Whose facts the last batch of this transaction renewed.
RENEWED: Final[Select[UUID]] = select(column("student_id", Uuid)).select_from(table("batch"))

# What a school-day comes to is counted again by the next pass that looks at it, and compared with what it was.
UNCOUNT = """
update register_arrival r set updated_at = '-infinity' from (
    select school_id, min(from_date) as first, max(to_date) as last from batch group by school_id) b
where r.school_id = b.school_id and r.date between b.first and b.last
"""


async def refresh_batch(session: AsyncSession, now: datetime, size: int) -> int:
    """Recompute up to `size` (student, school) pairs; how many were taken, 0 when none is stale."""
    await session.execute(text(WORK_MEMORY))
    await session.execute(text(CREATE_BATCH))
    await session.execute(text("truncate batch"))
    taken = await session.execute(text(TAKE_BATCH), {"size": size})
    count = affected(taken)
    if count:
        await session.execute(text("analyze batch"))
        await materialise(session, STEPS, {})
        await facts.rebuild(session)
        await session.execute(text(UNCOUNT))
        await summaries.rebuild(session, now)
    return count


async def renew_statistics(session: AsyncSession) -> None:
    """A bulk load changes what the planner has to expect; autovacuum would come too late for the pass that follows."""
    await session.execute(text("analyze mark, session_fact, summary, student, enrolment, calendar_session"))


async def mark_new_days(session: AsyncSession, now: datetime) -> None:
    """School days that have come since the last call need a summary row for everybody on roll."""
    await session.execute(text(STALE_NEW_DAYS), {"now": now})
    await session.execute(text(SUMMARISED_THROUGH), {"now": now})
