"""Webhooks, their deliveries and replays as the API takes and shows them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from models.webhooks import Webhook
from services.webhooks import MOST_REPLAYED, Replayed, written_secret

_WEBHOOK: Final[dict[str, Any]] = {
    "id": SOME_ID,
    "url": "https://hooks.example.org/handrail",
    "types": ["org.handrail.StageEntered.v1"],
    "note": "Data warehouse",
    "failures": 0,
    "resting_until": None,
    "previous_secret_until": None,
    "created_at": "2026-11-20T09:30:00Z",
}
_SECRET: Final = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # noqa: S105 - an example
HIGHEST: Final = 2**63 - 1
EventTypeName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"
    CANCELLED = "CANCELLED"


class WebhookIn(Body):
    """Where to post, and which types of events; none named means all."""

    model_config = shown(
        {"url": "https://hooks.example.org/handrail", "types": ["org.handrail.StageEntered.v1"], "note": "Warehouse"}
    )

    url: str = Field(max_length=2000, description="A public https address on port 443 or 8443.")
    types: list[EventTypeName] = Field(default_factory=list, max_length=100)
    note: str | None = Field(None, max_length=200, description="What it is for.")


class WebhookOut(Body):
    """A webhook without its secrets."""

    model_config = shown(_WEBHOOK)

    id: UUID
    url: str
    types: list[str] = Field(description="Empty: all.")
    note: str | None
    failures: int = Field(description="Tries in a row that failed.")
    resting_until: datetime | None = Field(description="It only failed lately: not tried before then.")
    previous_secret_until: datetime | None = Field(description="Until then the secret before the last signs too.")
    created_at: datetime

    @classmethod
    def of(cls, row: Webhook) -> Self:
        """A webhook as it is kept."""
        return cls(**_shared(row))


class WebhookWithSecretOut(WebhookOut):
    """A webhook with its new secret, shown this once."""

    model_config = shown({**_WEBHOOK, "secret": _SECRET})

    secret: str | None = Field(
        description="Verifies the signatures. Kept nowhere in this form: null when the same command is sent again."
    )

    @classmethod
    def shown_once(cls, row: Webhook, secret: bytes) -> Self:
        """The only answer that ever holds the secret."""
        return cls(**_shared(row), secret=written_secret(secret))


def _shared(row: Webhook) -> dict[str, Any]:
    same = {name: getattr(row, name) for name in WebhookOut.model_fields if name != "previous_secret_until"}
    return {**same, "previous_secret_until": row.previous_until}


class WebhooksOut(Body):
    """The webhooks in use."""

    model_config = shown({"items": [_WEBHOOK]})

    items: list[WebhookOut]


class SecretChangeIn(Body):
    """How long the old secret signs beside the new one."""

    model_config = shown({"overlap_hours": 24, "reason": "Yearly change."})

    overlap_hours: int = Field(24, ge=0, le=168)
    reason: Reason


class WebhookDeliveryOut(Body):
    """One event on its way to a webhook."""

    model_config = shown(
        {
            "event_id": OTHER_ID,
            "type": "org.handrail.StageEntered.v1",
            "subject": f"instances/{OTHER_ID}",
            "position": 42,
            "status": "PENDING",
            "attempts": 2,
            "replays": 0,
            "since": "2026-11-20T09:30:00Z",
            "last_attempt_at": "2026-11-20T09:30:05Z",
            "last_answer": 503,
            "last_error": "refused",
            "next_attempt_at": "2026-11-20T09:30:15Z",
            "delivered_at": None,
        }
    )

    event_id: UUID
    type: str
    subject: str
    position: int = Field(description="The event's `sequence` in the feed.")
    status: DeliveryStatus
    attempts: int
    replays: int
    since: datetime = Field(description="Tries go on for three days from here.")
    last_attempt_at: datetime | None
    last_answer: int | None = Field(description="The receiver's HTTP status, if it answered.")
    last_error: str | None = Field(
        description="refused, address_refused, not_reached, too_slow, answer_too_large or secret_unreadable."
    )
    next_attempt_at: datetime | None
    delivered_at: datetime | None


class ReplayIn(Body):
    """Which events to send again: those behind `after` up to `until`, of them only the dead letters unless told."""

    model_config = shown({"after": 0, "dead_only": True, "limit": 1000, "reason": "The receiver was down."})

    after: int = Field(0, ge=0, le=HIGHEST, description="A `sequence` or `next_cursor` of the feed.")
    until: int = Field(HIGHEST, ge=0, le=HIGHEST)
    dead_only: bool = Field(default=True, description="false: everything, also what came before the webhook.")
    limit: int = Field(1000, ge=1, le=MOST_REPLAYED)
    reason: Reason


class ReplayOut(Body):
    """What was queued; when there may be more, ask again with `after` set to `position`."""

    model_config = shown({"events": 12, "position": 42, "more": False})

    events: int
    position: int | None
    more: bool

    @classmethod
    def of(cls, done: Replayed) -> Self:
        """The answer to a replay."""
        return cls(events=done.events, position=done.position, more=done.more)
