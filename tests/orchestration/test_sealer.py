"""The sealer: every entry once, in a chain without gaps; suspended tenants too; anchored out of reach."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import select, update

from deploy.local.postgres import Server
from models.audit import AuditAnchor, AuditEntry, AuditSeal, AuditUnsealed
from models.letters import StudentKey
from models.session import Session
from models.tenants import Tenant
from orchestration.sealer import Sealer
from rules.audit.chain import GENESIS
from services import audit, audit_chain
from services.audit import Act
from services.context import system
from tests.servers.kinds import Database, Store
from tests.services.seeding import NOW, Family, World

pytestmark = pytest.mark.servers


@pytest.fixture
def world(database: Database, s3: Store) -> Iterator[World]:
    world = World(database, s3)
    yield world
    world.close()


async def act(session: Session, family: Family, **change: object) -> UUID:
    actor = system(family.tenant_id, "workflow", "r")
    done = Act("edit", "student", family.student_id, family.student_id, before={}, after=change)
    return await audit.record(session, actor, done, now=NOW)


def acted(world: World, family: Family, many: int = 3) -> list[UUID]:
    async def write() -> list[UUID]:
        async with world.sessions.tenant(family.tenant_id) as session:
            return [await act(session, family, number=number) for number in range(many)]

    return world.run(write())


def sealer(world: World, days: int = 0) -> Sealer:
    return Sealer(world.sessions, world.means.store, lambda: NOW + timedelta(days=days))


def test_the_chain_has_no_gap_and_each_link_rests_on_the_one_before(world: World) -> None:
    family = world.family()
    entries = acted(world, family)
    world.run(sealer(world).round())
    seals = world.rows(family, AuditSeal)
    assert [seal.position for seal in seals] == [1, 2, 3]
    assert [seal.entry_id for seal in seals] == entries
    assert seals[0].previous_hash == GENESIS
    assert all(later.previous_hash == before.hash for before, later in pairwise(seals))
    assert world.run(sealer(world).round()) == 0


def test_a_suspended_tenants_trail_is_sealed_too(world: World) -> None:
    family = world.family()
    acted(world, family, 1)
    world.change(family, update(Tenant).where(Tenant.id == family.tenant_id).values(status="SUSPENDED"))
    world.run(sealer(world).round())
    assert len(world.rows(family, AuditSeal)) == 1


def test_of_two_sealers_at_once_each_entry_gets_one_seal(world: World) -> None:
    family = world.family()
    acted(world, family, 20)

    async def both() -> None:
        await asyncio.gather(*(sealer(world).round() for _ in range(4)))

    world.run(both())
    world.run(sealer(world).round())
    assert [seal.position for seal in world.rows(family, AuditSeal)] == list(range(1, 21))


def test_an_entry_committed_after_a_younger_one_is_sealed_after_it(world: World) -> None:
    """The older number comes late: a chain that went by numbers would have passed it over."""
    family = world.family()
    acted(world, family, 1)  # makes the key, which the two would otherwise wait for

    async def crossed() -> tuple[UUID, UUID]:
        async with world.sessions.tenant(family.tenant_id) as slow:
            late = await act(slow, family, slow=True)
            async with world.sessions.tenant(family.tenant_id) as quick:
                early = await act(quick, family, quick=True)
            await sealer(world).round()
        await sealer(world).round()
        return early, late

    early, late = world.run(crossed())
    assert [seal.entry_id for seal in world.rows(family, AuditSeal)][1:] == [early, late]


def test_work_that_is_rolled_back_leaves_neither_entry_nor_queue(world: World) -> None:
    family = world.family()

    async def failed() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            await act(session, family, number=1)
            raise ValueError("the command fails")

    with pytest.raises(ValueError, match="fails"):
        world.run(failed())
    written = acted(world, family, 1)  # the key made by the failed work is gone: it is made anew
    assert len(world.rows(family, StudentKey)) == 1
    world.run(sealer(world).round())
    assert [seal.entry_id for seal in world.rows(family, AuditSeal)] == written


def test_a_destroyed_key_is_neither_used_from_memory_nor_made_again(world: World) -> None:
    family = world.family()
    acted(world, family, 1)
    world.change(family, update(StudentKey).values(wrapped_key=None, destroyed_at=NOW))
    (after,) = acted(world, family, 1)
    (entry,) = [row for row in world.rows(family, AuditEntry) if row.id == after]
    assert entry.detail_id is None
    assert list(entry.fields) == ["number"]
    assert [key.wrapped_key for key in world.rows(family, StudentKey)] == [None]
    world.run(sealer(world).round())
    assert len(world.rows(family, AuditSeal)) == 2


def test_the_chain_is_anchored_once_a_day_with_every_hash(world: World) -> None:
    family = world.family()
    acted(world, family, 2)
    for days in (0, 0, 1, 1):
        acted(world, family, 1)
        world.run(sealer(world, days).round())
        world.run(sealer(world, days).anchor_all())
    anchors = world.rows(family, AuditAnchor)
    assert [(one.number, one.first_position, one.last_position) for one in anchors] == [(1, 1, 3), (2, 4, 5)]
    hashes = [seal.hash for seal in world.rows(family, AuditSeal)]
    stored = [world.run(audit_chain.fetched(world.means.store, family.tenant_id, number)) for number in (1, 2, 3)]
    assert [one and one.hashes for one in stored] == [tuple(hashes[:3]), tuple(hashes[3:5]), None]
    assert stored[1]
    assert stored[1].previous == hashes[2]


def test_an_anchor_whose_writer_died_before_noting_it_is_taken_over(
    world: World, postgres: Server, database: Database
) -> None:
    family = world.family()
    acted(world, family, 1)
    world.run(sealer(world).round())
    world.run(sealer(world).anchor_all())
    forget_anchors(postgres, database)
    acted(world, family, 1)
    world.run(sealer(world).round())
    world.run(sealer(world).anchor_all())
    assert [(one.number, one.last_position) for one in world.rows(family, AuditAnchor)] == [(1, 1)]


def forget_anchors(postgres: Server, database: Database) -> None:
    """What only a superuser can do: the tables refuse everybody else."""
    with psycopg.connect(postgres.dsn(database.name), autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("delete from audit_anchor")


def test_nothing_waits_once_it_is_sealed(world: World) -> None:
    family = world.family()
    acted(world, family, 2)

    async def waiting() -> int:
        async with world.sessions.tenant(family.tenant_id) as session:
            return len((await session.scalars(select(AuditUnsealed.seq))).all())

    assert world.run(waiting()) == 2
    world.run(sealer(world).round())
    assert world.run(waiting()) == 0
