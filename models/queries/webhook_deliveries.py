"""The queue of webhook deliveries: fanned out by position, claimed oldest per subject under a lease, settled once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.event_feed import Published, told
from models.rows import affected
from models.webhooks import Webhook, WebhookDelivery

LEASE: Final = timedelta(seconds=45)
_WANTED = "(w.types = '[]'::jsonb or w.types ? (o.payload->>'type'))"
# In the transaction that numbers: what was numbered lies beyond the head that the tenant still has.
FAN_OUT = text(f"""
insert into webhook_delivery (tenant_id, webhook_id, event_id, position, subject, type)
select o.tenant_id, w.id, o.id, o.position, o.subject, o.payload->>'type'
from outbox o join webhook w on w.tenant_id = o.tenant_id and w.status = 'ACTIVE' and {_WANTED}
where o.tenant_id = :tenant and o.kind = 'event'
    and o.position > (select position from outbox_head where tenant_id = :tenant)
""")
# Only the oldest of a subject, and that only when it is due: nothing overtakes what is being tried. The update asks
# again whether it is due: of two dispatchers that saw the same row the second finds it leased.
CLAIM = text("""
with due as (
    select p.id from webhook w cross join lateral (
        select d.id, d.position from webhook_delivery d
        where d.tenant_id = w.tenant_id and d.webhook_id = w.id and d.status = 'PENDING'
            and (d.next_attempt_at is null or d.next_attempt_at <= :now)
            and not exists (
                select from webhook_delivery e where e.tenant_id = d.tenant_id and e.webhook_id = d.webhook_id
                and e.subject = d.subject and e.status = 'PENDING' and e.position < d.position)
        order by d.position limit :each
    ) p
    where w.tenant_id = :tenant and w.status = 'ACTIVE' and not w.id = any(:busy)
        and (w.resting_until is null or w.resting_until <= :now)
    order by p.position limit :many
), claimed as (
    update webhook_delivery d set next_attempt_at = :leased, last_attempt_at = :now, attempts = d.attempts + 1
    from due where d.id = due.id and d.status = 'PENDING' and (d.next_attempt_at is null or d.next_attempt_at <= :now)
    returning d.id, d.webhook_id, d.event_id, d.position, d.attempts, d.since, d.replays
)
select c.id, c.webhook_id, c.attempts, c.since, o.id as event_id, o.position, o.subject, o.payload,
    case when c.attempts = 1 and c.replays = 0 then o.created_at end as told_at
from claimed c join outbox o on o.id = c.event_id order by c.position
""")
# All that was accepted in one statement: this is written for every single delivery.
DELIVERED = text("""
update webhook_delivery d set status = 'DELIVERED', delivered_at = :now, next_attempt_at = null, last_error = null,
    last_answer = s.answer
from unnest(cast(:ids as uuid[]), cast(:attempts as int[]), cast(:sinces as timestamptz[]), cast(:answers as int[]))
    s(id, attempts, since, answer)
where d.id = s.id and d.status = 'PENDING' and d.attempts = s.attempts and d.since = s.since
""")
REPLAY = text(f"""
insert into webhook_delivery (tenant_id, webhook_id, event_id, position, subject, type, replays)
select o.tenant_id, w.id, o.id, o.position, o.subject, o.payload->>'type', 1
from outbox o join webhook w on w.tenant_id = o.tenant_id and w.id = :webhook and {_WANTED}
where o.tenant_id = :tenant and o.kind = 'event' and o.position > :after and o.position <= :until
order by o.position limit :many
on conflict (tenant_id, webhook_id, position) do update
set status = 'PENDING', since = now(), attempts = 0, next_attempt_at = null, delivered_at = null, last_error = null,
    last_answer = null, replays = webhook_delivery.replays + 1
where webhook_delivery.status <> 'PENDING'
returning position
""")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this process may try until its lease ends; `attempts` counts this try.

    `told_at` is when the event was written, if this is the very first try.
    """

    id: UUID
    webhook_id: UUID
    attempts: int
    since: datetime
    event: Published
    told_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClaimLimits:
    """How much may be taken at once, of each webhook and in all; nothing of those that are `busy` enough."""

    many: int
    each: int
    busy: Collection[UUID] = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """The events behind `after` up to `until`, at most so many."""

    after: int
    until: int
    many: int


async def fan_out(session: AsyncSession, tenant_id: UUID) -> None:
    """One delivery per new event and webhook that wants it."""
    await session.execute(FAN_OUT, {"tenant": tenant_id})


