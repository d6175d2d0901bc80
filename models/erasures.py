"""What keeps a record and what ends it: legal holds, and erasures that two people decide."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of


class LegalHold(Recorded, Base):
    """While it is in force nothing about the student is destroyed, whatever is due."""

    __tablename__ = "legal_hold"
    __table_args__ = (
        Index(
            "uq_legal_hold_in_force",
            "tenant_id",
            "student_id",
            unique=True,
            postgresql_where=text("lifted_at is null"),
        ),
    )

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    reason: Mapped[str]
    placed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    placed_at: Mapped[datetime]
    lifted_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[str | None]


class Erasure(Recorded, Base):
    """One erasure: asked for by one person, decided by another, and how far it has come."""

    __tablename__ = "erasure"
    __table_args__ = (
        UniqueConstraint("tenant_id", "student_id"),
        one_of("status", "REQUESTED", "APPROVED", "ERASED", "DONE"),
        one_of("ground", "REQUEST", "RETENTION", "UNLAWFUL", "ERROR"),
        CheckConstraint("approved_by <> requested_by", name="four_eyes"),
        CheckConstraint("status = 'REQUESTED' or approved_by is not null", name="decided"),
    )

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    status: Mapped[str] = mapped_column(server_default="REQUESTED")
    ground: Mapped[str]
    requested_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    requested_at: Mapped[datetime]
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
