"""The nightly schedules on a real server: made for each tenant and zone, mended, paused with the tenant; they fire."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from models.people import School
from models.tenants import Tenant
from orchestration.carriers import NIGHTLY
from orchestration.codec import EncryptedPayloads, data_converter
from orchestration.schedules import EARLY, ensure_schedules
from tests.servers.kinds import Database, TemporalDev
from tests.services.seeding import Family, World
from workflows import identity

pytestmark = pytest.mark.servers
CODEC = EncryptedPayloads({"test": b"k" * 32}, "test")


class Clockwork:
    """One tenant's schedules, ensured as the worker ensures them."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client = world, client
        self.family: Family = world.family()

    def ensure(self) -> int:
        return self.world.run(ensure_schedules(self.world.sessions, self.client))

    def handle(self, zone: str) -> ScheduleHandle:
        return self.client.get_schedule_handle(identity.nightly_id(self.family.tenant_id, zone))

    def seen(self, zone: str) -> ScheduleDescription:
        return self.world.run(self.handle(zone).describe())

    def until(self, zone: str, true: Callable[[ScheduleDescription], bool]) -> ScheduleDescription:
        """A schedule carries a change out a moment after it was told."""

        async def wait() -> ScheduleDescription:
            async with asyncio.timeout(60):
                while not true(found := await self.handle(zone).describe()):  # noqa: ASYNC110 - nothing tells us
                    await asyncio.sleep(0.05)
            return found

        return self.world.run(wait())

    def tenant_is(self, status: str) -> None:
        async def write() -> None:
            async with self.world.sessions.untenanted() as session:
                await session.execute(update(Tenant).where(Tenant.id == self.family.tenant_id).values(status=status))

        self.world.run(write())

    def told(self, work: Awaitable[object]) -> None:
        async def wait() -> None:
            await work

        self.world.run(wait())


@pytest.fixture
def clockwork(database: Database, temporal_dev: TemporalDev) -> Iterator[Clockwork]:
    world = World(database)
    one = Clockwork(world, world.run(temporal_dev.client(data_converter=data_converter(CODEC))))
    one.ensure()
    yield one
    one.tenant_is("SUSPENDED")
    one.ensure()
    world.close()


DUBLIN, MADRID = "Europe/Dublin", "Europe/Madrid"


def test_each_zone_of_a_tenant_has_its_schedule_and_a_second_look_touches_nothing(clockwork: Clockwork) -> None:
    family = clockwork.family
    clockwork.world.change(family, update(School).values(timezone=DUBLIN))
    assert clockwork.ensure() in {0, 1}  # the family's school may have been there already
    clockwork.world.change(family, update(School).values(timezone=MADRID))
    assert clockwork.ensure() == 1
    assert clockwork.ensure() == 0
    coming = clockwork.until(MADRID, lambda found: len(found.info.next_action_times) > 1).info.next_action_times
    hours = {at.astimezone(ZoneInfo(MADRID)).hour for at in coming}
    assert hours == {4, 19}


def test_a_schedule_of_an_older_version_is_mended(clockwork: Clockwork) -> None:
    clockwork.world.change(clockwork.family, update(School).values(timezone=DUBLIN))
    clockwork.ensure()

    def only_early(seen: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule = seen.description.schedule
        return ScheduleUpdate(replace(schedule, spec=replace(schedule.spec, calendars=[EARLY])))

    clockwork.told(clockwork.handle(DUBLIN).update(only_early))
    clockwork.until(DUBLIN, lambda found: len(found.schedule.spec.calendars) == 1)
    assert clockwork.ensure() == 1
    clockwork.until(DUBLIN, lambda found: len(found.schedule.spec.calendars) == 2)


def test_a_suspended_tenant_is_not_evaluated_until_it_is_active_again(clockwork: Clockwork) -> None:
    clockwork.world.change(clockwork.family, update(School).values(timezone=DUBLIN))
    clockwork.ensure()
    clockwork.tenant_is("SUSPENDED")
    assert clockwork.ensure() == 1
    clockwork.until(DUBLIN, lambda found: found.schedule.state.paused)
    clockwork.tenant_is("ACTIVE")
    assert clockwork.ensure() == 1
    clockwork.until(DUBLIN, lambda found: not found.schedule.state.paused)


def test_a_schedule_that_a_person_paused_stays_paused(clockwork: Clockwork) -> None:
    clockwork.world.change(clockwork.family, update(School).values(timezone=DUBLIN))
    clockwork.ensure()
    clockwork.told(clockwork.handle(DUBLIN).pause(note="the feed is wrong"))
    clockwork.until(DUBLIN, lambda found: found.schedule.state.paused)
    assert clockwork.ensure() == 0
    assert clockwork.seen(DUBLIN).schedule.state.note == "the feed is wrong"


def test_it_fires_the_nightly_pass_of_its_tenant_and_zone(clockwork: Clockwork) -> None:
    clockwork.world.change(clockwork.family, update(School).values(timezone=DUBLIN))
    clockwork.ensure()
    clockwork.told(clockwork.handle(DUBLIN).trigger())
    fired = clockwork.until(DUBLIN, lambda found: bool(found.info.recent_actions)).info.recent_actions[0].action
    assert isinstance(fired, ScheduleActionExecutionStartWorkflow)
    begun = clockwork.client.get_workflow_handle(fired.workflow_id)
    running = clockwork.world.run(begun.describe())
    clockwork.world.run(begun.terminate())
    assert running.id.startswith(identity.nightly_id(clockwork.family.tenant_id, DUBLIN))
    assert (running.workflow_type, running.task_queue) == (NIGHTLY, identity.TASK_QUEUE)