async def claim(session: AsyncSession, tenant_id: UUID, limits: ClaimLimits, *, now: datetime) -> list[Claimed]:
    """Lease what is due, the oldest of each subject and webhook."""
    asked = {"tenant": tenant_id, "now": now, "leased": now + LEASE}
    bounds = {"many": limits.many, "each": limits.each, "busy": list(limits.busy)}
    rows = (await session.execute(CLAIM, asked | bounds)).all()
    return [
        Claimed(
            row.id,
            row.webhook_id,
            row.attempts,
            row.since,
            told(row.event_id, row.position, row.subject, row.payload),
            row.told_at,
        )
        for row in rows
    ]


async def delivered(session: AsyncSession, answers: Sequence[tuple[Claimed, int | None]], *, now: datetime) -> None:
    """These were accepted, with this answer; what was claimed again or cancelled meanwhile is left alone."""
    if not answers:
        return
    given: dict[str, Any] = {
        "ids": [claimed.id for claimed, _ in answers],
        "attempts": [claimed.attempts for claimed, _ in answers],
        "sinces": [claimed.since for claimed, _ in answers],
        "answers": [answer for _, answer in answers],
    }
    await session.execute(DELIVERED, {"now": now, **given})


async def settle(session: AsyncSession, claimed: Claimed, **values: object) -> bool:
    """Write how a try ended, unless the delivery was claimed again or cancelled meanwhile."""
    mine = update(WebhookDelivery).where(
        WebhookDelivery.id == claimed.id,
        WebhookDelivery.status == "PENDING",
        WebhookDelivery.attempts == claimed.attempts,
        WebhookDelivery.since == claimed.since,
    )
    return affected(await session.execute(mine.values(**values))) == 1


async def webhooks(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Webhook]:
    """These webhooks by id."""
    rows = await session.scalars(select(Webhook).where(Webhook.id.in_(ids)))
    return {row.id: row for row in rows}


async def failed(session: AsyncSession, webhook_id: UUID) -> int:
    """Count one more failure in a row; how many there are now."""
    counted = update(Webhook).where(Webhook.id == webhook_id).values(failures=Webhook.failures + 1)
    return (await session.execute(counted.returning(Webhook.failures))).scalar_one()


async def rest_until(session: AsyncSession, webhook_id: UUID, until: datetime) -> None:
    """Leave a receiver alone for a while."""
    await session.execute(update(Webhook).where(Webhook.id == webhook_id).values(resting_until=until))


async def answered(session: AsyncSession, webhook_ids: Collection[UUID]) -> None:
    """These receivers accepted something: whatever failed before, they are there."""
    there = update(Webhook).where(Webhook.id.in_(webhook_ids), Webhook.failures > 0)
    await session.execute(there.values(failures=0, resting_until=None))


async def cancel(session: AsyncSession, webhook_id: UUID) -> None:
    """Nothing that waits for this webhook is sent any more."""
    waiting = update(WebhookDelivery).where(
        WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.status == "PENDING"
    )
    await session.execute(waiting.values(status="CANCELLED", next_attempt_at=None))


async def replay(session: AsyncSession, tenant_id: UUID, webhook_id: UUID, asked: Stretch) -> Sequence[int]:
    """Queue events again that were settled, or that the webhook never got; their positions."""
    named = {"tenant": tenant_id, "webhook": webhook_id}
    bounds = {"after": asked.after, "until": asked.until, "many": asked.many}
    return sorted((await session.execute(REPLAY, named | bounds)).scalars())


async def replay_dead(session: AsyncSession, webhook_id: UUID, asked: Stretch) -> Sequence[int]:
    """Queue the dead letters of a stretch again; their positions."""
    dead = (
        select(WebhookDelivery.id)
        .where(
            WebhookDelivery.webhook_id == webhook_id,
            WebhookDelivery.status == "DEAD",
            WebhookDelivery.position > asked.after,
            WebhookDelivery.position <= asked.until,
        )
        .order_by(WebhookDelivery.position)
        .limit(asked.many)
    )
    again = update(WebhookDelivery).where(WebhookDelivery.id.in_(dead))
    fresh = again.values(
        status="PENDING",
        since=func.now(),
        attempts=0,
        next_attempt_at=None,
        last_error=None,
        last_answer=None,
        replays=WebhookDelivery.replays + 1,
    )
    return sorted((await session.execute(fresh.returning(WebhookDelivery.position))).scalars())


async def standing(session: AsyncSession) -> tuple[int, int]:
    """How many deliveries wait and how many are dead, of this tenant."""
    counted = select(
        func.count().filter(WebhookDelivery.status == "PENDING"), func.count().filter(WebhookDelivery.status == "DEAD")
    ).where(WebhookDelivery.status.in_(["PENDING", "DEAD"]))
    waiting, dead = (await session.execute(counted)).one()
    return waiting, dead
