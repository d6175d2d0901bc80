"""Posts events to webhooks while the worker runs: in order per subject, at least once, many receivers at a time.

No transaction is open while a receiver is spoken to. Each round writes how finished tries ended and claims what is due
in one transaction per tenant; a process that dies leaves its claims to run out, and they are tried again.
"""

import asyncio
import logging
from collections import Counter as Tally
from collections import defaultdict
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateways.ports import KeyRing
from gateways.webhooks import NotPosted, WebhookPoster, signed
from models.queries import webhook_deliveries as queue
from models.queries.outbox import active_tenants
from models.queries.webhook_deliveries import ClaimLimits
from models.session import DATABASE_AWAY, Sessions
from services import webhook_deliveries
from services.webhook_deliveries import Outcome, Shipment

log = logging.getLogger("handrail.webhooks")
IDLE_SECONDS: Final = 0.2
BREATH_SECONDS: Final = 0.01  # so that answers gather and one transaction writes many
AT_ONCE: Final = 128
PER_WEBHOOK: Final = 16  # the pool looks at each of its connections for each request: few are faster than many
COUNT_SECONDS: Final = 15.0
REFUSED: Final = "refused"
UNREADABLE: Final = "secret_unreadable"  # its master key is not configured here


class Clock(Protocol):
    def __call__(self) -> datetime: ...


class WebhookMetrics:
    """Tries by result, how long after its commit an event was first tried, what waits and what is dead."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.tries = Counter("handrail_webhook_tries", "Tries by result.", ("result",), registry=registry)
        self.first_try_seconds = Histogram(
            "handrail_webhook_first_try_seconds",
            "From the event's commit to its first try.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300),
            registry=registry,
        )
        self.waiting = Gauge("handrail_webhook_waiting", "Deliveries that wait.", registry=registry)
        self.dead = Gauge("handrail_webhook_dead", "Dead letters.", registry=registry)
        self.in_flight = Gauge("handrail_webhook_in_flight", "Tries under way.", registry=registry)


class Dispatcher:
    """Any number may run: a claim is leased to one of them."""

    def __init__(
        self, sessions: Sessions, keyring: KeyRing, poster: WebhookPoster, clock: Clock, metrics: WebhookMetrics
    ) -> None:
        self._sessions = sessions
        self._keyring = keyring
        self._poster = poster
        self._clock = clock
        self._metrics = metrics
        self._trying: dict[asyncio.Task[Outcome], Shipment] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Post until told to stop, then wait for what is under way; a database that is away is waited for."""
        while not stop.is_set():
            try:
                await self.round()
            except DATABASE_AWAY as away:
                log.warning("webhooks wait: %s", type(away).__name__)
                await asyncio.sleep(IDLE_SECONDS)
            await self._until_something(stop)
        if self._trying:
            await asyncio.wait(self._trying)
        await self._settle_finished()

    async def round(self) -> int:
        """Write what has ended and begin what is due; how many tries were begun."""
        async with self._sessions.untenanted() as session:
            tenants = await active_tenants(session)
        await self._settle_finished()
        return sum([await self._begin(tenant_id) for tenant_id in tenants])

    async def idle(self) -> None:
        """Wait for every try under way and write how it ended."""
        while self._trying:
            await asyncio.wait(self._trying)
            await self._settle_finished()

    async def count(self) -> None:
        """Show what waits and what is dead, over all tenants."""
        async with self._sessions.untenanted() as session:
            tenants = await active_tenants(session)
        waiting = dead = 0
        for tenant_id in tenants:
            async with self._sessions.tenant(tenant_id) as session:
                here = await queue.standing(session)
            waiting, dead = waiting + here[0], dead + here[1]
        self._metrics.waiting.set(waiting)
        self._metrics.dead.set(dead)

    async def _begin(self, tenant_id: UUID) -> int:
        free = AT_ONCE - len(self._trying)
        if free <= 0:
            return 0
        used = Tally(shipment.claimed.webhook_id for shipment in self._trying.values())
        busy = [webhook_id for webhook_id, many in used.items() if many >= PER_WEBHOOK]
        async with self._sessions.tenant(tenant_id) as session:
            limits = ClaimLimits(many=free, each=PER_WEBHOOK, busy=busy)
            shipments = await webhook_deliveries.take(session, self._keyring, tenant_id, limits, now=self._clock())
        for shipment in shipments:
            self._trying[asyncio.create_task(self._try(shipment))] = shipment
        self._metrics.in_flight.set(len(self._trying))
        return len(shipments)

    async def _try(self, shipment: Shipment) -> Outcome:
        now = self._clock()
        if shipment.claimed.told_at is not None:
            self._metrics.first_try_seconds.observe(max(0.0, (now - shipment.claimed.told_at).total_seconds()))
        if not shipment.secrets:
            return Outcome(shipment, None, UNREADABLE)
        headers = signed(shipment.message_id, shipment.body, shipment.secrets, now)
        try:
            posted = await self._poster.post(shipment.url, headers, shipment.body)
        except NotPosted as failure:
            return Outcome(shipment, None, failure.why)
        return Outcome(shipment, posted.status, None if posted.accepted else REFUSED)

    async def _settle_finished(self) -> None:
        """Tries stay listed until they are written, so that a database that is away loses none."""
        finished: dict[UUID, list[asyncio.Task[Outcome]]] = defaultdict(list)
        for task, shipment in self._trying.items():
            if task.done():
                finished[shipment.tenant_id].append(task)
        for tenant_id, tasks in finished.items():
            async with self._sessions.tenant(tenant_id) as session:
                outcomes = [task.result() for task in tasks]
                results = await webhook_deliveries.settle(session, outcomes, now=self._clock())
            for task, result in zip(tasks, results, strict=True):
                del self._trying[task]
                self._metrics.tries.labels(result).inc()

    async def _until_something(self, stop: asyncio.Event) -> None:
        stopped = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({stopped, *self._trying}, timeout=IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
        if not stop.is_set():
            await asyncio.sleep(BREATH_SECONDS)
