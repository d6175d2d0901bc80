"""Speaks with a Kafka broker: publishes one record at a time per key, reads as one of a consumer group."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from gateways.kafka_address import KafkaAddress

MEDIA_TYPE: Final = "application/cloudevents+json; charset=utf-8"
RECORDS_AT_ONCE: Final = 100
POLL_MS: Final = 500
KAFKA_AWAY: Final = (KafkaError, OSError)
_BINARY: Final = "ce_"


@dataclass(frozen=True, slots=True)
class Record:
    """One record to be published; records of one key keep their order."""

    topic: str
    key: str
    value: bytes


class KafkaPublisher:
    """A connection that is opened when first needed; a broker that is away is an error of this call only."""

    def __init__(self, address: KafkaAddress) -> None:
        self._address = address
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()

    async def publish(self, record: Record) -> None:
        """Return when every in-sync replica has it. After an error it may be there or not: publish it again."""
        producer = await self._opened()
        headers = [("content-type", MEDIA_TYPE.encode())]
        await producer.send_and_wait(record.topic, record.value, key=record.key.encode(), headers=headers)

    async def _opened(self) -> AIOKafkaProducer:
        async with self._opening:  # many publish at once: one connects
            if self._producer is None:
                producer = AIOKafkaProducer(acks="all", **self._address.settings())
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def close(self) -> None:
        """Hang up."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.stop()


class KafkaReader:
    """Reads topics as one of a group; what was not `done` is read again after a restart or by another."""

    def __init__(self, address: KafkaAddress, topics: Sequence[str], group: str) -> None:
        self._address = address
        self._topics = tuple(topics)
        self._group = group
        self._consumer: AIOKafkaConsumer | None = None

    async def some(self) -> list[Any]:
        """The next records as CloudEvents in JSON (None: not one), in the order of each partition; perhaps none yet."""
        consumer = await self._opened()
        read: Mapping[TopicPartition, Sequence[Any]] = await consumer.getmany(
            timeout_ms=POLL_MS, max_records=RECORDS_AT_ONCE
        )
        return [cloud_event(record.value, record.headers) for records in read.values() for record in records]

    async def done(self) -> None:
        """Everything handed out so far has been dealt with."""
        await (await self._opened()).commit()

    async def _opened(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                *self._topics,
                group_id=self._group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                **self._address.settings(),
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer

    async def close(self) -> None:
        """Leave the group; what was not done is read again by whoever comes next."""
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await consumer.stop()


def cloud_event(value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> Any:
    """A record as a structured CloudEvent, in either mode of the Kafka binding; None: not one."""
    try:
        said = json.loads(value or b"")
        attributes = {name[len(_BINARY) :]: text.decode() for name, text in headers if name.startswith(_BINARY)}
    except (ValueError, RecursionError):  # no JSON, or parts within parts without end
        return None
    return {**attributes, "data": said} if attributes else said
