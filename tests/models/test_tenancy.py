"""No row ever crosses from one tenant to another, whatever happens on the pooled connections."""

import asyncio
import random
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from models.base import Base
from models.people import Person, RoleAssignment, School
from models.session import Sessions, engine_for
from models.tables import tenant_tables
from models.tenants import Tenant
from tests.servers.kinds import Database

pytestmark = pytest.mark.servers
# nothing of any family: who is served or was, and how far the installation has come
UNTENANTED = {"tenant", "tenant_tombstone", "witness"}
SEEN = select(School.tenant_id).distinct()


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


async def two_tenants(sessions: Sessions) -> tuple[UUID, UUID]:
    tenants = []
    for _ in range(2):
        async with sessions.untenanted() as session:
            tenant = Tenant(key=str(uuid4()), name="A district")
            session.add(tenant)
            await session.flush()
            tenants.append(tenant.id)
        async with sessions.tenant(tenants[-1]) as session:
            session.add_all(School(source_id=f"S{n}", name="A school", code_set="UK") for n in range(5))
    return tenants[0], tenants[1]


def test_a_tenant_sees_its_own_rows_and_no_others(database: Database, runner: asyncio.Runner) -> None:
    async def story() -> None:
        engine = engine_for(database.app_url)
        sessions = Sessions(engine)
        ours, _theirs = await two_tenants(sessions)
        async with sessions.tenant(ours) as session:
            assert (await session.scalars(SEEN)).all() == [ours]
            assert await session.scalar(select(func.count()).select_from(School)) == 5
        await engine.dispose()

    runner.run(story())


def test_without_a_tenant_there_is_nothing_to_see(database: Database, runner: asyncio.Runner) -> None:
    async def story() -> None:
        engine = engine_for(database.app_url, pool_size=1)
        sessions = Sessions(engine)
        await two_tenants(sessions)  # leaves '' behind on the only connection
        async with sessions.untenanted() as session:
            assert (await session.scalars(SEEN)).all() == []
        await engine.dispose()

    runner.run(story())


@pytest.mark.parametrize("bound", [True, False], ids=["from another tenant", "without a tenant"])
def test_a_row_of_another_tenant_is_refused(database: Database, runner: asyncio.Runner, *, bound: bool) -> None:
    async def story() -> None:
        engine = engine_for(database.app_url)
        sessions = Sessions(engine)
        ours, theirs = await two_tenants(sessions)
        unit = sessions.tenant(ours) if bound else sessions.untenanted()
        with pytest.raises(DBAPIError, match="row-level security"):
            async with unit as session:
                session.add(School(tenant_id=theirs, source_id="X", name="A school", code_set="UK"))
        await engine.dispose()

    runner.run(story())


class Hammer:
    """40 tasks on a small pool, two tenants and none, with errors and cancellations; counts what crossed."""

    def __init__(self, engine: AsyncEngine, tenants: tuple[UUID, UUID]) -> None:
        self.sessions, self.tenants = Sessions(engine), tenants
        self.checked = self.cancelled = self.failed = self.leaks = 0

    async def run(self) -> None:
        await asyncio.gather(*[self._task(random.Random(number)) for number in range(40)])

    async def _task(self, dice: random.Random) -> None:
        for _ in range(30):
            tenant = dice.choice([*self.tenants, None])
            try:
                seen = await asyncio.wait_for(self._unit(tenant, dice), timeout=dice.choice([0.004, 30, 30, 30]))
            except TimeoutError:
                self.cancelled += 1
            except DataError:  # the division by zero below
                self.failed += 1
            else:
                self.checked += 1
                self.leaks += seen != ({tenant} if tenant else set())

    async def _unit(self, tenant: UUID | None, dice: random.Random) -> set[UUID]:
        async with self.sessions.tenant(tenant) if tenant else self.sessions.untenanted() as session:
            seen = set((await session.scalars(SEEN)).all())
            if dice.random() < 0.2:
                await session.execute(text("select pg_sleep(0.005)"))
            if dice.random() < 0.1:
                await session.execute(text("select 1/0"))
            return seen


def test_forty_tasks_on_a_small_pool_never_see_another_tenant(database: Database, runner: asyncio.Runner) -> None:
    async def story() -> None:
        engine = engine_for(database.app_url, pool_size=4)
        hammer = Hammer(engine, await two_tenants(Sessions(engine)))
        await hammer.run()
        await engine.dispose()
        assert hammer.checked > 400
        assert hammer.cancelled
        assert hammer.failed
        assert hammer.leaks == 0

    runner.run(story())


def test_the_control_leaks_so_the_hammer_is_not_blind(database: Database, runner: asyncio.Runner) -> None:
    async def story() -> None:
        engine = engine_for(database.app_url, pool_size=4)
        ours, theirs = await two_tenants(Sessions(engine))
        await engine.dispose()

        @event.listens_for(engine.sync_engine, "connect")  # also for those that take a cancelled one's place
        def outlive_the_transaction(connection: Any, _record: object) -> None:
            with connection.cursor() as cursor:
                cursor.execute("select set_config('app.current_tenant', %s, false)", (str(theirs),))
            connection.commit()

        hammer = Hammer(engine, (ours, theirs))
        await hammer.run()
        await engine.dispose()
        assert hammer.leaks

    runner.run(story())


def test_every_tenant_table_forces_row_level_security(database: Database, runner: asyncio.Runner) -> None:
    async def story() -> None:
        engine = engine_for(database.app_url)
        async with engine.connect() as connection:
            forced = text("select relname from pg_class where relrowsecurity and relforcerowsecurity")
            protected = set((await connection.execute(forced)).scalars())
            roles = text("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
            assert (await connection.execute(roles)).scalar() is False
        await engine.dispose()
        assert {table.name for table in tenant_tables()} <= protected
        assert {t for t in Base.metadata.tables if "tenant_id" not in Base.metadata.tables[t].columns} == UNTENANTED

    runner.run(story())


def test_the_partitions_of_a_year_are_made_protected_and_closed_to_direct_reads(
    database: Database, runner: asyncio.Runner
) -> None:
    async def story() -> None:
        engine = engine_for(database.app_url)
        async with engine.begin() as connection:
            assert await connection.scalar(text("select ensure_year_partitions(date '2031-07-31')")) == "2030"
            assert await connection.scalar(text("select ensure_year_partitions(date '2030-08-01')")) == "2030"
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match="permission denied"):
                await connection.execute(text("select * from mark_y2030"))
        await engine.dispose()

    runner.run(story())


def test_a_role_for_people_from_outside_without_an_end_cannot_be_stored(
    database: Database, runner: asyncio.Runner
) -> None:
    async def story() -> None:
        engine = engine_for(database.app_url)
        sessions = Sessions(engine)
        ours, _ = await two_tenants(sessions)

        async def hired(role: str, ends_on: date | None) -> None:
            async with sessions.tenant(ours) as session:
                person = Person(subject=f"{role} {ends_on}", display_name="Somebody")
                session.add(person)
                await session.flush()
                session.add(RoleAssignment(person_id=person.id, role=role, ends_on=ends_on))

        await hired("teacher", None)
        await hired("external", date(2027, 1, 15))
        with pytest.raises(DBAPIError, match="external_ends"):
            await hired("external", None)
        await engine.dispose()

    runner.run(story())
