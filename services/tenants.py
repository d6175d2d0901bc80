"""Tenants: found by key, or made when the first register comes in; who is served, and who is suspended."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.session import Sessions
from models.tenants import Tenant
from rules.errors import Invalid, NotFound


async def find(session: AsyncSession, key: str | None) -> Tenant | None:
    """The tenant of this key, or the only one there is; None when there is none at all."""
    tenants = (await session.scalars(select(Tenant).order_by(Tenant.key))).all()
    if key is not None:
        return next((tenant for tenant in tenants if tenant.key == key), None)
    if len(tenants) > 1:
        keys = ", ".join(tenant.key for tenant in tenants)
        raise Invalid("tenant_not_named", f"There are several tenants: add --tenant with one of {keys}.")
    return tenants[0] if tenants else None


async def require(session: AsyncSession, key: str | None) -> Tenant:
    """The tenant of this key; NotFound says what to do."""
    tenant = await find(session, key)
    if tenant is None:
        raise NotFound("tenant_unknown", f"There is no tenant {key or ''}: import a district folder first.")
    return tenant


async def create(session: AsyncSession, key: str, name: str, timezone: str = "Europe/London") -> Tenant:
    """A new, active tenant."""
    tenant = Tenant(key=key, name=name, timezone=timezone)
    session.add(tenant)
    await session.flush()
    return tenant


async def is_suspended(sessions: Sessions, tenant_id: UUID) -> bool:
    """Whether the tenant's work must wait; an unknown tenant counts as suspended, so that nothing acts for it."""
    async with sessions.untenanted() as session:
        status = (await session.scalars(select(Tenant.status).where(Tenant.id == tenant_id))).first()
    return status != "ACTIVE"
