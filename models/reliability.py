"""Outbox, effects and idempotency keys: what makes each act happen, and happen once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import CURRENT_TENANT, Base, Recorded, Tenanted, one_of


class Outbox(Recorded, Base):
    """A message to the world, written with the change that made it true; the relay gives it its gapless position."""

    __tablename__ = "outbox"
    __table_args__ = (
        one_of("status", "PENDING", "DELIVERED", "REJECTED"),
        UniqueConstraint("tenant_id", "position"),
        Index("ix_outbox_pending", "tenant_id", "seq", postgresql_where=text("status = 'PENDING'")),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    kind: Mapped[str]
    subject: Mapped[str]
    payload: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(server_default="PENDING")
    position: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None]
    next_attempt_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]


class EventCursor(Tenanted, Base):
    """How far the tenant's events were carried to somebody who gets them in order; held by one process at a time."""

    __tablename__ = "event_cursor"

    tenant_id: Mapped[UUID] = mapped_column(
        ForeignKey("tenant.id"), primary_key=True, server_default=text(CURRENT_TENANT)
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    leased_by: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]


class Effect(Tenanted, Base):
    """An act outside that has been recorded; its key can be taken once."""

    __tablename__ = "effect"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text(CURRENT_TENANT))
    key: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class IdempotencyKey(Tenanted, Base):
    """A command that was answered: the same key and body get the same answer, another body is refused."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_created_at", "tenant_id", "created_at"),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text(CURRENT_TENANT))
    key: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    actor_id: Mapped[UUID | None]
    body_hash: Mapped[str]
    status: Mapped[int | None]
    answer: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
