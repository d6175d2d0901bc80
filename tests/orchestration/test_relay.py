"""The relay against a real PostgreSQL: order, gapless positions, outages, rows nobody can carry."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import update
from temporalio.service import RPCError, RPCStatusCode

from models.instances import Instance
from models.queries import outbox
from models.queries.outbox import Parcel
from models.session import Sessions, engine_for
from orchestration.relay import BEGIN_AT_ONCE, BEGIN_WITHIN, Relay, Undeliverable
from services.outbox import enqueue
from tests.keys import opened_on
from tests.servers.kinds import Database
from tests.services.seeding import World, grace

pytestmark = pytest.mark.servers
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Carrying:
    """A receiver that remembers what reached it and can be away, or refuse, by subject."""

    def __init__(self) -> None:
        self.got: list[tuple[str, int]] = []
        self.away = False
        self.refused: set[str] = set()

    async def __call__(self, tenant_id: UUID, parcel: Parcel) -> None:
        if self.away:
            raise RPCError("connection refused", RPCStatusCode.UNAVAILABLE, b"")
        if parcel.subject in self.refused:
            raise Undeliverable("no such case")
        self.got.append((parcel.subject, parcel.payload["n"]))


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def a_tenant(database: Database) -> UUID:
    with psycopg.connect(database.owner_dsn) as connection:
        made = connection.execute(
            "insert into tenant (key, name) values (%s, 'T') returning id", [uuid4().hex]
        ).fetchone()
    assert made
    tenant_id: UUID = made[0]
    return tenant_id


def relayed(database: Database, story: Callable[[Sessions, UUID], Awaitable[None]]) -> None:
    async def tell() -> None:
        engine = engine_for(database.app_url)
        try:
            await story(opened_on(engine), a_tenant(database))
        finally:
            await engine.dispose()

    asyncio.run(tell())


async def put(sessions: Sessions, tenant: UUID, subject: str, n: int, kind: str = "instance.signal") -> None:
    async with sessions.tenant(tenant) as session:
        await enqueue(session, kind, subject, {"n": n})


async def states(sessions: Sessions, tenant: UUID) -> tuple[int, datetime | None]:
    async with sessions.tenant(tenant) as session:
        return await outbox.lag(session)


async def drained(relay: Relay) -> None:
    while await relay.round():
        pass


def test_rows_of_one_subject_arrive_in_order_and_once(database: Database) -> None:
    async def story(sessions: Sessions, tenant: UUID) -> None:
        carrying = Carrying()
        for n in range(5):
            await put(sessions, tenant, "a", n)
            await put(sessions, tenant, "b", n)
        await drained(Relay(sessions, {"instance.signal": carrying}, Clock()))
        for subject in ("a", "b"):
            assert [n for s, n in carrying.got if s == subject] == [0, 1, 2, 3, 4]
        assert await states(sessions, tenant) == (0, None)

    relayed(database, story)


def test_while_the_receiver_is_away_rows_wait_and_flow_later_in_order(database: Database) -> None:
    async def story(sessions: Sessions, tenant: UUID) -> None:
        carrying, clock = Carrying(), Clock()
        relay = Relay(sessions, {"instance.signal": carrying}, clock)
        for n in range(3):
            await put(sessions, tenant, "a", n)
        carrying.away = True
        await relay.round()
        assert carrying.got == []
        assert (await states(sessions, tenant))[0] == 3
        carrying.away = False
        clock.now += timedelta(minutes=2)
        await drained(relay)
        assert carrying.got == [("a", 0), ("a", 1), ("a", 2)]

    relayed(database, story)


def test_a_row_nobody_can_carry_is_set_aside_and_blocks_nothing(database: Database) -> None:
    async def story(sessions: Sessions, tenant: UUID) -> None:
        carrying = Carrying()
        carrying.refused.add("closed")
        await put(sessions, tenant, "closed", 0)
        await put(sessions, tenant, "open", 1)
        await drained(Relay(sessions, {"instance.signal": carrying}, Clock()))
        assert carrying.got == [("open", 1)]
        assert await states(sessions, tenant) == (0, None)

    relayed(database, story)


def test_a_relay_that_died_after_handing_over_hands_over_again_after_its_lease(database: Database) -> None:
    async def story(sessions: Sessions, tenant: UUID) -> None:
        clock, carrying = Clock(), Carrying()
        await put(sessions, tenant, "a", 0)
        async with sessions.tenant(tenant) as session:  # the first relay: claims, hands over, dies before it says so
            await outbox.number_rows(session, tenant)
            assert len(await outbox.claim(session, tenant, now=clock.now)) == 1
        second = Relay(sessions, {"instance.signal": carrying}, clock)
        await drained(second)
        assert carrying.got == []
        clock.now += outbox.LEASE + timedelta(seconds=1)
        await drained(second)
        assert carrying.got == [("a", 0)]

    relayed(database, story)


def test_positions_are_gapless_although_writers_race_and_some_roll_back(database: Database) -> None:
    async def story(sessions: Sessions, tenant: UUID) -> None:
        async def writer(n: int) -> None:
            async with sessions.tenant(tenant) as session:
                await enqueue(session, "instance.signal", f"s{n % 7}", {"n": n})
                if n % 5 == 0:
                    raise ConnectionAbortedError

        relays = [Relay(sessions, {"instance.signal": Carrying()}, Clock()) for _ in range(3)]
        writing = asyncio.gather(*(writer(n) for n in range(100)), return_exceptions=True)
        while not writing.done():
            await asyncio.gather(*(relay.round() for relay in relays))
        await asyncio.gather(*(relay.round() for relay in relays))
        with psycopg.connect(database.owner_dsn) as owner:
            owner.execute("select set_config('app.current_tenant', %s, true)", [str(tenant)])
            given = [row[0] for row in owner.execute("select position from outbox order by position").fetchall()]
        assert given == list(range(1, 81))

    relayed(database, story)


def test_a_night_of_new_cases_begins_a_few_at_a_time_and_holds_up_no_running_case(database: Database) -> None:
    world = World(database)
    first = world.family(grace())
    many = [first, *(world.family(grace(), tenant_id=first.tenant_id) for _ in range(BEGIN_AT_ONCE + 2))]
    ids = [str(one.instance_id) for one in many]
    carrying, clock = Carrying(), Clock()
    relay = Relay(world.sessions, {"instance.start": carrying, "instance.signal": carrying}, clock)

    def rest(*instances: str) -> None:
        world.change(first, update(Instance).where(Instance.id.in_(instances)).values(phase="AWAITING_APPROVAL"))

    def ours() -> list[str]:
        return [subject for subject, _ in carrying.got if subject in {"runs", *ids}]

    async def story() -> None:
        for n, instance_id in enumerate(ids):
            await put(world.sessions, first.tenant_id, instance_id, n, "instance.start")
        await put(world.sessions, first.tenant_id, "runs", 0)
        await drained(relay)

    world.change(first, update(Instance).values(phase="EVALUATING"))
    world.run(story())
    assert ours() == ["runs", *ids[:BEGIN_AT_ONCE]], "word for a case that runs goes first"
    rest(ids[3])
    world.run(drained(relay))
    assert ours() == ["runs", *ids[: BEGIN_AT_ONCE + 1]]
    clock.now += BEGIN_WITHIN + timedelta(seconds=1)
    world.run(drained(relay))
    assert ours() == ["runs", *ids], "one that never rests holds nobody up for ever"
    world.close()
