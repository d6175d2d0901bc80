"""kill -9 of a sealer in the middle of its work: the next one goes on, and the chain has neither gap nor fork."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select

from models.audit import AuditSeal, AuditUnsealed
from orchestration.sealer import Sealer
from services import audit, audit_chain
from services.audit import Act
from services.audit_verification import verified
from services.context import system
from tests.servers.kinds import Database, Store
from tests.services.seeding import NOW, Family, World

pytestmark = pytest.mark.servers
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0
MANY = 3 * audit_chain.AT_ONCE + 7
WAITS = "select count(*) from pg_locks where relation = 'audit_seal'::regclass and not granted"


@pytest.fixture
def world(database: Database, s3: Store) -> Iterator[World]:
    world = World(database, s3)
    yield world
    world.close()


def acted(world: World, family: Family, many: int) -> None:
    async def write() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            for _ in range(many):
                act = Act("edit", "student", family.student_id, family.student_id)
                await audit.record(session, system(family.tenant_id, "workflow", "r"), act, now=NOW)

    world.run(write())


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)


@contextmanager
def a_sealer(database: Database) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.orchestration.sealing", database.app_url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        yield process
        if process.poll() is None:
            process.kill()


def kill_9(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL, "it was killed, it had not ended"


def counted(world: World, family: Family, table: type[AuditSeal] | type[AuditUnsealed]) -> int:
    async def count() -> int:
        async with world.sessions.tenant(family.tenant_id) as session:
            return (await session.scalars(select(func.count()).select_from(table))).one()

    return world.run(count())


def gapless(world: World, family: Family, many: int) -> None:
    """Another sealer does the rest; what it leaves is one chain over every entry."""
    sealer = Sealer(world.sessions, world.means.store, lambda: NOW)

    def done() -> bool:
        world.run(sealer.round())  # 0 while the server has not yet noticed that the other one is dead
        return counted(world, family, AuditUnsealed) == 0

    until(done, "everything is sealed")
    seals = sorted(world.rows(family, AuditSeal), key=lambda seal: seal.position)
    assert [seal.position for seal in seals] == list(range(1, many + 1))
    assert len({seal.entry_id for seal in seals}) == many
    assert all(later.previous_hash == before.hash for before, later in pairwise(seals))
    report = world.run(verified(world.sessions, world.means.store, family.tenant_id))
    assert (report.whole, report.checked, report.unsealed) == (True, many, 0)


def test_killed_between_taking_the_entries_and_writing_their_seals(world: World, database: Database) -> None:
    """A lock on the seals holds the sealer inside its transaction: the queue is taken, nothing is sealed."""
    family = world.family()
    acted(world, family, 20)
    with psycopg.connect(database.owner_dsn) as held, psycopg.connect(database.owner_dsn, autocommit=True) as looking:
        held.execute("lock table audit_seal in share mode")
        with a_sealer(database) as process:
            until(lambda: looking.execute(WAITS).fetchone() == (1,), "the sealer waits with the entries in its hands")
            kill_9(process)
        held.rollback()
    gapless(world, family, 20)


def test_killed_somewhere_in_a_long_queue(world: World, database: Database) -> None:
    family = world.family()
    acted(world, family, MANY)
    with a_sealer(database) as process:
        until(lambda: counted(world, family, AuditSeal) > 0, "the first seals are written")
        kill_9(process)
    gapless(world, family, MANY)
