"""Kafka both ways against a real broker: topics, order per subject, a broker and a reader that are killed."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from jsonschema import Draft202012Validator
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from gateways.kafka import KafkaPublisher, KafkaReader, cloud_event
from models.inbound import InboundEvent, Prediction
from models.people import School
from models.queries import outbox
from models.session import Sessions, engine_for
from models.students import Student
from models.tenants import Tenant
from orchestration.kafka import TENANT, KafkaInlet, KafkaMetrics, KafkaOutlet
from rules.events.catalogue import BY_TYPE, OF_LADDER, TIER_ESCALATED, DomainEvent, Topic
from rules.events.publishing import schema
from rules.ladder.events import EventType
from services import events, inbound
from tests.keys import opened_on
from tests.orchestration.kafka_broker import Broker
from tests.servers.kinds import Database, Store
from tests.services.told import said, tellings

pytestmark = pytest.mark.servers
COMPLETED = OF_LADDER[EventType.COMPLETED]
INBOUND = "prediction-results"


@pytest.fixture(scope="module")
def broker(s3: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(s3, Path(tmp_path_factory.mktemp("kafka")) / "broker.log").start()
    broker.topics([*Topic, INBOUND])
    yield broker
    broker.stop()


class Town:
    """One tenant that tells and is told."""

    def __init__(self, sessions: Sessions, broker: Broker, stack: AsyncExitStack) -> None:
        self.sessions = sessions
        self.broker = broker
        self.stack = stack
        self.key = uuid4().hex
        self.tenant_id = uuid4()
        self.registry = CollectorRegistry()
        self.metrics = KafkaMetrics(self.registry)
        self.group = f"group-{uuid4().hex}"
        self.topic = INBOUND

    async def found(self) -> None:
        async with self.sessions.untenanted() as session:
            tenant = Tenant(key=self.key, name="T")
            session.add(tenant)
            await session.flush()
            self.tenant_id = tenant.id
        async with self.sessions.tenant(self.tenant_id) as session:
            session.add_all([Student(source_id="S1"), School(source_id="oak", name="Oak School", code_set="UK")])

    def alone(self) -> None:
        """On a topic of its own, where every record read is one of this town's."""
        self.topic = f"inbound-{uuid4().hex}"
        self.broker.topics([self.topic], partitions=1)

    def outlet(self) -> KafkaOutlet:
        publisher = KafkaPublisher(self.broker.address)
        self.stack.push_async_callback(publisher.close)
        return KafkaOutlet(self.sessions, publisher, lambda: datetime.now(UTC), self.metrics)

    def inlet(self) -> KafkaInlet:
        reader = KafkaReader(self.broker.address, [self.topic], self.group)
        self.stack.push_async_callback(reader.close)
        return KafkaInlet(self.sessions, reader, lambda: datetime.now(UTC), self.metrics)

    async def tell(self, subject_id: UUID, event: DomainEvent = TIER_ESCALATED) -> str:
        names = [name for name, kind in event.payload.model_fields.items() if kind.annotation is UUID]
        other = {"stage_key": None if event is COMPLETED else "escalate", "occurred_at": datetime.now(UTC)}
        ladder = {"revision": 1, "stage_type": None, "actor_id": None, "actor_role": None}
        more = ladder if event is COMPLETED else {"from_tier": 1, "to_tier": 2}
        data = event.payload.model_validate({name: uuid4() for name in names} | other | more)
        async with self.sessions.tenant(self.tenant_id) as session:
            event_id = await events.emit(session, event, subject_id, data, at=datetime.now(UTC))
        async with self.sessions.tenant(self.tenant_id) as session:
            await outbox.number_rows(session, self.tenant_id)
        return str(event_id)

    async def published(self, topic: str, until: Callable[[list[Any]], bool]) -> list[Any]:
        """What this tenant published to a topic, read from its beginning until enough has come."""
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=self.broker.address.servers, auto_offset_reset="earliest", group_id=None
        )
        await consumer.start()
        mine: list[Any] = []
        try:
            while not until(mine):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    said = [(record.key.decode(), json.loads(record.value)) for record in records]
                    mine += [one for key, one in said if key.startswith(str(self.tenant_id))]
        finally:
            await consumer.stop()
        return mine

    async def send(self, *sent: tuple[bytes, list[tuple[str, bytes]]]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.broker.address.servers, acks="all")
        await producer.start()
        for value, headers in sent:
            await producer.send_and_wait(self.topic, value, key=b"S1", headers=headers)
        await producer.stop()

    async def until_received(self, inlet: KafkaInlet, many: int) -> None:
        """Rounds of the inlet until so many records of everybody were read."""
        read = 0
        while read < many:
            read += await inlet.round()

    def received(self, result: str) -> float:
        return self.registry.get_sample_value("handrail_kafka_received_total", {"result": result}) or 0

    async def rows(self, table: Any) -> list[Any]:
        async with self.sessions.tenant(self.tenant_id) as session:
            return list(await session.scalars(select(table).order_by(table.id)))


