"""Duties: deadlines set by law, beside any ladder."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of


class Duty(Recorded, Base):
    """What a rule of law asks about one student (None: of the school), until when; only its artifact makes it DONE.

    `tripped_on` is the day of the condition or of the register's event; `ended_on` the day on which a nightly pass
    found the condition false again: only after that may it open anew.
    """

    __tablename__ = "duty"
    __table_args__ = (
        one_of("effect", "TASK", "REPORT", "BLOCK"),
        one_of("status", "OPEN", "DONE", "DONE_ELSEWHERE", "NOT_APPLICABLE"),
        one_of("basis", "HOLDS", "LOST", "KEPT", "WITHDRAWN"),
        one_of("artifact_kind", "LETTER", "EVIDENCE_PACK"),
        CheckConstraint("(status = 'OPEN') = (closed_at is null)", name="closed"),
        CheckConstraint("status <> 'DONE' or (artifact_id is not null and done_on is not null)", name="artifact"),
        CheckConstraint("(student_id is null) = (case_id is null)", name="case"),
        CheckConstraint("student_id is not null or event = 'school_year_ended'", name="whose"),
        Index(
            "uq_duty_running",
            "tenant_id",
            "student_id",
            "school_id",
            "rule_set_key",
            "duty_key",
            unique=True,
            postgresql_where=text("event is null and ended_on is null"),
        ),
        Index(
            "uq_duty_event",
            "tenant_id",
            "student_id",
            "school_id",
            "rule_set_key",
            "duty_key",
            "tripped_on",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("event is not null"),
        ),
        Index("ix_duty_open", "tenant_id", "school_id", "due_on", postgresql_where=text("status = 'OPEN'")),
        Index("ix_duty_student_id", "tenant_id", "student_id"),
        Index("ix_duty_digest", "tenant_id", "digest", "school_id", postgresql_where=text("event is null")),
    )

    student_id: Mapped[UUID | None] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("case_file.id"))
    instance_id: Mapped[UUID | None] = mapped_column(ForeignKey("instance.id"))
    rule_set_key: Mapped[str]
    digest: Mapped[str]
    duty_key: Mapped[str]
    effect: Mapped[str]
    cite: Mapped[str]
    title: Mapped[str | None]
    report_to: Mapped[str | None]
    event: Mapped[str | None]
    tripped_on: Mapped[date]
    known_at: Mapped[datetime]
    metrics: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    opened_at: Mapped[datetime]
    opened_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    said: Mapped[str | None]
    due_on: Mapped[date]
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    reminded: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    status: Mapped[str] = mapped_column(server_default="OPEN")
    basis: Mapped[str] = mapped_column(server_default="HOLDS")
    checked_at: Mapped[datetime]
    ended_on: Mapped[date | None]
    artifact_kind: Mapped[str | None]
    artifact_id: Mapped[UUID | None]
    recipient: Mapped[str | None]
    done_on: Mapped[date | None]
    reason: Mapped[str | None]
    evidence: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    closed_role: Mapped[str | None]
    basis_reason: Mapped[str | None]
    basis_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    basis_at: Mapped[datetime | None]
