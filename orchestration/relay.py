"""Carries the outbox to Temporal: per tenant in order per subject, at least once, surviving its own death at any point.

A claimed row is leased, not locked: no transaction is open while Temporal is called. If the relay dies after Temporal
accepted, the lease runs out and the row is carried again, which signals and starts absorb (seq, workflow id).

A night may open a thousand cases at once. A few begin at a time: the next ones when those before have come to rest. All
at once they would queue before every person's decision, and push each other out of the worker's cache.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from temporalio.service import RPCError, RPCStatusCode

from models.queries import outbox
from models.session import DATABASE_AWAY, Session, Sessions
from orchestration.client import reaching

log = logging.getLogger("handrail.relay")
IDLE_SECONDS = 0.25
LONGEST_BACKOFF = timedelta(minutes=1)
BEGIN_AT_ONCE = 16  # per tenant; a case takes about half a second to its first proposal
BEGIN_WITHIN = timedelta(minutes=5)  # one that has not come to rest by then holds up nobody any more
GONE = frozenset({RPCStatusCode.NOT_FOUND})


class Undeliverable(Exception):
    """This row can never be carried; it is set aside with the reason."""


Carrier = Callable[[UUID, outbox.Parcel], Awaitable[None]]


class Relay:
    """Moves every active tenant's outbox; any number may run, one at a time works on a tenant."""

    def __init__(self, sessions: Sessions, carriers: Mapping[str, Carrier], clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._carriers = carriers
        self._clock = clock
        self._beginning: dict[UUID, dict[str, datetime]] = defaultdict(dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Carry until told to stop; a database that is away is waited for."""
        while not stop.is_set():
            try:
                moved = await self.round()
            except DATABASE_AWAY as away:
                log.warning("relay waits: %s", type(away).__name__)
                moved = 0
            if not moved:
                await _pause(stop, IDLE_SECONDS)

    async def round(self) -> int:
        """One look at every tenant; the number of rows settled."""
        async with self._sessions.untenanted() as session:
            tenants = await outbox.active_tenants(session)
        return sum([await self._tenant(tenant_id) for tenant_id in tenants])

    async def _tenant(self, tenant_id: UUID) -> int:
        async with self._sessions.tenant(tenant_id) as session:
            if not await outbox.number_rows(session, tenant_id):
                return 0
            room = await self._room(session, tenant_id)
            parcels = await outbox.claim(session, tenant_id, now=self._clock(), starts=room)
        return sum(await asyncio.gather(*(self._carry(tenant_id, parcel) for parcel in parcels)))

    async def _room(self, session: Session, tenant_id: UUID) -> int:
        """How many more cases of the tenant may begin."""
        mine, oldest = self._beginning[tenant_id], self._clock() - BEGIN_WITHIN
        if mine:
            still = await outbox.still_beginning(session, mine)
            self._beginning[tenant_id] = mine = {
                subject: at for subject, at in mine.items() if subject in still and at > oldest
            }
        return max(0, BEGIN_AT_ONCE - len(mine))

    async def _carry(self, tenant_id: UUID, parcel: outbox.Parcel) -> int:
        try:
            with reaching():
                await self._carriers[parcel.kind](tenant_id, parcel)
        except (Undeliverable, KeyError) as refused:
            async with self._sessions.tenant(tenant_id) as session:
                await outbox.rejected(session, parcel.id, f"{type(refused).__name__}: {refused}", now=self._clock())
            return 1
        except RPCError as away:
            if away.status in GONE:
                why = "the workflow is closed or was never started"
                async with self._sessions.tenant(tenant_id) as session:
                    await outbox.rejected(session, parcel.id, why, now=self._clock())
                return 1
            again = self._clock() + min(LONGEST_BACKOFF, timedelta(seconds=2**parcel.attempts))
            async with self._sessions.tenant(tenant_id) as session:
                await outbox.put_back(session, parcel, away.status.name, again_at=again)
            return 0
        async with self._sessions.tenant(tenant_id) as session:
            await outbox.delivered(session, parcel.id, now=self._clock())
        if parcel.kind == outbox.START:
            self._beginning[tenant_id][parcel.subject] = self._clock()
        return 1


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
