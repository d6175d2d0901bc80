"""The reconciler: what runs in Temporal against what the database remembers, and what left against what is known.

It changes nothing by itself. `repair` starts what never started and lets lost workflows go on from what their row
remembers; everything else may have reached a family, so that a person decides and releases each class (safeguards.md
section 7). It runs daily, and by hand after every restore.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from models.queries import reconcile as rows
from models.queries.outbox import active_tenants
from models.queries.reconcile import InstanceRow, Odd
from models.session import Sessions
from orchestration.carriers import INTERVENTION
from rules.ids import InstanceId, TenantId
from services import audit, outbox, restores
from services.audit import Act
from services.context import system
from services.restores import Cause, HoldKind
from workflows import identity

log = logging.getLogger("handrail.reconcile")
SETTLED_AFTER = timedelta(minutes=5)  # younger rows are on their way; a second look finds them settled or odd
RPC_TIMEOUT = timedelta(seconds=10)


class FindingKind(StrEnum):
    """What does not agree; the first two are mended by `repair`."""

    NOT_STARTED = "NOT_STARTED"
    WORKFLOW_MISSING = "WORKFLOW_MISSING"
    WORKFLOW_ENDED = "WORKFLOW_ENDED"
    WORKFLOW_WITHOUT_ROW = "WORKFLOW_WITHOUT_ROW"
    OUT_OF_STEP = "OUT_OF_STEP"
    SENT_BUT_UNKNOWN = "SENT_BUT_UNKNOWN"
    KNOWN_BUT_NOT_SENT = "KNOWN_BUT_NOT_SENT"
    STORED_BUT_NOT_SENT = "STORED_BUT_NOT_SENT"
    IN_DOUBT = "IN_DOUBT"


WHAT_TO_DO: Mapping[FindingKind, str] = {
    FindingKind.NOT_STARTED: "its workflow never ran: `--repair` starts it",
    FindingKind.WORKFLOW_MISSING: "it was walking and its workflow is gone: `--repair` lets it go on from its row",
    FindingKind.WORKFLOW_ENDED: "its workflow ended and the row does not know: look at its history in Temporal",
    FindingKind.WORKFLOW_WITHOUT_ROW: "no open row belongs to it: the database is older; terminate it after a look",
    FindingKind.OUT_OF_STEP: "row and workflow stand at different points: after Temporal was set back `--repair` helps",
    FindingKind.SENT_BUT_UNKNOWN: "the family has it, the case does not know: record the delivery",
    FindingKind.KNOWN_BUT_NOT_SENT: "the case believes it was sent: send it again by hand, or record why not",
    FindingKind.STORED_BUT_NOT_SENT: "written and never sent: send it by hand, or leave it and record why",
    FindingKind.IN_DOUBT: "handed to the mail server, no answer written: ask its log before sending again",
}

CLASSES: Mapping[FindingKind, HoldKind] = {
    FindingKind.NOT_STARTED: HoldKind.WORKFLOWS,
    FindingKind.WORKFLOW_MISSING: HoldKind.WORKFLOWS,
    FindingKind.WORKFLOW_ENDED: HoldKind.WORKFLOWS,
    FindingKind.WORKFLOW_WITHOUT_ROW: HoldKind.WORKFLOWS,
    FindingKind.OUT_OF_STEP: HoldKind.WORKFLOWS,
    FindingKind.SENT_BUT_UNKNOWN: HoldKind.SENT_BUT_UNKNOWN,
    FindingKind.KNOWN_BUT_NOT_SENT: HoldKind.KNOWN_BUT_NOT_SENT,
    FindingKind.STORED_BUT_NOT_SENT: HoldKind.KNOWN_BUT_NOT_SENT,
    FindingKind.IN_DOUBT: HoldKind.IN_DOUBT,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement; `subject` is a workflow id, or the id of a message, event or artifact."""

    kind: FindingKind
    subject: str
    instance_id: UUID | None
    detail: str = ""
    mendable: bool = False

    @property
    def held_as(self) -> HoldKind:
        """The class under which a person releases it."""
        return CLASSES[self.kind]


