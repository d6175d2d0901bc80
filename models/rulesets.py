"""Rule sets, their immutable versions, the decisions taken with them and the state of the start rule."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, Tenanted, one_of
from models.governed import Governed


class RuleSet(Recorded, Base):
    """A rule set by its key; what it says lives in its versions."""

    __tablename__ = "rule_set"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)

    key: Mapped[str]
    title: Mapped[str]
    jurisdiction: Mapped[str | None]


class RuleSetVersion(Governed, Base):
    """One content-hashed version; a trigger refuses any change of content once it has left DRAFT."""

    __tablename__ = "rule_set_version"
    __table_args__ = (
        UniqueConstraint("tenant_id", "rule_set_id", "version"),
        Index("ix_rule_set_version_digest", "tenant_id", "digest"),
        Index(
            "uq_rule_set_version_active",
            "tenant_id",
            "rule_set_id",
            unique=True,
            postgresql_where=text("status = 'ACTIVE'"),
        ),
        one_of("status", "DRAFT", "IN_REVIEW", "APPROVED", "ACTIVE", "RETIRED"),
    )

    rule_set_id: Mapped[UUID] = mapped_column(ForeignKey("rule_set.id"))
    digest: Mapped[str] = mapped_column()  # an annotation alone would leave the shared column, which may be null
    content: Mapped[dict[str, Any]]
    activated_at: Mapped[dt.datetime | None]
    shadow_since: Mapped[dt.datetime | None]
    """Evaluated every night beside the version in force since then; nothing starts by it (rules.md, Governance)."""


class Evaluation(Recorded, Base):
    """One stored decision: metrics, facts and bitmap of leaves at (date, known_at) for one student and school."""

    __tablename__ = "evaluation"
    __table_args__ = (
        Index("ix_evaluation_student", "tenant_id", "student_id", "date"),
        Index("ix_evaluation_instance", "tenant_id", "instance_id", "date"),
        UniqueConstraint(
            "tenant_id",
            "student_id",
            "school_id",
            "digest",
            "date",
            "known_at",
            "instance_id",
            name="uq_evaluation_moment",
            postgresql_nulls_not_distinct=True,
        ),
    )

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    instance_id: Mapped[UUID | None] = mapped_column(ForeignKey("instance.id", use_alter=True))
    digest: Mapped[str]
    date: Mapped[dt.date]
    known_at: Mapped[dt.datetime]
    metrics: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    leaves_true: Mapped[str] = mapped_column(server_default="")
    leaves_known: Mapped[str] = mapped_column(server_default="")
    decision: Mapped[str | None]


class DecisionRow(Recorded, Base):
    """One decision of a case with everything it rests on: enough to take it again when the register is long gone."""

    __tablename__ = "decision"
    __table_args__ = (
        Index("ix_decision_instance", "tenant_id", "instance_id", "id"),
        Index("ix_decision_evaluation", "tenant_id", "evaluation_id"),
    )

    instance_id: Mapped[UUID] = mapped_column(ForeignKey("instance.id"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    evaluation_id: Mapped[UUID] = mapped_column(ForeignKey("evaluation.id"))
    digest: Mapped[str]
    date: Mapped[dt.date]
    known_at: Mapped[dt.datetime]
    since: Mapped[dt.date | None]
    position: Mapped[dict[str, Any]]
    metrics: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any]]
    spans: Mapped[dict[str, Any]]
    action: Mapped[str]
    stage_key: Mapped[str | None]
    rule: Mapped[str | None]
    fired: Mapped[list[Any]]
    held_back: Mapped[list[Any]]
    leaves_true: Mapped[str]
    leaves_known: Mapped[str]
    engines_agree: Mapped[bool]
    sentence: Mapped[str]
    leaves: Mapped[list[Any]]


class EntryState(Tenanted, Base):
    """The start rule's memory: was `entry` true at the last run, and on which run date it last was false."""

    __tablename__ = "entry_state"

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"), primary_key=True)
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"), primary_key=True)
    rule_set_key: Mapped[str] = mapped_column(primary_key=True)
    entry_true: Mapped[bool]
    last_false_on: Mapped[dt.date | None]
    last_date: Mapped[dt.date]
    digest: Mapped[str]


class NightlyRun(Recorded, Base):
    """One version evaluated over one school on an evaluation date, as known at an instant."""

    __tablename__ = "nightly_run"
    __table_args__ = (UniqueConstraint("tenant_id", "school_id", "digest", "date", "known_at"),)

    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    digest: Mapped[str]
    date: Mapped[dt.date]
    known_at: Mapped[dt.datetime]
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


class ShadowNight(Recorded, Base):
    """A candidate version beside the one in force, over one school on an evaluation date: for how many `entry` held."""

    __tablename__ = "shadow_night"
    __table_args__ = (UniqueConstraint("tenant_id", "version_id", "school_id", "date"),)

    version_id: Mapped[UUID] = mapped_column(ForeignKey("rule_set_version.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    date: Mapped[dt.date]
    known_at: Mapped[dt.datetime]
    against_digest: Mapped[str | None]
    in_force: Mapped[int]
    candidate: Mapped[int]
    added: Mapped[int]
    dropped: Mapped[int]


class ShadowDifference(Recorded, Base):
    """A student for whom `entry` held under one of the two versions only, with what the candidate counted."""

    __tablename__ = "shadow_difference"
    __table_args__ = (
        UniqueConstraint(
            "tenant_id", "version_id", "school_id", "date", "student_id", name="uq_shadow_difference_moment"
        ),
        one_of("change", "ADDED", "DROPPED"),
    )

    version_id: Mapped[UUID] = mapped_column(ForeignKey("rule_set_version.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    date: Mapped[dt.date]
    change: Mapped[str]
    metrics: Mapped[dict[str, Any]]


class LateTrip(Recorded, Base):
    """A condition true for a past date only, after a late correction: listed for staff, it starts nothing."""

    __tablename__ = "late_trip"
    __table_args__ = (UniqueConstraint("tenant_id", "student_id", "school_id", "rule_set_key", "date"),)

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    rule_set_key: Mapped[str]
    digest: Mapped[str]
    date: Mapped[dt.date]
    metrics: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    seen_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    seen_at: Mapped[dt.datetime | None]
