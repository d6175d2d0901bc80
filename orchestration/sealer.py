"""Seals every tenant's audit entries while the worker runs, under a second behind, and anchors each chain daily."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from gateways.ports import ObjectStore
from models.queries.audit_chain import all_tenants
from models.session import DATABASE_AWAY, Sessions
from rules.errors import Conflict
from services import audit_chain

log = logging.getLogger("handrail.sealer")
IDLE_SECONDS: Final = 0.25
ANCHOR_LOOK_SECONDS: Final = 60.0


class Sealer:
    """Any number may run; one at a time seals a tenant. What it has not come to waits in the database."""

    def __init__(self, sessions: Sessions, store: ObjectStore, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._store = store
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Seal until told to stop; a database that is away is waited for."""
        while not stop.is_set():
            try:
                sealed = await self.round()
            except DATABASE_AWAY as away:
                log.warning("sealer waits: %s", type(away).__name__)
                sealed = 0
            if not sealed:
                await _pause(stop, IDLE_SECONDS)

    async def round(self) -> int:
        """One look at every tenant; the number of entries sealed."""
        return sum([await self._tenant(tenant_id) for tenant_id in await self._tenants()])

    async def anchor_all(self) -> int:
        """Anchor every chain that has no anchor of today; the number written. A chain that was cut is left alone."""
        written = 0
        for tenant_id in await self._tenants():
            try:
                made = await audit_chain.anchor(self._sessions, self._store, tenant_id, now=self._clock())
            except Conflict as cut:
                log.error("%s", cut.message)  # noqa: TRY400 - the message says all; it is repeated until resolved
                continue
            written += made is not None
        return written

    async def _tenants(self) -> list[UUID]:
        async with self._sessions.untenanted() as session:
            return await all_tenants(session)

    async def _tenant(self, tenant_id: UUID) -> int:
        async with self._sessions.tenant(tenant_id) as session:
            return await audit_chain.seal(session, tenant_id)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
