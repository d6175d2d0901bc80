"""Tenants, the head of their outbox, what is left of deleted ones: no row-level security, nothing of any family."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, one_of


class Tenant(Base):
    """A district or trust."""

    __tablename__ = "tenant"
    __table_args__ = (one_of("status", "ACTIVE", "SUSPENDED", "DELETING"),)

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


class TenantTombstone(Base):
    """What stays of a deleted tenant, and how far its deletion has come; frozen once it is done.

    `rows` are the counts per table at the order, `chain_hash` the head of its audit chain, the order itself included.
    """

    __tablename__ = "tenant_tombstone"
    __table_args__ = (CheckConstraint("num_nonnulls(export_sha256, without_export) = 1", name="exported"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str]
    deleted_by: Mapped[str]
    reason: Mapped[str]
    export_sha256: Mapped[str | None]
    without_export: Mapped[str | None]
    rows: Mapped[dict[str, Any]]
    chain_position: Mapped[int | None] = mapped_column(BigInteger)
    chain_hash: Mapped[str | None]
    workflows: Mapped[int] = mapped_column(server_default=text("0"))
    objects: Mapped[int] = mapped_column(server_default=text("0"))
    objects_locked: Mapped[int] = mapped_column(server_default=text("0"))
    ordered_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
