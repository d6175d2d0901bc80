"""Carries events to Kafka and from it while the worker runs: nothing lost, the order per subject kept.

Out: of a page every subject's first event goes out and is acknowledged by the broker before its second is sent, and the
cursor moves when the page is through. After a failure the page is carried again: an event may come twice, never late.
In: the offset is committed after the events were taken in; events known already by source and id change nothing.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final
from uuid import UUID, uuid4

from prometheus_client import CollectorRegistry, Counter

from gateways.kafka import KAFKA_AWAY, KafkaPublisher, KafkaReader, Record
from models.queries import event_cursors, event_feed
from models.queries.event_cursors import Holder
from models.queries.event_feed import Published
from models.queries.outbox import active_tenants
from models.session import DATABASE_AWAY, NEVER_STORED, Sessions
from rules.bounds import storable
from rules.events.catalogue import BY_TYPE
from rules.ids import TenantId
from services import events, inbound, tenants
from services.context import system
from services.inbound import Arrival

log = logging.getLogger("handrail.kafka")
PAGE: Final = 200
IDLE_SECONDS: Final = 0.25
AGAIN_SECONDS: Final = 2.0
TENANT: Final = "tenantkey"  # the extension attribute that names the tenant of an inbound record
# What a record can do to us that trying again does not mend. Anything else stops the reading, and nothing is lost.
POISON: Final = (*NEVER_STORED, UnicodeError, OverflowError, RecursionError)
Clock = Callable[[], datetime]


class KafkaMetrics:
    """What was published, and what became of what was read."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.published = Counter("handrail_kafka_published", "Records published.", ("topic",), registry=registry)
        self.received = Counter("handrail_kafka_received", "Records read by result.", ("result",), registry=registry)


class KafkaOutlet:
    """Publishes every active tenant's events; any number may run, one at a time carries a tenant's."""

    def __init__(self, sessions: Sessions, publisher: KafkaPublisher, clock: Clock, metrics: KafkaMetrics) -> None:
        self._sessions = sessions
        self._publisher = publisher
        self._clock = clock
        self._metrics = metrics
        self._holder = Holder("kafka", uuid4())

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until told to stop; a broker or database that is away is waited for."""
        while not stop.is_set():
            try:
                carried = await self.round()
            except (*KAFKA_AWAY, *DATABASE_AWAY) as away:
                log.warning("kafka waits: %s", type(away).__name__)
                await self._publisher.close()
                await _pause(stop, AGAIN_SECONDS)
                continue
            if not carried:
                await _pause(stop, IDLE_SECONDS)
        await self._publisher.close()

    async def round(self) -> int:
        """One page of every tenant; how many events were published."""
        async with self._sessions.untenanted() as session:
            everybody = await active_tenants(session)
        return sum([await self._page(tenant_id) for tenant_id in everybody])

    async def _page(self, tenant_id: UUID) -> int:
        async with self._sessions.tenant(tenant_id) as session:
            after = await event_cursors.take(session, self._holder, now=self._clock())
            page = [] if after is None else await event_feed.after(session, after, (), PAGE)
        if not page:
            return 0
        for wave in waves(page):
            await asyncio.gather(*(self._publish(tenant_id, event) for event in wave))
        async with self._sessions.tenant(tenant_id) as session:
            await event_cursors.advance(session, self._holder, page[-1].position, now=self._clock())
        return len(page)

    async def _publish(self, tenant_id: UUID, event: Published) -> None:
        """The key keeps a subject's events in one partition, and those of two tenants apart."""
        for topic in BY_TYPE[event.type].topics:
            key = f"{tenant_id}/{event.subject}"
            await self._publisher.publish(Record(topic, key, events.written(tenant_id, event)))
            self._metrics.published.labels(topic).inc()


def waves(page: Sequence[Published]) -> Iterator[list[Published]]:
    """The first event of every subject, then the second of each, and so on."""
    subjects: dict[str, list[Published]] = defaultdict(list)
    for event in page:
        subjects[event.subject].append(event)
    for wave in zip_longest(*subjects.values()):
        yield [event for event in wave if event is not None]


class KafkaInlet:
    """Takes in what other systems publish, by the same door as the API."""

    def __init__(self, sessions: Sessions, reader: KafkaReader, clock: Clock, metrics: KafkaMetrics) -> None:
        self._sessions = sessions
        self._reader = reader
        self._clock = clock
        self._metrics = metrics

    async def run(self, stop: asyncio.Event) -> None:
        """Read until told to stop; what could not be taken in for want of the database is read again."""
        while not stop.is_set():
            try:
                await self.round()
            except (*KAFKA_AWAY, *DATABASE_AWAY) as away:
                log.warning("kafka inlet waits: %s", type(away).__name__)
                await self._reader.close()  # reads again from what was last done
                await _pause(stop, AGAIN_SECONDS)
        await self._reader.close()

    async def round(self) -> int:
        """Take in some records; how many were read."""
        read = await self._reader.some()
        for key, group in by_tenant(read):
            await self._take(key, group)
        if read:
            await self._reader.done()
        return len(read)

    async def _take(self, key: str | None, sent: Sequence[Any]) -> None:
        async with self._sessions.untenanted() as session:
            tenant = None if key is None or not storable(key) else await tenants.known(session, key)
        if tenant is None:
            log.warning("kafka inlet: %s records name no tenant that is here", len(sent))
            self._metrics.received.labels("unknown_tenant").inc(len(sent))
            return
        await self._receive(TenantId(tenant.id), sent)

    async def _receive(self, tenant_id: TenantId, sent: Sequence[Any]) -> None:
        """Together; one by one if something among them cannot be dealt with, so that it stops nothing behind it."""
        try:
            async with self._sessions.tenant(tenant_id) as session:
                actor = system(tenant_id, "relay", f"kafka-{uuid4()}")
                verdicts = await inbound.receive(session, actor, sent, Arrival("kafka", self._clock()))
        except POISON as fault:
            if len(sent) > 1:
                for one in sent:
                    await self._receive(tenant_id, [one])
                return
            log.error("kafka inlet: a record was left, %s", type(fault).__name__)  # noqa: TRY400 - its text may tell
            self._metrics.received.labels("failed").inc()
            return
        for verdict in verdicts:
            self._metrics.received.labels(verdict.result.value).inc()


def by_tenant(read: Sequence[Any]) -> list[tuple[str | None, list[Any]]]:
    """The records of each tenant, in their order; None stands for those that name none."""
    groups: dict[str | None, list[Any]] = defaultdict(list)
    for record in read:
        named = record.get(TENANT) if isinstance(record, dict) else None
        groups[named if isinstance(named, str) else None].append(record)
    return list(groups.items())


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
