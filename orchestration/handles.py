"""Typed commands to running cases: Temporal's answers and failures become results and DomainErrors of ours."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from orchestration.carriers import run_nightly, start_case
from orchestration.client import reaching
from orchestration.relay import Undeliverable
from rules.errors import Conflict, DomainError, Invalid, Unavailable
from rules.ids import InstanceId, TenantId
from rules.ladder.commands import Answer, Command
from services.starting import Starting
from workflows import identity
from workflows.messages import View

ANSWER_WITHIN_SECONDS = 4.0
FORGET_WITHIN_SECONDS = 30.0
RETRY_AFTER_SECONDS = 5
AWAY = frozenset({RPCStatusCode.UNAVAILABLE, RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.INTERNAL})
LATE = frozenset({RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED})


@dataclass(frozen=True, slots=True)
class CaseAddress:
    """Which workflow a command goes to."""

    tenant_id: UUID
    school_year: str
    instance_id: UUID

    @property
    def workflow_id(self) -> str:
        """The one workflow of the instance."""
        return identity.ladder_id(TenantId(self.tenant_id), self.school_year, InstanceId(self.instance_id))


@dataclass(frozen=True, slots=True)
class Told:
    """What the case said; None = accepted for delivery but not confirmed: ask again with the same command id."""

    answer: Answer | None


class CaseHandles:
    """Sends people's commands to their case; the command id is the update id, so a repeat is answered, not repeated."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def tell(self, case: CaseAddress, verb: str, command: Command) -> Told:
        """Carry a command out. Conflict and Invalid are the case's refusals; Unavailable means Temporal is down."""
        handle = self._client.get_workflow_handle(case.workflow_id)
        try:
            with reaching():
                async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
                    answer = await handle.execute_update(
                        verb, command, id=command.command_id, result_type=Answer, rpc_timeout=timedelta(seconds=3)
                    )
        except WorkflowUpdateFailedError as refused:
            raise _refusal(refused) from refused
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            await self._must_be_up()
            return Told(None)
        except RPCError as error:
            await self._must_be_late(error, case)
            return Told(None)
        return Told(answer)

    async def start(self, found: Starting) -> bool:
        """Start a case by hand at once; False when Temporal is away (the outbox row starts it later)."""
        try:
            with reaching():
                async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
                    await start_case(self._client, found, identity.interactive(TenantId(found.tenant_id)))
        except (TimeoutError, RPCError):
            return False
        except Undeliverable as closed:
            raise Conflict("case_ended", str(closed)) from closed
        return True

    async def evaluate(self, tenant_id: UUID, time_zones: Sequence[str], *, because: str) -> list[str]:
        """Run the nightly pass of each zone now; the same reason again runs nothing twice. Returns their ids."""
        try:
            with reaching():
                async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
                    tenant = TenantId(tenant_id)
                    return [await run_nightly(self._client, tenant, zone, because=because) for zone in time_zones]
        except (TimeoutError, RPCError) as error:
            raise _away() from error

    async def view(self, case: CaseAddress) -> View:
        """The whole state of one case, for one student's page."""
        handle = self._client.get_workflow_handle(case.workflow_id)
        try:
            with reaching():
                async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
                    seen: View = await handle.query("view", result_type=View)
        except (TimeoutError, RPCError) as error:
            raise _away() from error
        return seen

    async def end(self, case: CaseAddress, why: str) -> None:
        """Terminate the case: nothing it would still have done happens. One that does not run is left as it is."""
        try:
            with reaching():
                async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
                    await self._client.get_workflow_handle(case.workflow_id).terminate(reason=why)
        except (TimeoutError, RPCError) as error:
            if getattr(error, "status", None) is not RPCStatusCode.NOT_FOUND:
                raise _away() from error

    async def forget(self, case: CaseAddress) -> int:
        """Delete the history of every run of the case, the oldest first, so that a second try finds the rest."""
        try:
            with reaching():
                async with asyncio.timeout(FORGET_WITHIN_SECONDS):
                    runs = await self._runs(case.workflow_id)
                    for run_id in reversed(runs):
                        await self._delete(case.workflow_id, run_id)
        except (TimeoutError, RPCError) as error:
            raise _away() from error
        return len(runs)

    async def _runs(self, workflow_id: str) -> list[str]:
        """The runs of a workflow, the latest first, by what each says of the one it continues."""
        found: list[str] = []
        run_id: str | None = None
        while True:
            handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
            try:
                if run_id is None:
                    run_id = (await handle.describe()).run_id
                    handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
                first = await anext(handle.fetch_history_events(page_size=1))
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return found
                raise
            found.append(run_id)
            run_id = first.workflow_execution_started_event_attributes.continued_execution_run_id
            if not run_id:
                return found

    async def _delete(self, workflow_id: str, run_id: str) -> None:
        wanted = DeleteWorkflowExecutionRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
        )
        try:
            await self._client.workflow_service.delete_workflow_execution(wanted)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def healthy(self) -> bool:
        """Whether Temporal answers."""
        try:
            with reaching():
                async with asyncio.timeout(2):
                    return await self._client.service_client.check_health()
        except (TimeoutError, RPCError):
            return False

    async def _must_be_up(self) -> None:
        if not await self.healthy():
            raise _away()

    async def _must_be_late(self, error: RPCError, case: CaseAddress) -> None:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise Conflict(
                "case_not_running",
                f"Instance {case.instance_id} has no running case: it is closed, or has not started yet. Look again.",
            ) from error
        if error.status in AWAY:
            raise _away() from error
        if error.status not in LATE:
            raise error
        await self._must_be_up()


def _away() -> DomainError:
    return Unavailable(
        "temporal_unavailable",
        "The case engine is not answering; nothing was changed. Send the same command again with the same key.",
        retry_after=RETRY_AFTER_SECONDS,
    )


def _refusal(refused: WorkflowUpdateFailedError) -> DomainError:
    cause = refused.cause
    if not isinstance(cause, ApplicationError):
        return Conflict("command_failed", "The case could not take the command: look at it again.")
    extra: dict[str, Any] = dict(cause.details[0]) if cause.details and isinstance(cause.details[0], dict) else {}
    fields = extra.pop("fields", None) or {}
    code = cause.type or "refused"
    if fields:
        return Invalid(code, cause.message, fields=fields, **extra)
    return Conflict(code, cause.message, **extra)
