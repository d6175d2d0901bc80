"""Session facts and summaries: recomputes exactly the students whose register, calendar or enrolment changed."""

from datetime import datetime

from models.queries.refresh import mark_new_days, refresh_batch
from models.session import Sessions
from services.context import Actor

BATCH = 1000


async def refresh(sessions: Sessions, actor: Actor, *, now: datetime, batch: int = BATCH) -> int:
    """Recompute everything stale up to each school's day of `now`, batch by batch; how many (student, school) pairs."""
    async with sessions.tenant(actor.tenant_id) as session:
        await mark_new_days(session, now)
    done = 0
    while True:
        async with sessions.tenant(actor.tenant_id) as session:
            count = await refresh_batch(session, now, batch)
        if not count:
            return done
        done += count
