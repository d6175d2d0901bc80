"""Support plans: what a family and the school agreed to do."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of


class SupportPlan(Recorded, Base):
    """One plan, opened by a PLAN rung or by a meeting; its parts have the shapes of rules/plans/content.py."""

    __tablename__ = "support_plan"
    __table_args__ = (
        one_of("status", "DRAFT", "AGREED", "ENDED"),
        CheckConstraint("status <> 'AGREED' or agreed_on is not null", name="agreed"),
        UniqueConstraint("tenant_id", "effect_key"),
        Index("ix_support_plan_student_id", "tenant_id", "student_id"),
        Index("ix_support_plan_open", "tenant_id", "school_id", "due_on", postgresql_where=text("status <> 'ENDED'")),
    )

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    instance_id: Mapped[UUID] = mapped_column(ForeignKey("instance.id"))
    meeting_id: Mapped[UUID | None] = mapped_column(ForeignKey("meeting.id"))
    stage_key: Mapped[str | None]
    effect_key: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="DRAFT")
    revision: Mapped[int] = mapped_column(server_default=text("0"))
    opened_at: Mapped[datetime]
    due_on: Mapped[date]
    aims: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    actions: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    adjustments: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    signatures: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    review_on: Mapped[date | None]
    agreed_on: Mapped[date | None]
    agreed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str | None]
