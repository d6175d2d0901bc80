"""Session facts and summaries: recomputes exactly the students whose register, calendar or enrolment changed."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.evidence_packs import EvidencePack
from models.queries.refresh import RENEWED, mark_new_days, refresh_batch
from models.session import Sessions
from services import pack_recalls
from services.context import Actor

BATCH = 1000


async def refresh(sessions: Sessions, actor: Actor, *, now: datetime, batch: int = BATCH) -> int:
    """Recompute everything stale up to each school's day of `now`, batch by batch; how many (student, school) pairs."""
    async with sessions.tenant(actor.tenant_id) as session:
        await mark_new_days(session, now)
    done = 0
    while True:
        async with sessions.tenant(actor.tenant_id) as session:
            count = await _renew(session, actor, now, batch)
        if not count:
            return done
        done += count


async def renew(session: AsyncSession, actor: Actor, *, now: datetime) -> None:
    """Recompute everything stale in the caller's transaction."""
    while await _renew(session, actor, now, BATCH):
        pass


async def _renew(session: AsyncSession, actor: Actor, now: datetime, size: int) -> int:
    """One batch; a pack that told of these students may say by now what is no longer so."""
    count = await refresh_batch(session, now, size)
    if count:
        told = select(EvidencePack).where(EvidencePack.student_id.in_(RENEWED))
        await pack_recalls.look_again(session, actor, told, now=now)
    return count
