"""The import of a register with a million rows: rows per second by COPY and merged, and peak memory.

Run: python -m tests.performance.bench_import [rows]. Prints one JSON line; the bars are 50,000 rows/s by COPY and
300 MB. The recomputation of facts and summaries that follows an import is quoted apart.
"""

import asyncio
import json
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from deploy.local.databases import ensure_database, ensure_roles
from deploy.local.migrations import migrate
from deploy.local.postgres import Credentials, Postgres, Server
from deploy.local.processes import free_port
from gateways.district_folder import read_feed
from models.queries import import_blocks as blocks
from models.session import Sessions, engine_for
from models.tenants import Tenant
from rules.ids import TenantId
from services.attendance_import import ORDER, OpenImport, Progress, district_feed, import_feed
from services.context import Actor, system
from tests.keys import opened_on
from tests.performance.registers import write_registers

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DATABASE = "bench"


@contextmanager
def own_postgres() -> Iterator[Server]:
    """A PostgreSQL of its own with the newest schema."""
    with tempfile.TemporaryDirectory(prefix="handrail-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Server(free_port(), Credentials(*(secrets.token_hex(8) for _ in range(3))))
        postgres = Postgres(folder / "postgres", server)
        postgres.initialise()
        postgres.start()
        try:
            ensure_roles(server)
            ensure_database(server, DATABASE)
            migrate(server.owner_url(DATABASE))
            yield server
        finally:
            postgres.stop()


async def a_tenant(sessions: Sessions) -> Actor:
    async with sessions.untenanted() as session:
        session.add(Tenant(key="bench", name="Bench"))
    async with sessions.untenanted() as session:
        tenant_id = (await session.scalars(select(Tenant.id))).one()
    return system(TenantId(tenant_id), "cli", "bench")


async def copied(sessions: Sessions, actor: Actor, folder: Path) -> tuple[int, float]:
    """Rows and seconds of the COPY alone: rows that were read and written out before go into the staging table."""
    rows, seconds = 0, 0.0
    async with sessions.tenant(actor.tenant_id) as session:
        await blocks.open_stage(session, "marks")
        for chunk in read_feed(folder / "marks.csv", "marks", received_at=NOW):
            prepared = blocks.staged("marks", chunk.fields, chunk.numbers, NOW)
            began = time.perf_counter()
            await blocks.stage(session, "marks", prepared)
            seconds += time.perf_counter() - began
            rows += len(chunk.numbers)
        await session.execute(text("truncate stage_marks"))
    return rows, seconds


async def measured(server: Server, folder: Path) -> dict[str, Any]:
    """Import everything once; COPY alone is measured afterwards on the same rows."""
    sessions = opened_on(engine_for(server.app_url(DATABASE), pool_size=2))
    actor, ended = await a_tenant(sessions), {}

    def tell(so_far: Progress) -> None:
        ended[so_far.step] = time.perf_counter()

    began = time.perf_counter()
    feed = district_feed(folder, received_at=NOW)
    done = await import_feed(sessions, actor, OpenImport("district", "bench"), feed, now=NOW, tell=tell)
    finished = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    rows, seconds = await copied(sessions, actor, folder)
    await sessions.engine.dispose()
    marks_began = max((ended[step] for step in ORDER[:-1] if step in ended), default=began)
    return {
        "marks": rows,
        "copy_rows_per_second": round(rows / seconds),
        "bar_rows_per_second": 50_000,
        "merged_rows_per_second": round(rows / (ended["marks"] - marks_began)),
        "import_seconds": round(ended["marks"] - began, 1),
        "recompute_seconds": round(finished - ended["marks"], 1),
        "students": done.students_recomputed,
        "peak_memory_mb": peak,
        "bar_memory_mb": 300,
    }


def main(rows: int) -> None:
    with own_postgres() as server, tempfile.TemporaryDirectory() as name:
        write_registers(Path(name), marks=rows)
        print(json.dumps(asyncio.run(measured(server, Path(name)))))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