@dataclass(frozen=True, slots=True)
class Report:
    """What one look at a tenant found."""

    tenant_id: UUID
    instances: int
    workflows: int
    findings: tuple[Finding, ...] = ()
    repaired: int = 0
    held: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind."""
        return dict(sorted(Counter(finding.kind.value for finding in self.findings).items()))


async def reconcile(
    sessions: Sessions, client: Client, tenant_id: TenantId, *, now: datetime, repair: bool = False
) -> Report:
    """Compare one tenant with Temporal and with itself; with `repair` mend what can be mended without a person."""
    before = now - SETTLED_AFTER
    running = {one.id: one async for one in client.list_workflows(_running(tenant_id), rpc_timeout=RPC_TIMEOUT)}
    async with sessions.tenant(tenant_id) as session:
        known = await rows.open_instances(session, before=before)
        held = await restores.held(session)
    temporal_is_older = any(one.cause == Cause.TEMPORAL_OLDER for one in held)
    look = _Look(sessions, client, tenant_id, before, temporal_is_older)
    findings = [
        *await look.without_workflow([row for row in known if look.workflow_id(row) not in running]),
        *await look.without_row([one for one in running if one not in {look.workflow_id(row) for row in known}]),
        *await look.out_of_step([(row, running[w]) for row in known if (w := look.workflow_id(row)) in running]),
        *await look.letters(),
    ]
    repaired = await look.start_again(findings, now) if repair else 0
    waiting = tuple(one.kind for one in held)
    return Report(tenant_id, len(known), len(running), tuple(findings), repaired, waiting)


async def reconcile_all(sessions: Sessions, client: Client, *, now: datetime) -> list[Report]:
    """Look at every active tenant and log what disagrees; mends nothing. The worker does this nightly."""
    async with sessions.untenanted() as session:
        tenants = await active_tenants(session)
    reports = [await reconcile(sessions, client, TenantId(one), now=now) for one in tenants]
    for report in reports:
        if report.findings:
            log.warning("tenant %s disagrees: %s; see `handrail reconcile`", report.tenant_id, report.counts)
    return reports


def _running(tenant_id: TenantId) -> str:
    return f"WorkflowType = '{INTERVENTION}' and ExecutionStatus = 'Running' and {identity.TENANT.name} = '{tenant_id}'"


@dataclass(frozen=True, slots=True)
class _Look:
    """One look; the visibility store lags, so what it seems to contradict is asked again by name."""

    sessions: Sessions
    client: Client
    tenant_id: TenantId
    before: datetime
    temporal_is_older: bool

    def workflow_id(self, row: InstanceRow) -> str:
        return identity.ladder_id(self.tenant_id, row.school_year, InstanceId(row.id))

    async def status(self, workflow_id: str) -> WorkflowExecution | None:
        """The latest run as Temporal itself knows it; None when it knows of none."""
        try:
            return await self.client.get_workflow_handle(workflow_id).describe(rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def without_workflow(self, suspects: Sequence[InstanceRow]) -> list[Finding]:
        found = []
        for row in suspects:
            if row.fresh or row.on_its_way:
                continue
            workflow_id = self.workflow_id(row)
            seen = await self.status(workflow_id)
            if seen is None:
                kind = FindingKind.NOT_STARTED if row.never_reported else FindingKind.WORKFLOW_MISSING
                mendable = row.never_reported or row.resumable
                found.append(Finding(kind, workflow_id, row.id, f"{row.status} {row.phase}", mendable))
            elif seen.status is not WorkflowExecutionStatus.RUNNING and not await self._closed_meanwhile(row.id):
                ended = seen.status.name if seen.status else "?"
                found.append(Finding(FindingKind.WORKFLOW_ENDED, workflow_id, row.id, f"{row.phase}, {ended}"))
        return found

    async def without_row(self, suspects: Sequence[str]) -> list[Finding]:
        ids = {workflow_id: UUID(workflow_id.rpartition(":")[2]) for workflow_id in suspects}
        async with self.sessions.tenant(self.tenant_id) as session:
            known = await rows.instances(session, list(ids.values()), before=self.before)
        found = []
        for workflow_id, instance_id in ids.items():
            row = known.get(instance_id)
            if row is not None and not row.closed:
                continue  # its row came while we looked
            seen = await self.status(workflow_id)
            if seen is not None and seen.status is WorkflowExecutionStatus.RUNNING:
                what = "its row is closed" if row else "there is no row"
                found.append(Finding(FindingKind.WORKFLOW_WITHOUT_ROW, workflow_id, row.id if row else None, what))
        return found

    async def out_of_step(self, pairs: Sequence[tuple[InstanceRow, WorkflowExecution]]) -> list[Finding]:
        found = []
        for row, execution in pairs:
            if _agree(row, execution):
                continue
            seen = await self.status(execution.id)
            async with self.sessions.tenant(self.tenant_id) as session:
                again = (await rows.instances(session, [row.id], before=self.before))[row.id]
            if seen is not None and not again.closed and not _agree(again, seen):
                where = f"row {again.phase} {again.stage_key}, workflow {' '.join(_place(seen))}"
                mendable = self.temporal_is_older and row.resumable
                found.append(Finding(FindingKind.OUT_OF_STEP, execution.id, row.id, where, mendable))
        return found

    async def letters(self) -> list[Finding]:
        """What left, what was stored, and what the cases believe."""
        async with self.sessions.tenant(self.tenant_id) as session:
            told: Mapping[FindingKind, Sequence[Odd]] = {
                FindingKind.SENT_BUT_UNKNOWN: await rows.sent_but_unknown(session, before=self.before),
                FindingKind.KNOWN_BUT_NOT_SENT: await rows.known_but_not_sent(session, before=self.before),
                FindingKind.STORED_BUT_NOT_SENT: await rows.stored_but_not_sent(session, before=self.before),
                FindingKind.IN_DOUBT: await rows.in_doubt(session, before=self.before),
            }
        return [Finding(kind, str(one.id), one.instance_id) for kind, odd in told.items() for one in odd]

    async def start_again(self, findings: Sequence[Finding], now: datetime) -> int:
        """Enqueue the start of what can be mended; the relay carries it as it carries any start."""
        waiting = [(one.kind, one.instance_id) for one in findings if one.mendable and one.instance_id]
        actor = system(self.tenant_id, "cli", str(uuid4()))
        async with self.sessions.tenant(self.tenant_id) as session:
            for kind, instance_id in waiting:
                told: dict[str, object] = {"instance_id": str(instance_id)}
                if kind is FindingKind.OUT_OF_STEP:
                    told["anew"] = True
                await outbox.enqueue(session, "instance.start", str(instance_id), told)
                act = Act("start_again", "instance", instance_id, reason=f"found by reconcile: {kind.value}")
                await audit.record(session, actor, act, now=now)
        return len(waiting)

    async def _closed_meanwhile(self, instance_id: UUID) -> bool:
        async with self.sessions.tenant(self.tenant_id) as session:
            found = await rows.instances(session, [instance_id], before=self.before)
        return instance_id not in found or found[instance_id].closed


def _place(execution: WorkflowExecution) -> tuple[str, str]:
    """Phase and stage as the workflow last showed them; empty before its first step."""
    shown = execution.typed_search_attributes
    return shown.get(identity.PHASE) or "", shown.get(identity.STAGE) or ""


def _agree(row: InstanceRow, execution: WorkflowExecution) -> bool:
    phase, stage = _place(execution)
    return not phase or (phase, stage) == (row.phase, row.stage_key)
