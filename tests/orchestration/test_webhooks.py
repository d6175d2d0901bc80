"""Webhooks from the outbox to real receivers: order, retries, dead letters, replay, rotation, suspension."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from gateways.webhooks import Resolve, WebhookPoster, resolved
from models.queries import outbox
from models.queries.webhook_deliveries import LEASE, Stretch
from models.session import Sessions, engine_for
from models.tenants import Tenant
from models.webhooks import Webhook, WebhookDelivery
from orchestration.webhooks import Dispatcher, WebhookMetrics
from rules.events.catalogue import TIER_ESCALATED
from rules.events.payloads import TierEscalatedData
from rules.events.retrying import FEWEST, PATIENCE
from rules.ids import TenantId
from services import events, webhooks
from services.context import Actor, system
from services.webhooks import ChangeSecret, NewWebhook, Replay
from tests.keys import RING, opened_on
from tests.orchestration.receiver import Receiver
from tests.servers.kinds import Database

pytestmark = pytest.mark.servers
EVERYTHING = Stretch(0, 2**62, 1000)
Story = Callable[["Post"], Awaitable[None]]


class Post:
    """One tenant with events to tell, a clock to turn, and a dispatcher that can die."""

    def __init__(self, sessions: Sessions, stack: AsyncExitStack, resolve: Resolve = resolved) -> None:
        self.sessions = sessions
        self.stack = stack
        self.now = datetime.now(UTC)
        self.poster = WebhookPoster(resolve, loopback=resolve is resolved, seconds=20)
        self.registry = CollectorRegistry()
        self.dispatcher = self.another()
        self.tenant_id = TenantId(uuid4())
        self.numbers: dict[UUID, tuple[UUID, int]] = {}
        self.counts: dict[UUID, count[int]] = defaultdict(count)

    def another(self) -> Dispatcher:
        registry = CollectorRegistry()
        self.registry = registry
        return Dispatcher(self.sessions, RING, self.poster, lambda: self.now, WebhookMetrics(registry))

    @property
    def actor(self) -> Actor:
        return system(self.tenant_id, "cli", "test")

    async def found(self) -> None:
        async with self.sessions.untenanted() as session:
            tenant = Tenant(key=uuid4().hex, name="T")
            session.add(tenant)
            await session.flush()
            self.tenant_id = TenantId(tenant.id)

    async def receiver(self) -> Receiver:
        return await self.stack.enter_async_context(Receiver())

    async def hook(self, url: str, *types: str, loopback: bool = True) -> tuple[UUID, bytes]:
        async with self.sessions.tenant(self.tenant_id) as session:
            command = NewWebhook(url, types, loopback=loopback)
            made, secret = await webhooks.create(session, self.actor, RING, command, now=self.now)
            return made.id, secret

    async def tell(self, case_id: UUID, many: int = 1) -> list[str]:
        """So many events about a case; their ids in order."""
        ids = []
        async with self.sessions.tenant(self.tenant_id) as session:
            for _ in range(many):
                other = {name: uuid4() for name in ("escalation_id", "instance_id", "student_id", "school_id")}
                data = TierEscalatedData(
                    **other, case_id=case_id, stage_key="escalate", from_tier=1, to_tier=2, occurred_at=self.now
                )
                event_id = await events.emit(session, TIER_ESCALATED, case_id, data, at=self.now)
                self.numbers[event_id] = (case_id, next(self.counts[case_id]))
                ids.append(str(event_id))
        async with self.sessions.tenant(self.tenant_id) as session:
            assert await outbox.number_rows(session, self.tenant_id)
        return ids

    async def flush(self, dispatcher: Dispatcher | None = None) -> None:
        """Round after round until nothing is due now."""
        chosen = dispatcher or self.dispatcher
        while await chosen.round():
            await chosen.idle()

    async def later(self, **by: float) -> None:
        self.now += timedelta(**by)
        await self.flush()

    async def states(self) -> list[str]:
        async with self.sessions.tenant(self.tenant_id) as session:
            rows = await session.scalars(select(WebhookDelivery.status).order_by(WebhookDelivery.position))
            return list(rows)

    async def replay(self, webhook_id: UUID, *, dead_only: bool, stretch: Stretch = EVERYTHING) -> int:
        async with self.sessions.tenant(self.tenant_id) as session:
            command = Replay(webhook_id, dead_only, stretch, "They lost it.")
            return (await webhooks.replay(session, self.actor, command, now=self.now)).events

    def order(self, received: list[str]) -> dict[UUID, list[int]]:
        """Per case the numbers of its events in the order of arrival."""
        seen: dict[UUID, list[int]] = defaultdict(list)
        for event_id in received:
            case_id, number = self.numbers[UUID(event_id)]
            seen[case_id].append(number)
        return seen


def posted(database: Database, story: Story, resolve: Resolve = resolved) -> None:
    async def tell() -> None:
        engine = engine_for(database.app_url)
        try:
            async with AsyncExitStack() as stack:
                post = Post(opened_on(engine), stack, resolve)
                stack.push_async_callback(post.poster.close)
                await post.found()
                await story(post)
        finally:
            await engine.dispose()

    asyncio.run(tell())


def test_every_webhook_gets_the_types_it_asked_for_signed_with_its_own_secret(database: Database) -> None:
    async def story(post: Post) -> None:
        everything, nothing = await post.receiver(), await post.receiver()
        _, secret = await post.hook(everything.url)
        await post.hook(nothing.url, "org.handrail.StageEntered.v1")
        told = await post.tell(uuid4(), 3)
        await post.flush()
        assert everything.accepted == told
        assert nothing.heard == []
        for request in everything.heard:
            said = Verifier(secret).verify(request.body, dict(request.headers))
            assert (said["id"], said["source"]) == (request.id, f"/tenants/{post.tenant_id}")
            with pytest.raises(WebhookVerificationError):
                Verifier(b"x" * 32).verify(request.body, dict(request.headers))
        assert await post.states() == ["DELIVERED"] * 3
        assert post.registry.get_sample_value("handrail_webhook_tries_total", {"result": "delivered"}) == 3

    posted(database, story)


def test_the_order_per_subject_holds_although_every_third_try_fails(database: Database) -> None:
    async def story(post: Post) -> None:
        receiver = await post.receiver()
        receiver.answer = lambda n, _: 503 if n % 3 == 0 else 204
        await post.hook(receiver.url)
        cases = [uuid4() for _ in range(4)]
        for _ in range(3):
            for case_id in cases:
                await post.tell(case_id, 2)
        await post.flush()
        for _ in range(12):
            await post.later(hours=1)
        assert len(receiver.heard) > 24, "some tries failed"
        assert post.order(receiver.accepted) == {case_id: list(range(6)) for case_id in cases}
        assert set(await post.states()) == {"DELIVERED"}

    posted(database, story)


def test_another_subject_does_not_wait_for_one_that_is_refused(database: Database) -> None:
    async def story(post: Post) -> None:
        receiver = await post.receiver()
        await post.hook(receiver.url)
        bad, good = uuid4(), uuid4()
        poison, *behind = await post.tell(bad, 3)
        told = await post.tell(good, 3)
        receiver.answer = lambda _, request: 400 if request.id == poison else 204
        await post.flush()
        assert receiver.accepted == told
        assert not {request.id for request in receiver.heard} & set(behind), "nothing overtakes within a subject"

    posted(database, story)


def test_after_three_days_a_dead_letter_is_left_and_later_events_of_the_subject_go_on(database: Database) -> None:
    async def story(post: Post) -> None:
        receiver = await post.receiver()
        webhook_id, _ = await post.hook(receiver.url)
        poison, *behind = await post.tell(uuid4(), 3)
        receiver.answer = lambda _, request: 500 if request.id == poison else 204
        for _ in range(FEWEST):
            await post.later(hours=1)
        assert receiver.accepted == []
        assert await post.states() == ["PENDING"] * 3
        await post.later(seconds=PATIENCE.total_seconds())
        assert await post.states() == ["DEAD", "DELIVERED", "DELIVERED"]
        assert receiver.accepted == behind
        receiver.answer = lambda _n, _r: 204
        assert await post.replay(webhook_id, dead_only=True) == 1
        await post.flush()
        assert receiver.accepted == [*behind, poison]
        assert await post.states() == ["DELIVERED"] * 3

    posted(database, story)


def test_a_replay_tells_everything_again_in_order_also_what_was_before_the_webhook(database: Database) -> None:
    async def story(post: Post) -> None:
        case_id, receiver = uuid4(), await post.receiver()
        before = await post.tell(case_id, 2)
        webhook_id, _ = await post.hook(receiver.url)
        after = await post.tell(case_id, 2)
        await post.flush()
        assert receiver.accepted == after
        assert await post.replay(webhook_id, dead_only=False) == 4
        await post.flush()
        assert receiver.accepted == [*after, *before, *after]
        assert await post.replay(webhook_id, dead_only=False, stretch=Stretch(1, 3, 1)) == 1
        await post.flush()
        assert receiver.accepted[-1] == before[1]

    posted(database, story)


def test_while_a_secret_is_changed_old_and_new_verify_and_afterwards_only_the_new(database: Database) -> None:
    async def story(post: Post) -> None:
        receiver = await post.receiver()
        webhook_id, old = await post.hook(receiver.url)
        async with post.sessions.tenant(post.tenant_id) as session:
            command = ChangeSecret(webhook_id, timedelta(hours=24), "Yearly.")
            _, new = await webhooks.change_secret(session, post.actor, RING, command, now=post.now)
        for wait, secrets, strangers in ((0, (old, new), ()), (25, (new,), (old,))):
            post.now += timedelta(hours=wait)
            await post.tell(uuid4())
            await post.flush()
            request = receiver.heard[-1]
            assert len(request.headers["webhook-signature"].split()) == len(secrets)
            for secret in secrets:
                assert request.signed_with(secret)
            for secret in strangers:
                assert not request.signed_with(secret)
        async with post.sessions.tenant(post.tenant_id) as session:
            kept = await session.get_one(Webhook, webhook_id)
            assert old not in (kept.secret, kept.previous_secret), "the database holds them wrapped only"

    posted(database, story)


def test_a_dispatcher_that_died_in_the_middle_is_followed_by_one_that_sends_again(database: Database) -> None:
    async def story(post: Post) -> None:
        receiver = await post.receiver()
        await post.hook(receiver.url)
        told = await post.tell(uuid4(), 2)
        first = post.another()
        await first.round()
        await receiver.until(1)  # posted; the first dispatcher never writes that it was accepted
        second = post.another()
        await post.flush(second)
        assert receiver.accepted == told[:1], "the lease still runs"
        post.now += LEASE + timedelta(seconds=1)
        await post.flush(second)
        assert receiver.accepted == [told[0], *told]
        await first.idle()
        assert await post.states() == ["DELIVERED"] * 2

    posted(database, story)


def test_two_dispatchers_never_try_the_same_delivery_at_once(database: Database) -> None:
    async def story(post: Post) -> None:
        receiver = await post.receiver()
        await post.hook(receiver.url)
        for _ in range(20):
            await post.tell(uuid4(), 3)
        both = [post.another(), post.another()]
        while sum(await asyncio.gather(*(one.round() for one in both))):
            await asyncio.gather(*(one.idle() for one in both))
        assert len(receiver.heard) == 60 == len(set(receiver.accepted))
        assert all(seen == [0, 1, 2] for seen in post.order(receiver.accepted).values())

    posted(database, story)


def test_a_suspended_tenant_tells_nothing_until_it_is_served_again(database: Database) -> None:
    async def story(post: Post) -> None:
        receiver = await post.receiver()
        await post.hook(receiver.url)
        told = await post.tell(uuid4())
        await _stand(post, "SUSPENDED")
        await post.flush()
        assert receiver.heard == []
        await _stand(post, "ACTIVE")
        await post.flush()
        assert receiver.accepted == told

    posted(database, story)


async def _stand(post: Post, status: str) -> None:
    async with post.sessions.untenanted() as session:
        (await session.get_one(Tenant, post.tenant_id)).status = status


def test_a_removed_webhook_is_told_nothing_more_not_even_what_waited(database: Database) -> None:
    async def story(post: Post) -> None:
        receiver = await post.receiver()
        webhook_id, _ = await post.hook(receiver.url)
        await post.tell(uuid4(), 2)
        async with post.sessions.tenant(post.tenant_id) as session:
            removed = await webhooks.remove(session, post.actor, webhook_id, "Not needed.", now=post.now)
            assert (removed.secret, removed.previous_secret) == (None, None)
        await post.tell(uuid4())
        await post.flush()
        assert receiver.heard == []
        assert await post.states() == ["CANCELLED"] * 2

    posted(database, story)


def test_a_receiver_that_only_fails_is_left_alone_and_the_others_are_not_held_up(database: Database) -> None:
    async def story(post: Post) -> None:
        good, bad = await post.receiver(), await post.receiver()
        bad.answer = lambda _n, _r: 302  # a redirect is no acceptance, and is not followed
        await post.hook(good.url)
        await post.hook(bad.url)
        for _ in range(12):
            await post.tell(uuid4())
        await post.flush()
        assert (len(good.accepted), len(bad.heard)) == (12, 12)
        await post.tell(uuid4())
        await post.flush()
        assert (len(good.accepted), len(bad.heard)) == (13, 12), "it rests"
        await post.later(seconds=8)
        assert len(bad.heard) > 12

    posted(database, story)


def test_a_name_that_leads_inside_by_the_time_of_sending_is_not_connected_to(database: Database) -> None:
    async def inside(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]  # public when the webhook was made, rebound since

    async def story(post: Post) -> None:
        await post.hook("https://hooks.example.org/x", loopback=False)
        await post.tell(uuid4())
        await post.flush()
        async with post.sessions.tenant(post.tenant_id) as session:
            (row,) = await session.scalars(select(WebhookDelivery))
        assert (row.status, row.attempts, row.last_error) == ("PENDING", 1, "address_refused")

    posted(database, story, inside)
