"""Sends in SQL: how many messages left, or tried to, since an instant."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# One at a time for a tenant: otherwise two that are sent together would both count too few.
ALONE = text("select pg_advisory_xact_lock(hashtextextended('sends:' || cast(:tenant as text), 0))")
SINCE = text("""
select count(distinct message_id) from message_attempt where attempted_at > :since and message_id <> :but
""")


async def others_since(session: AsyncSession, tenant_id: UUID, since: datetime, *, but: UUID) -> int:
    """Messages other than this one that were tried since an instant; nobody else counts until this transaction ends."""
    await session.execute(ALONE, {"tenant": tenant_id})
    return int(await session.scalar(SINCE, {"since": since, "but": but}) or 0)
