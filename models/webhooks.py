"""Webhooks: where a tenant's events are posted to, and each event's way to each of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of


class Webhook(Recorded, Base):
    """An address that gets the tenant's events; its secrets are wrapped by the tenant's key."""

    __tablename__ = "webhook"
    __table_args__ = (one_of("status", "ACTIVE", "REMOVED"),)

    url: Mapped[str]
    types: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    note: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="ACTIVE")
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    secret_key_id: Mapped[str | None]
    previous_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_secret_key_id: Mapped[str | None]
    previous_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    resting_until: Mapped[datetime | None]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    removed_at: Mapped[datetime | None]


class WebhookDelivery(Recorded, Base):
    """One event on its way to one webhook; of each subject only the oldest that is PENDING is tried."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        one_of("status", "PENDING", "DELIVERED", "DEAD", "CANCELLED"),
        UniqueConstraint("tenant_id", "webhook_id", "position"),
        Index(
            "ix_webhook_delivery_subject",
            "tenant_id",
            "webhook_id",
            "subject",
            "position",
            postgresql_where=text("status = 'PENDING'"),
        ),
        Index(
            "ix_webhook_delivery_pending",
            "tenant_id",
            "webhook_id",
            "position",
            postgresql_where=text("status = 'PENDING'"),
        ),
    )

    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhook.id"))
    event_id: Mapped[UUID] = mapped_column(ForeignKey("outbox.id"))
    position: Mapped[int] = mapped_column(BigInteger)
    subject: Mapped[str]
    type: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="PENDING")
    since: Mapped[datetime] = mapped_column(server_default=text("now()"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    replays: Mapped[int] = mapped_column(server_default=text("0"))
    next_attempt_at: Mapped[datetime | None]
    last_attempt_at: Mapped[datetime | None]
    last_answer: Mapped[int | None] = mapped_column(SmallInteger)
    last_error: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
