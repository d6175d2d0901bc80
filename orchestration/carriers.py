"""How each kind of outbox row reaches Temporal: starts, signals, and the nightly pass after an import."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from temporalio.client import Client
from temporalio.common import (
    Priority,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from models.queries.outbox import Parcel
from models.session import Sessions
from orchestration.relay import Carrier, Undeliverable
from rules.errors import NotFound
from rules.ids import InstanceId, TenantId
from rules.ladder.state import State
from rules.ladder.words import Phase
from services import backtests
from services.schools import time_zones
from services.starting import Starting, starting
from workflows import identity
from workflows.backtest import BacktestStart
from workflows.messages import Settings, Start
from workflows.nightly_evaluation import NightlyStart

INTERVENTION = "StudentIntervention"
NIGHTLY = "NightlyEvaluation"
BACKTEST = "Backtest"
RPC_TIMEOUT = timedelta(seconds=5)
USE_EXISTING = WorkflowIDConflictPolicy.USE_EXISTING


def start_input(found: Starting) -> Start:
    """The input of a case's workflow: from the beginning, or from where its lost workflow last reported."""
    return Start(
        tenant_id=found.tenant_id,
        school_id=found.school_id,
        student_id=found.student_id,
        instance_id=found.instance_id,
        case_id=found.case_id,
        school_year=found.school_year,
        evaluation_id=found.evaluation_id,
        settings=Settings.model_validate(found.settings),
        state=State.model_validate(found.state or {}).but(ladder=found.ladder),
    )


class CaseCarriers:
    """Starts cases and signals them; the database row is the guard against a second start, not Temporal's retention."""

    def __init__(self, sessions: Sessions, client: Client) -> None:
        self._sessions = sessions
        self._client = client

    def by_kind(self) -> Mapping[str, Carrier]:
        """The relay's table."""
        return {
            "instance.start": self.start,
            "instance.signal": self.signal,
            "import.finished": self.nightly,
            "breaker.closed": self.nightly,
            backtests.START: self.backtest,
            backtests.CANCEL: self.cancel_backtest,
        }

    async def start(self, tenant_id: UUID, parcel: Parcel) -> None:
        """Start the case of a new instance row at sweep priority; once started, a second try does nothing."""
        found = await self._read(tenant_id, parcel.payload["instance_id"])
        if found.closed:
            raise Undeliverable(f"instance {found.instance_id} is already closed")
        await start_case(
            self._client, found, identity.sweep(TenantId(tenant_id)), anew=parcel.payload.get("anew", False)
        )

    async def signal(self, tenant_id: UUID, parcel: Parcel) -> None:
        """Signal-with-start: a signal never overtakes its case, and a closed case is not opened by a late one."""
        found = await self._read(tenant_id, parcel.payload["instance_id"])
        if found.closed:
            raise Undeliverable(f"instance {found.instance_id} is already closed")
        signal = (parcel.payload["signal"], parcel.payload.get("argument"))
        await start_case(self._client, found, identity.sweep(TenantId(tenant_id)), signal)

    async def nightly(self, tenant_id: UUID, parcel: Parcel) -> None:
        """Run the nightly pass now for each of the tenant's time zones; a pass that is running is enough."""
        async with self._sessions.tenant(tenant_id) as session:
            zones = await time_zones(session)
        for zone in zones:
            await run_nightly(self._client, TenantId(tenant_id), zone, because=parcel.subject.replace("/", "-"))

    async def backtest(self, tenant_id: UUID, parcel: Parcel) -> None:
        """Begin a backtest; one that runs or has run is left as it is."""
        await begin_backtest(self._client, TenantId(tenant_id), UUID(parcel.payload["backtest_id"]))

    async def cancel_backtest(self, tenant_id: UUID, parcel: Parcel) -> None:
        """Tell a backtest that it was cancelled; one that has ended needs no telling."""
        workflow_id = identity.backtest_id(TenantId(tenant_id), UUID(parcel.payload["backtest_id"]))
        try:
            await self._client.get_workflow_handle(workflow_id).signal("cancel", rpc_timeout=RPC_TIMEOUT)
        except RPCError as away:
            if away.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _read(self, tenant_id: UUID, instance_id: str) -> Starting:
        async with self._sessions.tenant(tenant_id) as session:
            try:
                return await starting(session, UUID(instance_id))
            except NotFound as missing:
                raise Undeliverable(missing.message) from missing


async def start_case(
    client: Client,
    found: Starting,
    priority: Priority,
    signal: tuple[str, Any] | None = None,
    *,
    anew: bool = False,
) -> None:
    """Start a case, or leave the running one as it is; with a signal the two happen together.

    `anew` ends a run that an older Temporal brought back and goes on from what the row remembers.
    """
    workflow_id = identity.ladder_id(TenantId(found.tenant_id), found.school_year, InstanceId(found.instance_id))
    extra: dict[str, Any] = {}
    if signal:
        extra = {"start_signal": signal[0], "start_signal_args": [signal[1]] if signal[1] is not None else []}
    try:
        await client.start_workflow(
            INTERVENTION,
            start_input(found),
            id=workflow_id,
            task_queue=identity.TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING if anew else USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE if anew else WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=_attributes(found),
            static_summary=identity.STATIC_SUMMARY,
            priority=priority,
            rpc_timeout=RPC_TIMEOUT,
            **extra,
        )
    except WorkflowAlreadyStartedError as closed:
        raise Undeliverable(f"workflow {workflow_id} has already ended") from closed


async def run_nightly(client: Client, tenant_id: TenantId, time_zone: str, *, because: str) -> str:
    """Run the nightly pass of a zone now; `because` (an import, a person's request) makes the id. Returns the id."""
    workflow_id = f"{identity.nightly_id(tenant_id, time_zone)}:{because}"
    try:
        await client.start_workflow(
            NIGHTLY,
            NightlyStart(tenant_id=tenant_id, time_zone=time_zone),
            id=workflow_id,
            task_queue=identity.TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            priority=identity.sweep(tenant_id),
            rpc_timeout=RPC_TIMEOUT,
        )
    except WorkflowAlreadyStartedError:
        return workflow_id  # it ran to its end for this very reason: once is enough
    return workflow_id


async def begin_backtest(client: Client, tenant_id: TenantId, backtest_id: UUID) -> None:
    """Start the workflow of a backtest row, once."""
    with suppress(WorkflowAlreadyStartedError):
        await client.start_workflow(
            BACKTEST,
            BacktestStart(tenant_id=tenant_id, backtest_id=backtest_id),
            id=identity.backtest_id(tenant_id, backtest_id),
            task_queue=identity.TASK_QUEUE,
            id_conflict_policy=USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            priority=identity.sweep(tenant_id),
            rpc_timeout=RPC_TIMEOUT,
        )


def _attributes(found: Starting) -> TypedSearchAttributes:
    shown: list[SearchAttributePair[Any]] = [
        SearchAttributePair(identity.TENANT, str(found.tenant_id)),
        SearchAttributePair(identity.SCHOOL, str(found.school_id)),
        SearchAttributePair(identity.RULE_SET, found.ladder.rule_set_key),
    ]
    if found.state is not None:  # it goes on in the middle: its next report may be weeks away
        state = start_input(found).state
        waiting = state.proposal is not None and state.phase is not Phase.ACTING
        shown += [
            SearchAttributePair(identity.PHASE, state.phase.value),
            SearchAttributePair(identity.STAGE, state.stage_key or "none"),
            SearchAttributePair(identity.AWAITING_APPROVAL, waiting),
        ]
    return TypedSearchAttributes(shown)
