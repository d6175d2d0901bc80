"""The audit trail: who did what, when and why, sealed in a hash chain per tenant; and who was shown whom."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import CURRENT_TENANT, Base, Recorded, Tenanted


class AuditDetail(Recorded, Base):
    """Before and after, encrypted with the subject's key."""

    __tablename__ = "audit_detail"

    student_id: Mapped[UUID | None]
    key_id: Mapped[UUID | None]
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)


class AuditEntry(Recorded, Base):
    """One act: the names of the fields it changed and their salted hashes, never the values."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject", "tenant_id", "subject_kind", "subject_id"),
        Index("ix_audit_entry_student", "tenant_id", "student_id", "at"),
        Index("ix_audit_entry_seq", "tenant_id", "seq"),
        Index("ix_audit_entry_actor", "tenant_id", "actor_id", "seq"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor_role: Mapped[str]
    actor_display: Mapped[str]
    source: Mapped[str]
    request_id: Mapped[str]
    verb: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID | None]
    student_id: Mapped[UUID | None]
    reason: Mapped[str | None]
    fields: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    detail_id: Mapped[UUID | None] = mapped_column(ForeignKey("audit_detail.id"))
    detail_sha256: Mapped[str | None]


class AuditUnsealed(Tenanted, Base):
    """An entry that the sealer has not come to yet; written with the entry, gone with its seal."""

    __tablename__ = "audit_unsealed"
    __table_args__ = (PrimaryKeyConstraint("tenant_id", "seq"),)

    seq: Mapped[int] = mapped_column(BigInteger)
    entry_id: Mapped[UUID]


class AuditSeal(Recorded, Base):
    """One link of the hash chain over audit entries, written by the tenant's only sealer."""

    __tablename__ = "audit_seal"
    __table_args__ = (UniqueConstraint("tenant_id", "position"), UniqueConstraint("tenant_id", "entry_id"))

    position: Mapped[int] = mapped_column(BigInteger)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("audit_entry.id"))
    previous_hash: Mapped[str]
    hash: Mapped[str]


class StudentView(Base):
    """One student's record shown to one person: the view log, insert-only, written with the answer that showed it.

    Its tenant is what the policy demands; a foreign key would look the tenant up for each of 200 rows of a list.
    """

    __tablename__ = "student_view"
    __table_args__ = (
        PrimaryKeyConstraint("tenant_id", "id"),
        Index("ix_student_view_student_id", "tenant_id", "student_id", "id"),
        Index("ix_student_view_actor_id", "tenant_id", "actor_id", "id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(server_default=text(CURRENT_TENANT), sort_order=-9)
    id: Mapped[UUID] = mapped_column(server_default=text("uuidv7()"))
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor_role: Mapped[str]
    actor_display: Mapped[str]
    request_id: Mapped[str]
    operation: Mapped[str]
    student_id: Mapped[UUID]


class AuditAnchor(Recorded, Base):
    """A stretch of the chain whose hashes were written into write-once storage."""

    __tablename__ = "audit_anchor"
    __table_args__ = (UniqueConstraint("tenant_id", "number"),)

    number: Mapped[int]
    first_position: Mapped[int] = mapped_column(BigInteger)
    last_position: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str]
    storage_path: Mapped[str]
    sha256: Mapped[str]
    written_at: Mapped[datetime]