Story = Callable[[Town], Awaitable[None]]


def in_town(database: Database, broker: Broker, story: Story) -> None:
    async def tell() -> None:
        engine = engine_for(database.app_url)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            town = Town(opened_on(engine), broker, stack)
            await town.found()
            await story(town)

    asyncio.run(tell())


def test_every_event_is_published_and_an_outcome_also_as_a_conversion(database: Database, broker: Broker) -> None:
    async def story(town: Town) -> None:
        plain, outcome = await town.tell(uuid4()), await town.tell(uuid4(), COMPLETED)
        outlet = town.outlet()
        assert await outlet.round() == 2
        assert await outlet.round() == 0, "the cursor has moved"
        told = await town.published(Topic.INTERVENTIONS, lambda seen: len(seen) >= 2)
        conversions = await town.published(Topic.CONVERSIONS, lambda seen: len(seen) >= 1)
        assert {one["id"] for one in told} == {plain, outcome}
        assert [one["id"] for one in conversions] == [outcome]
        for one in told:
            assert one["source"] == f"/tenants/{town.tenant_id}"
            Draft202012Validator(schema(BY_TYPE[one["type"]])).validate(one["data"])

    in_town(database, broker, story)


def test_a_broker_that_is_killed_and_comes_back_loses_nothing_and_keeps_the_order(
    database: Database, broker: Broker
) -> None:
    async def story(town: Town) -> None:
        cases = [uuid4() for _ in range(4)]
        stop, told = asyncio.Event(), defaultdict[str, list[str]](list)
        publishing = asyncio.create_task(town.outlet().run(stop))

        async def talk(many: int) -> None:
            for _ in range(many):
                for case_id in cases:
                    told[f"cases/{case_id}"].append(await town.tell(case_id))

        await talk(5)
        await town.published(Topic.INTERVENTIONS, lambda seen: len(seen) >= 8)
        talking = asyncio.create_task(talk(5))
        await asyncio.to_thread(broker.kill)
        await talking
        await asyncio.to_thread(broker.start)
        everything = {event_id for ids in told.values() for event_id in ids}
        seen = await town.published(Topic.INTERVENTIONS, lambda read: {one["id"] for one in read} == everything)
        stop.set()
        await publishing
        for subject, ids in told.items():
            arrived = dict.fromkeys(one["id"] for one in seen if one["subject"] == subject)
            assert list(arrived) == ids

    in_town(database, broker, story)


def test_only_one_process_at_a_time_publishes_for_a_tenant(database: Database, broker: Broker) -> None:
    async def story(town: Town) -> None:
        first, second = town.outlet(), town.outlet()
        await town.tell(uuid4())
        assert await first.round() == 1
        await town.tell(uuid4())
        assert await second.round() == 0, "the first holds the cursor"
        assert await first.round() == 1

    in_town(database, broker, story)


def prediction(town: Town, score: str, **more: Any) -> dict[str, Any]:
    at = "2026-11-20T05:00:00Z"
    data = {"student_id": "S1", "model": "risk", "model_version": "1", "score": score, "predicted_at": at}
    head = {"specversion": "1.0", "id": uuid4().hex, "source": "risk-engine", "time": at, TENANT: town.key}
    return {**head, "type": "org.handrail.inbound.RiskPredicted.v1", "data": data, **more}


def structured(event: dict[str, Any]) -> tuple[bytes, list[tuple[str, bytes]]]:
    return json.dumps(event).encode(), [("content-type", b"application/cloudevents+json")]


def binary(event: dict[str, Any]) -> tuple[bytes, list[tuple[str, bytes]]]:
    head = [(f"ce_{name}", str(value).encode()) for name, value in event.items() if name != "data"]
    return json.dumps(event["data"]).encode(), [("content-type", b"application/json"), *head]


