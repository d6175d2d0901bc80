"""A student's walk up the ladder: cases, instances, their events, proposals, contacts, tasks and escalations."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of

PHASES = (
    "EVALUATING",
    "AWAITING_APPROVAL",
    "ON_HOLD",
    "ACTING",
    "WAITING",
    "MEETING",
    "EXIT_REVIEW",
    "FOLLOW_UP",
    "TRANSFER_PENDING",
    "NEEDS_STAFF",
    "CLOSED",
)


class CaseFile(Recorded, Base):
    """The student's file at a school: tier, tasks, packs and instances hang on it."""

    __tablename__ = "case_file"
    __table_args__ = (
        one_of("status", "OPEN", "RESOLVED"),
        CheckConstraint("tier between 1 and 3", name="tier"),
        Index(
            "uq_case_file_open",
            "tenant_id",
            "student_id",
            "school_id",
            unique=True,
            postgresql_where=text("status = 'OPEN'"),
        ),
    )

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    tier: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    status: Mapped[str] = mapped_column(server_default="OPEN")
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    resolution: Mapped[str | None]


class Instance(Recorded, Base):
    """One student's walk; the row comes before its workflow, and the workflow's projection only moves it forward."""

    __tablename__ = "instance"
    __table_args__ = (
        one_of("kind", "ATTENDANCE", "MTSS"),
        one_of("status", "STARTING", "ACTIVE", "ESCALATED", "COMPLETED", "STOPPED"),
        one_of("phase", *PHASES),
        one_of("hold_kind", "staff", "basis", "engines_differ", "contact_stop"),
        Index(
            "uq_instance_open",
            "tenant_id",
            "student_id",
            "lead_school_id",
            "rule_set_key",
            "enrolment_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("closed_at is null"),
        ),
        Index("ix_instance_student_id", "tenant_id", "student_id"),
        Index("ix_instance_queue", "tenant_id", "lead_school_id", "phase", "due_at"),
    )

    kind: Mapped[str] = mapped_column(server_default="ATTENDANCE")
    workflow_id: Mapped[str | None] = mapped_column(unique=True)
    school_year: Mapped[str]
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    lead_school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    enrolment_id: Mapped[UUID | None]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    rule_set_key: Mapped[str]
    rule_set_version_id: Mapped[UUID] = mapped_column(ForeignKey("rule_set_version.id"))
    digest: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="STARTING")
    phase: Mapped[str] = mapped_column(server_default="EVALUATING")
    revision: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    stage_index: Mapped[int] = mapped_column(server_default=text("0"))
    stage_key: Mapped[str | None]
    stage_type: Mapped[str | None]
    hold_kind: Mapped[str | None]
    hold_until: Mapped[datetime | None]
    hold_reason: Mapped[str | None]
    awaiting_approval: Mapped[bool] = mapped_column(server_default=text("false"))
    proposal_id: Mapped[UUID | None]
    due_at: Mapped[datetime | None]
    due_on: Mapped[date | None]
    effective_day: Mapped[date | None]
    follow_up_week: Mapped[int | None] = mapped_column(SmallInteger)
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    entry_date: Mapped[date | None]
    entry_evaluation_id: Mapped[UUID | None] = mapped_column(ForeignKey("evaluation.id"))
    entry_reason: Mapped[str | None]
    opened_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    started_at: Mapped[datetime]
    last_stage_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str | None]
    reopened_from: Mapped[UUID | None] = mapped_column(ForeignKey("instance.id"))
    view: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    # The walk as its workflow last reported it, without its ladder: a workflow that was lost goes on from here.
    state: Mapped[dict[str, Any] | None]


