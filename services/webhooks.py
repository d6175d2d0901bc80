"""Webhooks of a tenant: made, listed, removed, their secrets changed, their events replayed."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.ports import KeyRing, WrappedKey
from models.queries import webhook_deliveries
from models.queries.keyset import Window, paged
from models.queries.webhook_deliveries import Stretch
from models.webhooks import Webhook, WebhookDelivery
from rules.errors import Conflict, NotFound
from rules.events.targets import target
from services import audit, events
from services.audit import Act
from services.context import Actor

MOST: Final = 20
SECRET_BYTES: Final = 32
MOST_REPLAYED: Final = 10_000


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """An address to be told these types of events, or all; `loopback` lets this machine's own addresses through."""

    url: str
    types: tuple[str, ...] = ()
    note: str | None = None
    loopback: bool = False


@dataclass(frozen=True, slots=True)
class ChangeSecret:
    """Give a webhook a new secret; the one before signs beside it for a while."""

    webhook_id: UUID
    overlap: timedelta
    reason: str


@dataclass(frozen=True, slots=True)
class Replay:
    """Send a stretch of events again, or of them only the dead letters."""

    webhook_id: UUID
    dead_only: bool
    stretch: Stretch
    reason: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many events were queued, and the position of the last; a full answer means there may be more behind it."""

    events: int
    position: int | None
    more: bool


def written_secret(secret: bytes) -> str:
    """A secret as Standard Webhooks writes it."""
    return f"whsec_{base64.b64encode(secret).decode()}"


async def listed(session: AsyncSession) -> Sequence[Webhook]:
    """The webhooks in use, the oldest first."""
    return (await session.scalars(select(Webhook).where(Webhook.status == "ACTIVE").order_by(Webhook.id))).all()


async def find(session: AsyncSession, webhook_id: UUID, *, lock: bool = False) -> Webhook:
    """One webhook in use."""
    found = await session.get(Webhook, webhook_id, with_for_update=lock or None)
    if found is None or found.status != "ACTIVE":
        raise NotFound("webhook_not_found", f"There is no webhook {webhook_id} here.")
    return found


async def create(
    session: AsyncSession, actor: Actor, keyring: KeyRing, command: NewWebhook, *, now: datetime
) -> tuple[Webhook, bytes]:
    """Make a webhook that is told what happens from now on; its secret is shown to the caller only."""
    target(command.url, loopback=command.loopback)
    events.check_types(command.types, "body.types")
    used = await session.scalar(select(func.count()).select_from(Webhook).where(Webhook.status == "ACTIVE"))
    if (used or 0) >= MOST:
        raise Conflict("too_many_webhooks", f"There are {MOST} webhooks already: remove one that is not needed.")
    webhook_id, secret = uuid4(), secrets.token_bytes(SECRET_BYTES)
    wrapped = keyring.wrap(actor.tenant_id, _subject(webhook_id), secret)
    made = Webhook(
        id=webhook_id,
        url=command.url,
        types=sorted(set(command.types)),
        note=command.note,
        secret=wrapped.wrapped,
        secret_key_id=wrapped.tenant_key_id,
        created_by=actor.person_id,
    )
    session.add(made)
    await session.flush()
    told = {"url": made.url, "types": made.types, "note": made.note}
    await audit.record(session, actor, Act("create_webhook", "webhook", made.id, after=told), now=now)
    return made, secret


async def remove(session: AsyncSession, actor: Actor, webhook_id: UUID, reason: str, *, now: datetime) -> Webhook:
    """Stop telling it anything, what waits included, and forget its secrets."""
    webhook = await find(session, webhook_id, lock=True)
    webhook.status, webhook.removed_at = "REMOVED", now
    webhook.secret = webhook.secret_key_id = None
    webhook.previous_secret = webhook.previous_secret_key_id = webhook.previous_until = None
    await session.flush()
    await webhook_deliveries.cancel(session, webhook_id)
    act = Act("remove_webhook", "webhook", webhook_id, reason=reason, before={"url": webhook.url})
    await audit.record(session, actor, act, now=now)
    return webhook


async def change_secret(
    session: AsyncSession, actor: Actor, keyring: KeyRing, command: ChangeSecret, *, now: datetime
) -> tuple[Webhook, bytes]:
    """Give it a new secret; until the overlap ends everything is signed with both, so that no receiver is shut out."""
    webhook = await find(session, command.webhook_id, lock=True)
    secret = secrets.token_bytes(SECRET_BYTES)
    wrapped = keyring.wrap(actor.tenant_id, _subject(webhook.id), secret)
    webhook.previous_secret, webhook.previous_secret_key_id = webhook.secret, webhook.secret_key_id
    webhook.previous_until = now + command.overlap
    webhook.secret, webhook.secret_key_id = wrapped.wrapped, wrapped.tenant_key_id
    await session.flush()
    told = {"previous_until": webhook.previous_until}
    act = Act("rotate_webhook_secret", "webhook", webhook.id, reason=command.reason, after=told)
    await audit.record(session, actor, act, now=now)
    return webhook, secret


def signing_secrets(webhook: Webhook, keyring: KeyRing, *, now: datetime) -> list[bytes]:
    """The secrets that sign now: the newest, and the one before while it still counts."""
    kept = [(webhook.secret, webhook.secret_key_id)]
    if webhook.previous_until is not None and now < webhook.previous_until:
        kept.append((webhook.previous_secret, webhook.previous_secret_key_id))
    return [
        keyring.unwrap(webhook.tenant_id, _subject(webhook.id), WrappedKey(wrapped, key_id))
        for wrapped, key_id in kept
        if wrapped is not None and key_id is not None
    ]


def _subject(webhook_id: UUID) -> str:
    return f"webhook/{webhook_id}"


async def deliveries(
    session: AsyncSession, webhook_id: UUID, status: str | None, window: Window
) -> Sequence[WebhookDelivery]:
    """What was or is to be sent to a webhook, in the order of the events; only of one status, if asked."""
    await find(session, webhook_id)
    wanted = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
    if status is not None:
        wanted = wanted.where(WebhookDelivery.status == status)
    return (await session.scalars(paged(wanted, [WebhookDelivery.position], window))).all()


async def replay(session: AsyncSession, actor: Actor, command: Replay, *, now: datetime) -> Replayed:
    """Queue events again, oldest first; the receiver knows those it has seen by their ids."""
    await find(session, command.webhook_id)
    if command.dead_only:
        queued = await webhook_deliveries.replay_dead(session, command.webhook_id, command.stretch)
    else:
        queued = await webhook_deliveries.replay(session, actor.tenant_id, command.webhook_id, command.stretch)
    asked = {"dead_only": command.dead_only, "after": command.stretch.after, "events": len(queued)}
    act = Act("replay_webhook", "webhook", command.webhook_id, reason=command.reason, after=asked)
    await audit.record(session, actor, act, now=now)
    full = len(queued) == command.stretch.many
    return Replayed(len(queued), queued[-1] if queued else None, more=full)
