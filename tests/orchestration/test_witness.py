"""The witness against real servers: whichever of the two is set back is found out, and holds what would leave."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update
from temporalio.client import Client, ScheduleUpdate, ScheduleUpdateInput

from models.audit import AuditEntry
from models.instances import Instance
from models.reliability import Outbox
from models.restores import Witness as Row
from models.tenants import Tenant
from orchestration.witness import BEAT_EVERY, Witness
from rules.errors import Conflict
from services import restores
from services.context import system
from services.entitlement import sending_on
from services.restores import Cause, HoldKind, ReleaseClass
from tests.servers.kinds import Database, TemporalDev
from tests.services.seeding import NOW, Family, World

pytestmark = pytest.mark.servers


class Pair:
    """A database and Temporal that remember the same beats, and ways to set one of them back."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client = world, client

    def look(self) -> Cause | None:
        """One look, a beat later."""
        row = self.row()
        then = row.beaten_at + BEAT_EVERY if row else datetime.now(UTC)
        return self.world.run(Witness(self.world.sessions, self.client, lambda: then).look())

    def row(self) -> Row | None:
        async def read() -> Row | None:
            async with self.world.sessions.untenanted() as session:
                return (await session.scalars(select(Row))).one_or_none()

        return self.world.run(read())

    @property
    def beaten(self) -> Row:
        """The row, which the first look made."""
        row = self.row()
        assert row is not None
        return row

    def change(self, statement: Any) -> None:
        async def write() -> None:
            async with self.world.sessions.untenanted() as session:
                await session.execute(statement)

        self.world.run(write())

    def temporal_says(self, beat: int) -> None:
        """As if Temporal's own store had been put back, or an update had arrived without its answer."""
        handle = self.client.get_schedule_handle(f"handrail-witness:{self.beaten.installation}")

        def noted(seen: ScheduleUpdateInput) -> ScheduleUpdate:
            seen.description.schedule.state.note = str(beat)
            return ScheduleUpdate(seen.description.schedule)

        async def write() -> None:
            await handle.update(noted)
            async with asyncio.timeout(30):
                while (await handle.describe()).schedule.state.note != str(beat):  # noqa: ASYNC110 - it takes a moment
                    await asyncio.sleep(0.05)

        self.world.run(write())

    def flows(self, family: Family) -> bool:
        async def read() -> bool:
            async with self.world.sessions.tenant(family.tenant_id) as session:
                return await sending_on(session, family.school_id, "EMAIL")

        return self.world.run(read())

    def release(self, family: Family, kind: HoldKind) -> int:
        async def write() -> int:
            async with self.world.sessions.tenant(family.tenant_id) as session:
                actor = system(family.tenant_id, "cli", "test")
                return await restores.release(session, actor, ReleaseClass(kind, 0, "looked at"), now=NOW)

        return self.world.run(write())


@pytest.fixture
def pair(database: Database, temporal_dev: TemporalDev) -> Iterator[Pair]:
    """Tied together, whatever the test before did."""
    world = World(database)
    one = Pair(world, world.run(temporal_dev.client()))
    for _ in range(3):
        one.look()
    yield one
    world.close()


def set_back_the_database(pair: Pair) -> None:
    before = pair.beaten
    assert (pair.look(), pair.look()) == (None, None)
    pair.change(update(Row).values(beat=before.beat, pending=before.pending))


def set_back_temporal(pair: Pair) -> None:
    before = pair.beaten
    assert (pair.look(), pair.look()) == (None, None)
    pair.temporal_says(before.beat)


def lose_temporal(pair: Pair) -> None:
    name = f"handrail-witness:{pair.beaten.installation}"
    pair.world.run(pair.client.get_schedule_handle(name).delete())


def test_where_nothing_was_restored_beats_go_on_and_everything_leaves(pair: Pair) -> None:
    family, before = pair.world.family(), pair.beaten.beat
    assert (pair.look(), pair.look()) == (None, None)
    assert pair.beaten.beat == before + 2
    assert pair.flows(family)


@pytest.mark.parametrize(
    ("restore", "cause"),
    [
        (set_back_the_database, Cause.DATABASE_OLDER),
        (set_back_temporal, Cause.TEMPORAL_OLDER),
        (lose_temporal, Cause.TEMPORAL_OLDER),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_restore_holds_every_tenant_once_and_says_which_is_older(
    pair: Pair, restore: Callable[[Pair], None], cause: Cause
) -> None:
    family, suspended = pair.world.family(), pair.world.family()
    pair.change(update(Tenant).where(Tenant.id == suspended.tenant_id).values(status="SUSPENDED"))
    restore(pair)
    assert pair.look() is cause
    assert (pair.flows(family), pair.flows(suspended)) == (False, False)
    assert pair.look() is None
    entries = pair.world.rows(family, AuditEntry, AuditEntry.verb == "hold_after_restore")
    assert [entry.reason is not None for entry in entries] == [True]


@pytest.mark.parametrize("told", [False, True], ids=["announced", "told and not confirmed"])
def test_a_worker_that_died_in_the_middle_of_a_beat_is_no_restore(pair: Pair, told: bool) -> None:  # noqa: FBT001 - a case
    family, next_beat = pair.world.family(), pair.beaten.beat + 1
    pair.change(update(Row).values(pending=next_beat))
    if told:
        pair.temporal_says(next_beat)
    assert pair.look() is None
    assert pair.flows(family)


def test_sending_stays_held_until_a_person_has_released_the_last_class(pair: Pair) -> None:
    family = pair.world.family()
    acting = update(Instance).where(Instance.id == family.instance_id).values(phase="ACTING")
    pair.world.change(family, acting)
    set_back_temporal(pair)
    assert pair.look() is Cause.TEMPORAL_OLDER
    for left, kind in zip((3, 2, 1, 0), HoldKind, strict=True):
        assert not pair.flows(family)
        assert pair.release(family, kind) == left
    assert pair.flows(family)
    (woken,) = pair.world.rows(family, Outbox, Outbox.kind == "instance.signal")
    assert (woken.payload["signal"], woken.payload["argument"]["on"]) == ("sending_changed", True)
    acts = pair.world.rows(family, AuditEntry, AuditEntry.verb == "release_after_restore")
    assert {act.reason for act in acts} == {"looked at"}
    assert len(acts) == len(HoldKind)


def test_a_class_that_is_not_held_is_not_released(pair: Pair) -> None:
    family = pair.world.family()
    with pytest.raises(Conflict, match="WORKFLOWS is not held"):
        pair.release(family, HoldKind.WORKFLOWS)
