"""Tenants and the head of their outbox: the only two tables without row-level security (no personal data)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, one_of


class Tenant(Base):
    """A district or trust."""

    __tablename__ = "tenant"
    __table_args__ = (one_of("status", "ACTIVE", "SUSPENDED"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("uuidv7()"))
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    country: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(server_default="Europe/London")
    status: Mapped[str] = mapped_column(server_default="ACTIVE")
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class OutboxHead(Base):
    """The last gapless outbox position given out for a tenant."""

    __tablename__ = "outbox_head"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
