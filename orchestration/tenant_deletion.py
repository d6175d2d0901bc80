"""Carries the ordered end of a tenant out: chain closed, keys shredded, then Temporal, store and rows.

Every step can be taken again, so a deletion that was killed goes on where it was when it is asked for again.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution as ExecutionRef
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from gateways.ports import ObjectStore
from models.session import Sessions
from models.tenants import TenantTombstone
from orchestration.client import reaching
from rules.errors import Unavailable
from rules.ids import TenantId
from services import tenant_deletion
from services.context import Actor
from workflows import identity

WHY: Final = "the tenant is deleted"
PATIENCE_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Deleter:
    """What a deletion works with: sessions of the owner, the store, Temporal."""

    sessions: Sessions
    store: ObjectStore
    client: Client

    async def carry_out(self, tenant_id: TenantId, operator: Actor | None, *, now: datetime) -> TenantTombstone:
        """Everything there is of a tenant whose end was ordered; Unavailable: a part is away, ask again."""
        sessions = self.sessions
        async with sessions.untenanted() as held:
            await tenant_deletion.alone(held, tenant_id)
            await tenant_deletion.closed_chain(sessions, tenant_id)
            await tenant_deletion.shred(sessions, tenant_id, now)
            await tenant_deletion.note_workflows(sessions, tenant_id, await self.forget(tenant_id))
            await tenant_deletion.note_objects(sessions, tenant_id, await self.store.remove_all(f"{tenant_id}/"))
            await tenant_deletion.remove_rows(sessions, tenant_id)
            # what was under way while its rows went: nothing can follow it
            await tenant_deletion.note_workflows(sessions, tenant_id, await self.forget(tenant_id))
            return await tenant_deletion.finish(sessions, tenant_id, operator, now=now)

    async def forget(self, tenant_id: TenantId) -> int:
        """End and forget every schedule and workflow of the tenant; returns how many runs, once none is listed more."""
        known: set[str] = set()
        until = monotonic() + PATIENCE_SECONDS
        try:
            with reaching():
                while left := await self._round(tenant_id, known):
                    if monotonic() > until:
                        raise _away(f"Temporal still lists {left} runs of tenant {tenant_id}: ask again in a while.")
                    await asyncio.sleep(LOOK_SECONDS)
        except RPCError as error:
            raise _away(f"Temporal did not answer ({error.status.name}): ask again, it goes on from here.") from error
        return len(known)

    async def _round(self, tenant_id: TenantId, known: set[str]) -> int:
        """One look at what Temporal lists; a deletion there takes its time, so that a run may be listed again."""
        begins = identity.beginnings(tenant_id)
        async for schedule in await self.client.list_schedules():
            if schedule.id.startswith(begins):
                await _unless_gone(self.client.get_schedule_handle(schedule.id).delete())
        listed = [run async for run in self.client.list_workflows(_all_of(tenant_id))]
        for run in listed:
            if run.run_id not in known:
                await self._end(run)
                known.add(run.run_id)
        return len(listed)

    async def _end(self, run: WorkflowExecution) -> None:
        if run.status is WorkflowExecutionStatus.RUNNING:
            handle = self.client.get_workflow_handle(run.id, run_id=run.run_id)
            await _unless_gone(handle.terminate(reason=WHY))
        wanted = DeleteWorkflowExecutionRequest(
            namespace=self.client.namespace,
            workflow_execution=ExecutionRef(workflow_id=run.id, run_id=run.run_id),
        )
        await _unless_gone(self.client.workflow_service.delete_workflow_execution(wanted))


def _all_of(tenant_id: TenantId) -> str:
    named = [f"WorkflowId STARTS_WITH '{begin}'" for begin in identity.beginnings(tenant_id)]
    return " OR ".join([f"{identity.TENANT.name} = '{tenant_id}'", *named])


async def _unless_gone(call: Awaitable[object]) -> None:
    try:
        await call
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


def _away(why: str) -> Unavailable:
    return Unavailable("temporal_unavailable", why)