def test_both_modes_are_taken_in_once_and_what_is_refused_is_listed(database: Database, broker: Broker) -> None:
    async def story(town: Town) -> None:
        first, second = prediction(town, "0.25"), prediction(town, "0.75")
        wrong = prediction(town, "7")
        stranger = prediction(town, "0.5", **{TENANT: "nobody"})
        rubbish: tuple[bytes, list[tuple[str, bytes]]] = (b"\xff not json", [])
        await town.send(structured(first), binary(second), structured(first), structured(wrong), rubbish)
        await town.send(structured(stranger))
        await town.until_received(town.inlet(), 6)
        assert [str(row.score) for row in await town.rows(Prediction)] == ["0.75000000"]
        assert (town.received("applied"), town.received("duplicate"), town.received("refused")) == (2, 1, 1)
        assert town.received("unknown_tenant") == 2
        kept = {row.event_id: (row.status, row.via, row.code) for row in await town.rows(InboundEvent)}
        assert kept == {
            first["id"]: ("APPLIED", "kafka", None),
            second["id"]: ("APPLIED", "kafka", None),
            wrong["id"]: ("REFUSED", "kafka", "event_data_invalid"),
        }

    in_town(database, broker, story)


def test_every_type_is_taken_in_once_and_in_any_order(database: Database, broker: Broker) -> None:
    async def story(town: Town) -> None:
        town.alone()
        every = tellings("oak")
        newer, older = ([one.event(later=later, **{TENANT: town.key}) for one in every] for later in (True, False))
        await town.send(*map(structured, newer[::-1]))
        inlet = town.inlet()
        await town.until_received(inlet, len(newer))
        await town.send(*map(binary, older), *map(structured, newer))
        await town.until_received(inlet, len(older + newer))
        refused = [(row.type, row.problem) for row in await town.rows(InboundEvent) if row.status == "REFUSED"]
        assert refused == []
        unordered = sum(not one.ordered for one in every)
        assert town.received("applied") == len(every) + unordered
        assert (town.received("superseded"), town.received("duplicate")) == (len(every) - unordered, len(every))
        async with town.sessions.tenant(town.tenant_id) as session:
            for telling in every:
                assert [said(value) for value in await telling.seen(session)] == telling.kept, telling.name

    in_town(database, broker, story)


def test_a_record_that_nothing_can_be_done_with_stops_none_behind_it(
    database: Database, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken characters are refused by name; what nobody thought of (here: a fault for one id) is left, alone."""
    kept = inbound.receive

    async def receive(session: Any, actor: Any, sent: Any, arrival: Any) -> Any:
        if any(isinstance(one, dict) and one.get("id") == "unthought" for one in sent):
            raise RecursionError
        return await kept(session, actor, sent, arrival)

    async def story(town: Town) -> None:
        town.alone()
        good = prediction(town, "0.5")
        broken = [prediction(town, "0.5", id="a\0"), prediction(town, "0.5", source="\ud800"), {TENANT: "\0"}]
        deep: tuple[bytes, list[tuple[str, bytes]]] = (b"[" * 100_000, [])
        monkeypatch.setattr(inbound, "receive", receive)
        unthought = prediction(town, "0.5", id="unthought")
        await town.send(*map(structured, [*broken, unthought]), deep, structured(good))
        await town.until_received(town.inlet(), 6)
        assert {row.event_id: row.status for row in await town.rows(InboundEvent)} == {good["id"]: "APPLIED"}
        assert (town.received("refused"), town.received("failed"), town.received("unknown_tenant")) == (2, 1, 2)

    in_town(database, broker, story)


def test_a_reader_that_dies_before_it_says_done_is_followed_by_one_that_reads_again(
    database: Database, broker: Broker
) -> None:
    async def story(town: Town) -> None:
        sent = prediction(town, "0.5")
        reader = KafkaReader(broker.address, [INBOUND], town.group)
        await town.send(structured(sent))
        read: list[Any] = []
        while sent["id"] not in [one["id"] for one in read if isinstance(one, dict)]:
            read += await reader.some()
        await reader.close()  # never said done
        inlet = town.inlet()
        while not await town.rows(Prediction):
            await inlet.round()
        assert len(await town.rows(InboundEvent)) == 1

    in_town(database, broker, story)


@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff"])
def test_what_is_not_json_is_no_event(value: bytes | None) -> None:
    assert cloud_event(value, []) is None