class Event(Recorded, Base):
    """What happened in an instance: append-only, the database refuses any change."""

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("tenant_id", "instance_id", "dedupe_key"),
        Index("ix_event_student_id", "tenant_id", "student_id", "occurred_at"),
    )

    instance_id: Mapped[UUID | None] = mapped_column(ForeignKey("instance.id"))
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("case_file.id"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    type: Mapped[str]
    stage_key: Mapped[str | None]
    stage_type: Mapped[str | None]
    artifact_id: Mapped[UUID | None]
    occurred_at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor_role: Mapped[str | None]
    reason: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    revision: Mapped[int | None] = mapped_column(BigInteger)
    dedupe_key: Mapped[str | None]


class Proposal(Recorded, Base):
    """The next step, waiting for a person."""

    __tablename__ = "proposal"
    __table_args__ = (
        one_of("status", "PENDING", "HELD", "APPROVED", "SKIPPED", "WITHDRAWN", "SUPERSEDED", "DONE"),
        one_of("answered", "PENDING", "HELD", "GONE"),
        Index("ix_proposal_instance_id", "tenant_id", "instance_id"),
        Index(
            "ix_proposal_open",
            "tenant_id",
            "instance_id",
            postgresql_where=text("status in ('PENDING', 'HELD', 'APPROVED')"),
        ),
        Index(
            "uq_proposal_pending",
            "tenant_id",
            "instance_id",
            unique=True,
            postgresql_where=text("status in ('PENDING', 'HELD')"),
        ),
    )

    instance_id: Mapped[UUID] = mapped_column(ForeignKey("instance.id"))
    kind: Mapped[str] = mapped_column(server_default="STEP")
    status: Mapped[str] = mapped_column(server_default="PENDING")
    stage_index: Mapped[int]
    stage_key: Mapped[str]
    stage_type: Mapped[str]
    approval: Mapped[str]
    step: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    basis: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    reason: Mapped[str | None]
    evaluation_id: Mapped[UUID | None] = mapped_column(ForeignKey("evaluation.id"))
    due_on: Mapped[date | None]
    due_at: Mapped[datetime | None]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_role: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    # what the case answered a person, shown until the projection of a later revision has arrived
    answered: Mapped[str | None]
    answered_revision: Mapped[int | None]


class Contact(Recorded, Base):
    """A contact with the family: who, how, reached or not, what they said first, in their words."""

    __tablename__ = "contact"
    __table_args__ = (
        one_of("mode", "CALL", "VISIT", "GATE", "TEXT"),
        Index("ix_contact_student_id", "tenant_id", "student_id"),
    )

    instance_id: Mapped[UUID | None] = mapped_column(ForeignKey("instance.id"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    guardian_id: Mapped[UUID | None] = mapped_column(ForeignKey("guardian.id"))
    mode: Mapped[str]
    reached: Mapped[bool]
    said: Mapped[str | None]
    barriers: Mapped[list[str]] = mapped_column(server_default=text("'[]'::jsonb"))
    next_step: Mapped[str | None]
    second_name: Mapped[str | None]
    checked_in: Mapped[bool | None]
    contacted_at: Mapped[datetime]
    contacted_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class Task(Recorded, Base):
    """Something a person has to do."""

    __tablename__ = "task"
    __table_args__ = (
        one_of("status", "OPEN", "DONE", "CANCELLED"),
        UniqueConstraint("tenant_id", "dedupe_key"),
        Index("ix_task_open", "tenant_id", "school_id", "due_on", postgresql_where=text("status = 'OPEN'")),
    )

    kind: Mapped[str]
    title: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    student_id: Mapped[UUID | None] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID | None] = mapped_column(ForeignKey("school.id"))
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("case_file.id"))
    instance_id: Mapped[UUID | None] = mapped_column(ForeignKey("instance.id"))
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str | None]
    due_on: Mapped[date | None]
    status: Mapped[str] = mapped_column(server_default="OPEN")
    done_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    done_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None]
    dedupe_key: Mapped[str | None]


class Escalation(Recorded, Base):
    """A case handed to the next tier or a named agency."""

    __tablename__ = "escalation"
    __table_args__ = (
        one_of("status", "OPEN", "ACKNOWLEDGED", "CLOSED"),
        UniqueConstraint("tenant_id", "effect_key"),
    )

    instance_id: Mapped[UUID] = mapped_column(ForeignKey("instance.id"))
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    stage_key: Mapped[str]
    tier: Mapped[int] = mapped_column(SmallInteger)
    recipient: Mapped[str | None]
    reason: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="OPEN")
    artifact_id: Mapped[UUID | None]
    effect_key: Mapped[str | None]
    opened_at: Mapped[datetime]
    opened_by: Mapped[UUID | None]
    closed_at: Mapped[datetime | None]
    result: Mapped[str | None]
