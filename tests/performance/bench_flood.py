"""Approve while 1,200 cases begin, beside the same approvals before anything else happens, on the same stack.

Run: python -m tests.performance.bench_flood [starts [approvals]]. It brings up a stack of its own on which letters wait
and nobody else is worried about. Half of the letters are approved one by one, each after the letter before has gone
out. Then the news is imported that so many more students were away, at schools of 90, no breaker of which has anything
to hold (`tests.faults.town.USUAL`); the evaluation opens a case for each, and the
other half is approved while these begin, with a pause after each approval. The flood is at its height when the last
one is answered: what is left of it is counted and not waited for. Prints one JSON line; the bar is 3 times the quiet
95th percentile of the time until the decision is in history, as the route asks for it. Over HTTP (token, permission,
idempotency key and overlay included) it is quoted beside it.
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
from tests.deploy.stacks import RunningStack, until
from tests.faults.town import HELD, OFFICER, Size, Town, Waiting, settle
from tests.performance.bench_approve import Bench, timed

STARTS, APPROVALS, WARM_UP, BAR = 1200, 60, 4, 3
PAUSE_SECONDS = 0.5
FLOOD_WITHIN_SECONDS = 120
OPENED = "select count(*) from instance"
AT_REST = "select count(*) from instance where phase <> 'EVALUATING'"


@dataclass
class Taken:
    """Milliseconds of each approval, by how it was asked: every other one over HTTP."""

    handle: list[float] = field(default_factory=list)
    http: list[float] = field(default_factory=list)

    async def one(self, bench: Bench, step: Waiting) -> None:
        """Approve a step the way whose turn it is."""
        if len(self.handle) > len(self.http):
            self.http.append(await timed(bench.over_http(step)))
        else:
            self.handle.append(await timed(bench.approve(step)))

    def figures(self, when: str) -> dict[str, float]:
        """Medians and 95th percentiles."""
        kept = {"": self.handle, "http_": self.http}
        medians = {f"{when}_{how}median_ms": round(statistics.median(each), 1) for how, each in kept.items()}
        return {**medians, **{f"{when}_{how}p95_ms": round(p95(each), 1) for how, each in kept.items()}}


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


async def in_quiet(bench: Bench, steps: Sequence[Waiting]) -> Taken:
    """Nothing else happens: each approval waits for the letter of the one before."""
    warm, taken = Taken(), Taken()
    for number, step in enumerate(steps):
        await (warm if number < WARM_UP else taken).one(bench, step)
        await bench.quiet(step)
    return taken


async def in_flood(bench: Bench, steps: Sequence[Waiting]) -> Taken:
    """One after the other with a pause, whatever the letters of those before are doing."""
    taken = Taken()
    for step in steps:
        await taken.one(bench, step)
        await asyncio.sleep(PAUSE_SECONDS)
    return taken


async def measured(town: Town, starts: int, approvals: int) -> dict[str, Any]:
    """First quiet, then in the flood; the steps are alike."""
    told, steps = town.stack.settings(), town.take(2 * approvals)
    keys = parse_keys(SecretStr(told["HANDRAIL_PAYLOAD_KEYS"]))
    address = TemporalAddress(told["HANDRAIL_TEMPORAL_ADDRESS"])
    cases = CaseHandles(await connect(address, EncryptedPayloads(keys, next(iter(keys)))))
    ((officer,),) = town.rows("select id from person where subject = %s", OFFICER)
    with ExitStack() as stack:
        watching = stack.enter_context(
            psycopg.connect(told["HANDRAIL_DATABASE_URL"].replace("+psycopg", ""), autocommit=True)
        )
        watching.execute("select set_config('app.current_tenant', %s, false)", [str(town.tenant_id)])

        def count(query: str) -> int:
            ((found,),) = watching.execute(query.encode()).fetchall()
            return int(found)

        bench = Bench(town, cases, watching, officer)
        quiet = await in_quiet(bench, steps[:approvals])
        opened, rested = count(OPENED), count(AT_REST)
        await asyncio.to_thread(town.bring_in, list(town.calm(starts)))
        until(lambda: count(OPENED) - opened >= starts, f"{starts} cases are open", FLOOD_WITHIN_SECONDS)
        began = time.perf_counter()
        busy = await in_flood(bench, steps[approvals:])
        seconds, begun = time.perf_counter() - began, count(AT_REST) - rested
    assert town.rows(HELD) == [], "breakers hold the flood: nothing was measured"
    assert begun < starts, "the flood was over before the last approval: fewer approvals, or a shorter pause"
    return {
        "starts": starts,
        "begun_meanwhile": begun,
        "cases_per_second": round(begun / seconds, 1),
        "approvals": len(busy.handle) + len(busy.http),
        **quiet.figures("quiet"),
        **busy.figures("flood"),
        "ratio": round(p95(busy.handle) / p95(quiet.handle), 2),
        "http_ratio": round(p95(busy.http) / p95(quiet.http), 2),
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
