"""Handovers: cases whose student went from one school of the tenant to another, and what was chosen for each."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of


class Transfer(Recorded, Base):
    """One handover of one case; both schools read it, for good. Why somebody chose stands in the case's timeline."""

    __tablename__ = "transfer"
    __table_args__ = (
        one_of("status", "PENDING", "CONTINUE", "SUPPORT_ONLY", "CLOSE", "LAPSED", "UNDONE", "SUPERSEDED"),
        Index(
            "uq_transfer_pending",
            "tenant_id",
            "instance_id",
            unique=True,
            postgresql_where=text("status = 'PENDING'"),
        ),
        Index("ix_transfer_student_id", "tenant_id", "student_id"),
    )

    instance_id: Mapped[UUID] = mapped_column(ForeignKey("instance.id"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    from_school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    to_school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    opened_at: Mapped[datetime]
    decide_by: Mapped[date]
    status: Mapped[str] = mapped_column(server_default="PENDING")
    chosen_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    chosen_role: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    moved: Mapped[bool | None]
