"""The unit of work: one transaction bound to one tenant, committed at a clean exit and rolled back otherwise."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from models import tables

Session = AsyncSession
# What a database that is down or restarting looks like; background loops wait for it, everybody else lets it pass.
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeoutError, OSError)
# What a value that no column can hold looks like, however often it is tried.
NEVER_STORED = (DataError,)
BIND = text("select set_config('app.current_tenant', :tenant, true)")


def engine_for(url: str, *, pool_size: int = 8) -> AsyncEngine:
    """An engine for the application role; `url` uses the psycopg driver."""
    return create_async_engine(url, pool_size=pool_size, max_overflow=0, pool_pre_ping=True, hide_parameters=True)


async def bind(session: AsyncSession, tenant_id: UUID) -> None:
    """Let the rest of this transaction see and write this tenant's rows: for the one that makes the tenant."""
    await session.execute(BIND, {"tenant": str(tenant_id)})


class Sessions:
    """Opens units of work on one engine; each carries `info`, what its process keeps for all of them."""

    def __init__(self, engine: AsyncEngine, info: Mapping[str, object] | None = None) -> None:
        assert tables.CAPABILITIES, "every table must be known before the first query"
        self.engine = engine
        self._maker = async_sessionmaker(engine, expire_on_commit=False, info=dict(info or {}))

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncIterator[AsyncSession]:
        """One transaction that sees and writes this tenant's rows only."""
        async with self._maker() as session, session.begin():
            # true = this transaction only: the setting cannot survive on a pooled connection
            await bind(session, tenant_id)
            yield session

    @asynccontextmanager
    async def untenanted(self) -> AsyncIterator[AsyncSession]:
        """One transaction for `tenant` and `outbox_head`; tenant tables show no row."""
        async with self._maker() as session, session.begin():
            yield session
