"""What proof costs: an audited write beside the bare one, a read that writes whom it shows, and the sealer's lag.

Run: python -m tests.performance.bench_audit [seconds of load]. Prints one JSON line. A write is one transaction that
inserts a task; audited, it also writes entry, encrypted detail and the sealer's queue. A read is one page of students
by name, as the route reads it; written down, one row of the view log per student goes with it. Lag is from the
transaction that wrote an entry to the one that sealed it, under a steady load; the bar of the design is one second.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import func, select, text

from gateways.object_store import S3ObjectStore, StoreAddress
from models.audit import AuditEntry, AuditSeal
from models.instances import Task
from models.queries.keyset import Window
from models.session import Session, Sessions, engine_for
from orchestration.sealer import Sealer
from services import audit, people, view_log
from services.audit import Act
from services.context import Actor
from services.people import StudentQuery
from services.scopes import EVERYTHING
from tests.keys import opened_on
from tests.performance.bench_import import DATABASE, a_tenant, own_postgres

LOAD_SECONDS: Final = 20.0
ROUNDS, WARM_UP = 200, 20
PAGE = 200
PER_SECOND = 200
STUDENTS = "insert into student (source_id, last_name) select n::text, 'L' || n from generate_series(1, 2000) n"
Work = Callable[[Session], Awaitable[None]]


async def inserted(session: Session) -> Task:
    task = Task(kind="CALL_BACK", title="Ring the family", status="OPEN")
    session.add(task)
    await session.flush()
    return task


async def medians(sessions: Sessions, actor: Actor, *works: Work) -> list[float]:
    """Milliseconds of a whole transaction of each kind, in rounds that alternate."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, times in zip(works, taken, strict=True):
            began = time.perf_counter()
            async with sessions.tenant(actor.tenant_id) as session:
                await work(session)
            times.append((time.perf_counter() - began) * 1000)
    return [statistics.median(times[WARM_UP:]) for times in taken]


async def writes(sessions: Sessions, actor: Actor) -> dict[str, Any]:
    """One task, bare and audited."""

    async def bare(session: Session) -> None:
        await inserted(session)

    async def audited(session: Session) -> None:
        task = await inserted(session)
        act = Act("create_task", "task", task.id, after={"status": "OPEN", "title": task.title})
        await audit.record(session, actor, act, now=datetime.now(UTC))

    plain, whole = await medians(sessions, actor, bare, audited)
    return {"write_ms": round(plain, 2), "audited_write_ms": round(whole, 2), "write_ratio": round(whole / plain, 2)}


async def reads(sessions: Sessions, actor: Actor) -> dict[str, Any]:
    """A page of 200 students, and the same written down; the same for one."""
    query = StudentQuery(EVERYTHING, date.today(), None)  # noqa: DTZ011 - any day will do

    def bare(many: int) -> Work:
        async def work(session: Session) -> None:
            await people.students(session, query, Window(many))

        return work

    def logged(many: int) -> Work:
        async def work(session: Session) -> None:
            rows = await people.students(session, query, Window(many))
            shown = [row.id for row in rows[:many]]
            await view_log.record(session, actor, "list_students", shown, now=datetime.now(UTC))

        return work

    page, logged_page, one, logged_one = await medians(sessions, actor, bare(PAGE), logged(PAGE), bare(1), logged(1))
    return {
        "page_ms": round(page, 2),
        "logged_page_ms": round(logged_page, 2),
        "page_ratio": round(logged_page / page, 2),
        "one_ms": round(one, 2),
        "logged_one_ms": round(logged_one, 2),
    }


async def lag(sessions: Sessions, actor: Actor, seconds: float) -> dict[str, Any]:
    """Entries at a steady rate while a sealer runs."""
    async with sessions.tenant(actor.tenant_id) as session:
        before = (await session.scalars(select(func.coalesce(func.max(AuditEntry.seq), 0)))).one()
    nowhere = StoreAddress(endpoint="http://127.0.0.1:9", bucket="none", access_key="none", secret_key="none")
    sealer = Sealer(sessions, S3ObjectStore(nowhere), lambda: datetime.now(UTC))
    while await sealer.round():  # what the benches before have left
        pass
    stop = asyncio.Event()
    running = asyncio.ensure_future(sealer.run(stop))
    wrote = await loaded(sessions, actor, seconds)
    await asyncio.sleep(2)
    stop.set()
    await running
    times = select(AuditEntry.created_at, AuditSeal.created_at).join(AuditSeal, AuditEntry.id == AuditSeal.entry_id)
    async with sessions.tenant(actor.tenant_id) as session:
        found = (await session.execute(times.where(AuditEntry.seq > before))).all()
    assert len(found) == wrote, "everything was sealed"
    cuts = statistics.quantiles(((sealed - written).total_seconds() for written, sealed in found), n=100)
    return {
        "entries_per_second": round(wrote / seconds),
        "lag_p50_ms": round(cuts[49] * 1000),
        "lag_p99_ms": round(cuts[98] * 1000),
        "bar_lag_ms": 1000,
    }


async def loaded(sessions: Sessions, actor: Actor, seconds: float) -> int:
    """At most PER_SECOND audited transactions a second, one after the other; how many there were."""
    began, count = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < seconds:
        if count >= now * PER_SECOND:
            await asyncio.sleep(0.001)
            continue
        async with sessions.tenant(actor.tenant_id) as session:
            act = Act("edit", "task", after={"number": count})
            await audit.record(session, actor, act, now=datetime.now(UTC))
        count += 1
    return count


async def measured(url: str, seconds: float) -> dict[str, Any]:
    sessions = opened_on(engine_for(url, pool_size=4))
    actor = await a_tenant(sessions)
    async with sessions.tenant(actor.tenant_id) as session:
        await session.execute(text(STUDENTS))
    done = {
        **await writes(sessions, actor),
        **await reads(sessions, actor),
        **await lag(sessions, actor, seconds),
    }
    await sessions.engine.dispose()
    return done


def main(seconds: float) -> None:
    with own_postgres() as server:
        print(json.dumps(asyncio.run(measured(server.app_url(DATABASE), seconds))))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else LOAD_SECONDS)
