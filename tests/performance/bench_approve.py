"""Approve until the decision is accepted and completed in history, beside a bare Temporal update on the same server.

Run: python -m tests.performance.bench_approve [cases]. It brings up a stack of its own and imports a district, so that
real letters wait; each approval is measured alone, after the letter of the one before has gone out. Prints one JSON
line; the bars are 3 times a bare update for the decision and 10 times for its projection in PostgreSQL. The time over
HTTP (token, permission, idempotency key and overlay included) is quoted without a bar.
"""

import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from pydantic import SecretStr
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from deploy.local.processes import free_port
from orchestration.client import TemporalAddress, connect
from orchestration.codec import EncryptedPayloads
from orchestration.handles import CaseAddress, CaseHandles
from rules.ids import PersonId, ProposalId
from rules.ladder.commands import Approve
from settings import parse_keys
from tests.deploy.stacks import RunningStack
from tests.faults.town import OFFICER, Size, Town, Waiting, settle

CASES = 40
WARM_UP = 3
POLL = 0.001
QUEUE = "bench-bare"
PHASE = "select awaiting_approval, phase from instance where id = %s"


@workflow.defn(name="Bare")
class Bare:
    """The least a workflow with an update can be: it counts."""

    def __init__(self) -> None:
        self._count = 0

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.update
    def count(self, by: int) -> int:
        self._count += by
        return self._count


@dataclass
class Taken:
    """Milliseconds of each kind, in rounds that alternate."""

    bare: list[float] = field(default_factory=list)
    decision: list[float] = field(default_factory=list)
    projection: list[float] = field(default_factory=list)
    http: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Medians, and the ratios the bars are about."""
        kept = {name: values[WARM_UP:] for name, values in vars(self).items()}
        medians = {name: statistics.median(values) for name, values in kept.items()}
        ratios = {f"{name}_ratio": round(medians[name] / medians["bare"], 2) for name in ("decision", "projection")}
        ninety = {f"{name}_p95_ms": round(statistics.quantiles(values, n=20)[-1], 1) for name, values in kept.items()}
        shown = {f"{name}_ms": round(value, 1) for name, value in medians.items()}
        return {"cases": len(kept["decision"]), **shown, **ninety, **ratios, "bars": [3, 10]}


@dataclass
class Bench:
    """The running district, seen as the API sees it."""

    town: Town
    cases: CaseHandles
    watching: psycopg.Connection[tuple[Any, ...]]
    officer: UUID

    def stands(self, step: Waiting) -> tuple[bool, str]:
        """Whether the projection still shows the step as waiting, and the phase."""
        row = self.watching.execute(PHASE, [step.instance_id]).fetchone()
        assert row is not None
        return bool(row[0]), str(row[1])

    async def approve(self, step: Waiting) -> None:
        """What the route does, without HTTP."""
        query = "select school_year from instance where id = %s"
        ((year,),) = self.watching.execute(query, [step.instance_id]).fetchall()
        command = Approve(
            command_id=uuid4().hex,
            actor_id=PersonId(self.officer),
            role="attendance_officer",
            proposal_id=ProposalId(step.proposal_id),
        )
        told = await self.cases.tell(CaseAddress(self.town.tenant_id, year, step.instance_id), "approve", command)
        assert told.answer is not None

    async def over_http(self, step: Waiting) -> None:
        reply = await asyncio.to_thread(self.town.approve, step)
        assert reply.status == 200, reply

    async def projected(self, step: Waiting) -> None:
        while self.stands(step)[0]:  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(POLL)

    async def quiet(self, step: Waiting) -> None:
        """The letter has gone out and nothing runs any more."""
        while self.stands(step)[1] != "WAITING":  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.05)


async def timed(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1e3


async def measured(town: Town, cases: int) -> dict[str, Any]:
    """Alternate: a bare update, an approval through the handle with its projection, an approval over HTTP."""
    told, steps, taken = town.stack.settings(), town.take(2 * cases), Taken()
    address = told["HANDRAIL_TEMPORAL_ADDRESS"]
    keys = parse_keys(SecretStr(told["HANDRAIL_PAYLOAD_KEYS"]))
    ours = await connect(TemporalAddress(address), EncryptedPayloads(keys, next(iter(keys))))
    plain = await Client.connect(address)
    ((officer,),) = town.rows("select id from person where subject = %s", OFFICER)
    async with AsyncExitStack() as stack:
        watching = stack.enter_context(
            psycopg.connect(told["HANDRAIL_DATABASE_URL"].replace("+psycopg", ""), autocommit=True)
        )
        watching.execute("select set_config('app.current_tenant', %s, false)", [str(town.tenant_id)])
        await stack.enter_async_context(
            Worker(plain, task_queue=QUEUE, workflows=[Bare], workflow_runner=UnsandboxedWorkflowRunner())
        )
        bare: list[WorkflowHandle[Bare, None]] = [
            await plain.start_workflow(Bare.run, id=f"bare-{uuid4()}", task_queue=QUEUE) for _ in range(cases)
        ]
        bench = Bench(town, CaseHandles(ours), watching, officer)
        for counting, one, other in zip(bare, steps[:cases], steps[cases:], strict=True):
            taken.bare.append(await timed(counting.execute_update(Bare.count, 1)))
            began = time.perf_counter()
            taken.decision.append(await timed(bench.approve(one)))
            await bench.projected(one)
            taken.projection.append((time.perf_counter() - began) * 1e3)
            await bench.quiet(one)
            taken.http.append(await timed(bench.over_http(other)))
            await bench.quiet(other)
    return taken.figures()


def main(cases: int) -> None:
    """On a stack of its own."""
    base = Path(tempfile.mkdtemp(prefix="handrail-bench-"))
    base.chmod(0o755)
    stack = RunningStack(base / "state")
    try:
        stack.up("--port", str(free_port()))
        town = settle(stack, base, Size(away=2 * cases, calm=0))
        print(json.dumps(asyncio.run(measured(town, cases))))
    finally:
        stack.end()
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CASES)
