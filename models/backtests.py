"""Backtests: what rule sets would have done at a school or in the tenant, student by student, and the figures."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInteger, Recorded, Tenanted, one_of


class Backtest(Recorded, Base):
    """One or two rule sets over a span of days; `school_id` None: every school. `figures` are there once FINISHED."""

    __tablename__ = "backtest"
    __table_args__ = (
        one_of("status", "WAITING", "RUNNING", "FINISHED", "CANCELLED", "FAILED"),
        CheckConstraint("first_on <= last_on", name="span"),
        CheckConstraint("(status in ('WAITING', 'RUNNING')) = (ended_at is null)", name="ended"),
        CheckConstraint("(status = 'FINISHED') = (figures is not null)", name="figures"),
        Index("ix_backtest_going", "tenant_id", postgresql_where=text("ended_at is null")),
    )

    school_id: Mapped[UUID | None] = mapped_column(ForeignKey("school.id"))
    asked_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    first_on: Mapped[date]
    last_on: Mapped[date]
    approval_school_days: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    minutes: Mapped[dict[str, Any]]
    rulesets: Mapped[list[Any]]
    status: Mapped[str] = mapped_column(server_default="WAITING")
    students_total: Mapped[int | None]
    students_done: Mapped[int] = mapped_column(server_default=text("0"))
    student_days: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    problem: Mapped[str | None]
    figures: Mapped[dict[str, Any] | None]


class BacktestWalk(Tenanted, Base):
    """One student at one school under every rule set of a backtest; `stepped`: under which there was any step."""

    __tablename__ = "backtest_walk"
    __table_args__ = (Index("ix_backtest_walk_student_id", "tenant_id", "student_id"),)

    backtest_id: Mapped[UUID] = mapped_column(ForeignKey("backtest.id", ondelete="CASCADE"), primary_key=True)
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"), primary_key=True)
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"), primary_key=True)
    stepped: Mapped[int] = mapped_column(SmallInteger)
    # per rule set, in order of time: [day, what, stage or null, day it is carried out or null]
    steps: Mapped[list[Any]]
