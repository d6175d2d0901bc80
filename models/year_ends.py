"""What becomes of running cases when a school year ends: the proposals, what was chosen, the summaries."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of


class YearEnd(Recorded, Base):
    """One case before one new year. PENDING until that begins: what was chosen so far stands in the case. `summary` of
    a case that was closed with one: counts and days, nobody's words.
    """

    __tablename__ = "year_end"
    __table_args__ = (
        one_of("status", "PENDING", "CARRY", "CLOSE_WITH_SUMMARY", "REVIEW_IN_AUTUMN"),
        UniqueConstraint("tenant_id", "instance_id", "begins"),
        Index("ix_year_end_student_id", "tenant_id", "student_id"),
    )

    instance_id: Mapped[UUID] = mapped_column(ForeignKey("instance.id"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    begins: Mapped[date]
    opened_at: Mapped[datetime]
    decide_by: Mapped[date]
    status: Mapped[str] = mapped_column(server_default="PENDING")
    chosen_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    chosen_role: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    summary: Mapped[dict[str, Any] | None]
