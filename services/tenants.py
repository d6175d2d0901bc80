"""Tenants: who is served, and who is suspended."""

from uuid import UUID

from sqlalchemy import select

from models.session import Sessions
from models.tenants import Tenant


async def is_suspended(sessions: Sessions, tenant_id: UUID) -> bool:
    """Whether the tenant's work must wait; an unknown tenant counts as suspended, so that nothing acts for it."""
    async with sessions.untenanted() as session:
        status = (await session.scalars(select(Tenant.status).where(Tenant.id == tenant_id))).first()
    return status != "ACTIVE"
