"""Webhooks: where the tenant's events are posted to, what became of each, and sending them again."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from api import reach
from api.commands import CommandKey, HandrailRoute, shown_once
from api.dependencies import Caller, Parts, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.webhooks import (
    DeliveryStatus,
    ReplayIn,
    ReplayOut,
    SecretChangeIn,
    WebhookDeliveryOut,
    WebhookIn,
    WebhookOut,
    WebhooksOut,
    WebhookWithSecretOut,
)
from models.queries.keyset import Window
from models.queries.webhook_deliveries import Stretch
from rules.access.permissions import Permission
from services import webhooks
from services.webhooks import ChangeSecret, NewWebhook, Replay

router = APIRouter(tags=["events"], route_class=HandrailRoute)


@router.get("/webhooks")
async def list_webhooks(caller: Annotated[Caller, permit(Permission.WEBHOOK_READ)], session: Work) -> WebhooksOut:
    """The webhooks in use, the oldest first."""
    reach.school_or_tenant(caller, None)
    return WebhooksOut(items=[WebhookOut.of(row) for row in await webhooks.listed(session)])


@router.post("/webhooks", status_code=201)
async def create_webhook(
    body: WebhookIn,
    caller: Annotated[Caller, permit(Permission.WEBHOOK_WRITE)],
    _key: CommandKey,
    session: Work,
    given: Parts,
    request: Request,
) -> WebhookWithSecretOut:
    """Post the events that happen from now on to this address; the answer shows the secret this once."""
    reach.school_or_tenant(caller, None)
    command = NewWebhook(body.url, tuple(body.types), body.note, given.loopback_webhooks)
    made = await webhooks.create(session, caller.actor, given.working.keyring, command, now=caller.now)
    shown_once(request, "secret")
    return WebhookWithSecretOut.shown_once(*made)


@router.delete("/webhooks/{webhook_id:uuid}")
async def remove_webhook(
    webhook_id: UUID,
    caller: Annotated[Caller, permit(Permission.WEBHOOK_WRITE)],
    session: Work,
    reason: Annotated[str, Query(min_length=3, max_length=500, description="Why it is not needed any more.")],
) -> WebhookOut:
    """Post nothing there any more, what waits included; its secrets are forgotten."""
    reach.school_or_tenant(caller, None)
    return WebhookOut.of(await webhooks.remove(session, caller.actor, webhook_id, reason, now=caller.now))


@router.post("/webhooks/{webhook_id:uuid}/rotate-secret")
async def rotate_webhook_secret(
    webhook_id: UUID,
    body: SecretChangeIn,
    caller: Annotated[Caller, permit(Permission.WEBHOOK_WRITE)],
    _key: CommandKey,
    session: Work,
    given: Parts,
    request: Request,
) -> WebhookWithSecretOut:
    """Give it a new secret, shown this once; until the overlap ends everything carries a signature of each."""
    reach.school_or_tenant(caller, None)
    command = ChangeSecret(webhook_id, timedelta(hours=body.overlap_hours), body.reason)
    made = await webhooks.change_secret(session, caller.actor, given.working.keyring, command, now=caller.now)
    shown_once(request, "secret")
    return WebhookWithSecretOut.shown_once(*made)


@router.get("/webhooks/{webhook_id:uuid}/deliveries")
async def list_webhook_deliveries(
    webhook_id: UUID,
    caller: Annotated[Caller, permit(Permission.WEBHOOK_READ)],
    session: Work,
    status: Annotated[DeliveryStatus | None, Query(description="Only these; DEAD are the dead letters.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[WebhookDeliveryOut]:
    """What was sent to a webhook or waits, in the order of the events."""
    reach.school_or_tenant(caller, None)
    rows = await webhooks.deliveries(session, webhook_id, status, Window(limit, after(cursor)))
    return page(rows, limit, WebhookDeliveryOut.model_validate, lambda row: (row.position,))


@router.post("/webhooks/{webhook_id:uuid}/replay")
async def replay_webhook(
    webhook_id: UUID,
    body: ReplayIn,
    caller: Annotated[Caller, permit(Permission.WEBHOOK_WRITE)],
    _key: CommandKey,
    session: Work,
) -> ReplayOut:
    """Send dead letters, or a whole stretch of events, again; they keep their ids and their order."""
    reach.school_or_tenant(caller, None)
    command = Replay(webhook_id, body.dead_only, Stretch(body.after, body.until, body.limit), body.reason)
    return ReplayOut.of(await webhooks.replay(session, caller.actor, command, now=caller.now))
