"""Approve while 1,200 cases start at once, beside the same approvals on a quiet stack.

Run: python -m tests.performance.bench_flood [starts [approvals]]. It brings up a stack of its own with letters that
wait, approves half of them one by one while nothing else happens, then imports the news that so many more students
were away: the evaluation opens a case for each, and the other half is approved one by one while their workflows start.
Approvals after the last start are not counted. Prints one JSON line; the bar is 3 times the quiet p95. The decision is
measured as the route takes it (handle, update, history); over HTTP it is quoted beside it.
"""

import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from pydantic import SecretStr

from deploy.local.processes import free_port
from orchestration.client import TemporalAddress, connect
from orchestration.codec import EncryptedPayloads
from orchestration.handles import CaseHandles
from settings import parse_keys
from tests.deploy.stacks import RunningStack
from tests.faults.town import OFFICER, Size, Town, Waiting, settle
from tests.performance.bench_approve import Bench, timed

STARTS, APPROVALS, WARM_UP, BAR = 1200, 120, 5, 3
OPENED = "select count(*) from instance"
STARTED = "select count(*) from instance where awaiting_approval or phase <> 'EVALUATING' and status <> 'STARTING'"


@dataclass
class Taken:
    """Milliseconds of each approval, by how it was asked."""

    handle: list[float] = field(default_factory=list)
    http: list[float] = field(default_factory=list)

    def p95(self) -> tuple[float, float]:
        return _p95(self.handle), _p95(self.http)


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


@dataclass
class Flood:
    """The bench, and what it knows of the cases that start."""

    bench: Bench
    before: int
    starts: int

    def opened(self) -> int:
        return self._count(OPENED) - self.before

    def started(self) -> int:
        return self._count(STARTED) - self.before

    def _count(self, query: str) -> int:
        row = self.bench.watching.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])

    async def quiet(self, steps: Sequence[Waiting]) -> Taken:
        """Nothing else happens: each approval waits for the letter of the one before."""
        taken = Taken()
        for number, step in enumerate(steps):
            await self._one(taken, number, step)
            await self.bench.quiet(step)
        return Taken(taken.handle[WARM_UP:], taken.http[WARM_UP:])

    async def flooded(self, steps: Sequence[Waiting]) -> tuple[Taken, float]:
        """From the first new case to the last that has started; and how long that was."""
        while not self.opened():  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.05)
        taken, began = Taken(), time.perf_counter()
        for number, step in enumerate(steps):
            if self.started() >= self.starts:
                break
            await self._one(taken, number, step)
        while self.started() < self.starts:  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.05)
        return taken, time.perf_counter() - began

    async def _one(self, taken: Taken, number: int, step: Waiting) -> None:
        if number % 2:
            taken.http.append(await timed(self.bench.over_http(step)))
        else:
            taken.handle.append(await timed(self.bench.approve(step)))


async def measured(town: Town, starts: int, approvals: int) -> dict[str, Any]:
    """First quiet, then in the flood; the steps are alike."""
    told, steps = town.stack.settings(), town.take(2 * approvals)
    keys = parse_keys(SecretStr(told["HANDRAIL_PAYLOAD_KEYS"]))
    address = TemporalAddress(told["HANDRAIL_TEMPORAL_ADDRESS"])
    ours = await connect(address, EncryptedPayloads(keys, next(iter(keys))))
    ((officer,),) = town.rows("select id from person where subject = %s", OFFICER)
    with ExitStack() as stack:
        watching = stack.enter_context(
            psycopg.connect(told["HANDRAIL_DATABASE_URL"].replace("+psycopg", ""), autocommit=True)
        )
        watching.execute("select set_config('app.current_tenant', %s, false)", [str(town.tenant_id)])
        flood = Flood(Bench(town, CaseHandles(ours), watching, officer), 0, starts)
        quiet = await flood.quiet(steps[:approvals])
        flood.before = flood.opened()
        news = asyncio.create_task(asyncio.to_thread(town.bring_in, list(town.calm(starts))))
        busy, seconds = await flood.flooded(steps[approvals:])
        await news
    (still, still_http), (p95, p95_http) = quiet.p95(), busy.p95()
    return {
        "starts": starts,
        "starts_seconds": round(seconds, 1),
        "approvals_in_flood": len(busy.handle) + len(busy.http),
        "quiet_p95_ms": round(still, 1),
        "flood_p95_ms": round(p95, 1),
        "quiet_median_ms": round(statistics.median(quiet.handle), 1),
        "flood_median_ms": round(statistics.median(busy.handle), 1),
        "ratio": round(p95 / still, 2),
        "quiet_http_p95_ms": round(still_http, 1),
        "flood_http_p95_ms": round(p95_http, 1),
        "http_ratio": round(p95_http / still_http, 2),
        "bar": BAR,
    }


def main(starts: int, approvals: int) -> None:
    """On a stack of its own."""
    base = Path(tempfile.mkdtemp(prefix="handrail-bench-"))
    base.chmod(0o755)
    stack = RunningStack(base / "state")
    try:
        stack.up("--port", str(free_port()))
        town = settle(stack, base, Size(away=2 * approvals, calm=starts))
        print(json.dumps(asyncio.run(measured(town, starts, approvals))))
    finally:
        stack.end()
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    asked = [int(one) for one in sys.argv[1:]]
    main(asked[0] if asked else STARTS, asked[1] if len(asked) > 1 else APPROVALS)
