"""One try of a webhook: what is sent, and what becomes of the delivery by how it ended."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from gateways.ports import KeyRing, WrongKey
from models.queries import webhook_deliveries
from models.queries.webhook_deliveries import Claimed, ClaimLimits
from models.webhooks import Webhook
from rules.events.retrying import again_at, rest
from services import events, webhooks

Result = Literal["delivered", "retried", "dead"]


@dataclass(frozen=True, slots=True)
class Shipment:
    """A claimed delivery with everything that sending takes."""

    tenant_id: UUID
    claimed: Claimed
    url: str
    secrets: Sequence[bytes]
    body: bytes

    @property
    def message_id(self) -> str:
        """The event's id: the same on every try and replay, so that a receiver knows it again."""
        return str(self.claimed.event.id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try ended: the receiver's answer, or a word for why there is none."""

    shipment: Shipment
    answer: int | None
    error: str | None

    @property
    def accepted(self) -> bool:
        """Whether the receiver took the event."""
        return self.error is None


async def take(
    session: AsyncSession, keyring: KeyRing, tenant_id: UUID, limits: ClaimLimits, *, now: datetime
) -> list[Shipment]:
    """Claim what is due and make it ready to be sent."""
    claimed = await webhook_deliveries.claim(session, tenant_id, limits, now=now)
    found = await webhook_deliveries.webhooks(session, {one.webhook_id for one in claimed})
    keys = {key: _secrets(webhook, keyring, now) for key, webhook in found.items()}
    return [
        Shipment(
            tenant_id,
            one,
            found[one.webhook_id].url,
            keys[one.webhook_id],
            events.written(tenant_id, one.event),
        )
        for one in claimed
    ]


def _secrets(webhook: Webhook, keyring: KeyRing, now: datetime) -> Sequence[bytes]:
    """None when their master key is not configured: that webhook waits, the others do not."""
    try:
        return webhooks.signing_secrets(webhook, keyring, now=now)
    except WrongKey:
        return ()


async def settle(session: AsyncSession, outcomes: Collection[Outcome], *, now: datetime) -> list[Result]:
    """Write how these tries of one tenant ended; what became of each."""
    taken = [(one.shipment.claimed, one.answer) for one in outcomes if one.accepted]
    await webhook_deliveries.delivered(session, taken, now=now)
    results = [await _settled(session, outcome, now) for outcome in outcomes]
    accepted = {one.shipment.claimed.webhook_id for one in outcomes if one.accepted}
    await webhook_deliveries.answered(session, accepted)
    for outcome in outcomes:
        webhook_id = outcome.shipment.claimed.webhook_id
        if webhook_id not in accepted and (pause := rest(await webhook_deliveries.failed(session, webhook_id))):
            await webhook_deliveries.rest_until(session, webhook_id, now + pause)
    return results


async def _settled(session: AsyncSession, outcome: Outcome, now: datetime) -> Result:
    claimed = outcome.shipment.claimed
    told = {"last_answer": outcome.answer, "last_error": outcome.error}
    if outcome.accepted:
        return "delivered"
    again = again_at(claimed.attempts, claimed.since, now)
    if again is None:
        await webhook_deliveries.settle(session, claimed, **told, status="DEAD", next_attempt_at=None)
        return "dead"
    await webhook_deliveries.settle(session, claimed, **told, next_attempt_at=again)
    return "retried"
