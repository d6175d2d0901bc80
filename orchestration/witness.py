"""Finds out by itself that the database or Temporal was restored: both remember one beat, and a restore breaks the tie.

A beat is announced in the database, written to Temporal, read back, and only then confirmed in the database. So between
two looks Temporal stands at the confirmed or the announced beat; anywhere else, one of the two was set back. A restore
that loses less than a beat, or sets both back to the same instant, shows nothing: `handrail reconcile --hold` says it.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from models.queries import witness as rows
from models.restores import Witness as Row
from models.session import Sessions
from rules.ids import TenantId
from services import restores, tenants
from services.context import system
from services.restores import Cause, Restored
from workflows import identity

log = logging.getLogger("handrail.witness")
LOOK_SECONDS = 5.0
BEAT_EVERY = timedelta(seconds=10)
RPC_TIMEOUT = timedelta(seconds=10)
READ_BACK_SECONDS = 10.0
PAUSE_SECONDS = 0.1
NEVER_RUN = "HandrailWitness"


class Witness:
    """Compares the two, holds every tenant's sending when they differ, and ties them together again."""

    def __init__(self, sessions: Sessions, client: Client, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._client = client
        self._clock = clock

    async def look(self) -> Cause | None:
        """One look; what was restored, if anything was."""
        async with self._sessions.untenanted() as lock:
            await rows.alone(lock)
            async with self._sessions.untenanted() as session:
                ours = await rows.read(session)
            name = f"handrail-witness:{ours.installation}"
            theirs = await self._told(name)
            cause = judged(ours, theirs)
            if cause is not None:
                await self._hold(Restored(cause, f"database at beat {ours.beat}, Temporal at {theirs or 'none'}"))
            if cause is not None or theirs is None or self._clock() - ours.beaten_at >= BEAT_EVERY:
                await self._beat(name, ours, theirs)
        return cause

    async def _hold(self, restored: Restored) -> None:
        async with self._sessions.untenanted() as session:
            known = await tenants.listed(session)
        for tenant in known:
            actor = system(TenantId(tenant.id), "relay", str(uuid4()))
            async with self._sessions.tenant(tenant.id) as session:
                await restores.hold(session, actor, restored, now=self._clock())
        log.error("%s: %s; nothing is sent until `handrail reconcile` is released", restored.cause, restored.detail)

    async def _beat(self, name: str, ours: Row, theirs: int | None) -> None:
        beat = max(ours.pending, theirs or 0) + 1
        async with self._sessions.untenanted() as session:
            await rows.announce(session, beat)
        await self._tell(name, beat, known=theirs is not None)
        async with self._sessions.untenanted() as session:
            await rows.confirm(session, beat, now=self._clock())

    async def _told(self, name: str) -> int | None:
        """The beat as Temporal remembers it: the note of a schedule that never runs."""
        try:
            found = await self._client.get_schedule_handle(name).describe(rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return int(found.schedule.state.note or 0)

    async def _tell(self, name: str, beat: int, *, known: bool) -> None:
        if known:
            handle = self._client.get_schedule_handle(name)
            await handle.update(lambda seen: _noted(seen, beat), rpc_timeout=RPC_TIMEOUT)
        else:
            action = ScheduleActionStartWorkflow(NEVER_RUN, id=name, task_queue=identity.TASK_QUEUE)
            state = ScheduleState(note=str(beat), paused=True)  # paused, so that Temporal keeps it for ever
            never = Schedule(action=action, spec=ScheduleSpec(), state=state)
            await self._client.create_schedule(name, never, rpc_timeout=RPC_TIMEOUT)
        async with asyncio.timeout(READ_BACK_SECONDS):
            while await self._told(name) != beat:  # noqa: ASYNC110 - an update is carried out a moment after its answer
                await asyncio.sleep(PAUSE_SECONDS)


def judged(ours: Row, theirs: int | None) -> Cause | None:
    """Which of the two was set back."""
    if theirs is None:
        return Cause.TEMPORAL_OLDER if ours.beat else None
    if theirs in {ours.beat, ours.pending}:
        return None
    return Cause.TEMPORAL_OLDER if theirs < ours.beat else Cause.DATABASE_OLDER


def _noted(seen: ScheduleUpdateInput, beat: int) -> ScheduleUpdate:
    schedule = seen.description.schedule
    schedule.state.note = str(beat)
    return ScheduleUpdate(schedule)
