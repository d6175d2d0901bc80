"""Calendars, enrolments, raw marks, resolved session facts and daily summaries (attendance.md S1-S5)."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import CURRENT_TENANT, Base, Recorded, Tenanted, one_of

STATUSES = (
    "PRESENT",
    "LATE",
    "AUTHORISED_ABSENT",
    "UNAUTHORISED_ABSENT",
    "ABSENT",
    "NOT_POSSIBLE",
    "NO_MARK",
    "UNKNOWN",
)
BY_YEAR = "RANGE (date)"


class CodeMap(Tenanted, Base):
    """What a register code means in a code set; a code that is not listed is UNKNOWN and never an absence."""

    __tablename__ = "code_map"
    __table_args__ = (one_of("status", *STATUSES),)

    tenant_id: Mapped[UUID] = mapped_column(
        ForeignKey("tenant.id"), primary_key=True, server_default=text(CURRENT_TENANT)
    )
    code_set: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    is_tardy: Mapped[bool] = mapped_column(server_default=text("false"))


class CalendarSession(Tenanted, Base):
    """A session on which a school is open; a date without rows is not a school day."""

    __tablename__ = "calendar_session"
    __table_args__ = (one_of("session", "AM", "PM"),)

    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"), primary_key=True)
    date: Mapped[dt.date] = mapped_column(primary_key=True)
    session: Mapped[str] = mapped_column(primary_key=True)
    minutes: Mapped[int] = mapped_column(SmallInteger, server_default=text("180"))


class Enrolment(Recorded, Base):
    """A span in which a student is on roll, both days inclusive."""

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("tenant_id", "student_id", "school_id", "start_date", "attends"),
        Index("ix_enrolment_school_id", "tenant_id", "school_id"),
        one_of("attends", "AM|PM", "AM", "PM"),
        one_of("registration", "MAIN", "SUBSIDIARY", "GUEST"),
    )

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    start_date: Mapped[dt.date]
    end_date: Mapped[dt.date | None]
    attends: Mapped[str] = mapped_column(server_default="AM|PM")
    registration: Mapped[str] = mapped_column(server_default="MAIN")


class Mark(Tenanted, Base):
    """One raw register entry, never changed: a correction is a later row.

    Without foreign keys: rows only come from the set-based merge, which joins students and schools.
    """

    __tablename__ = "mark"
    __table_args__ = (
        # one index for both: what a student's register holds, and whether a row is there already
        PrimaryKeyConstraint("tenant_id", "student_id", "date", "row_key"),
        Index("ix_mark_ingest_seq", "ingest_seq", postgresql_using="brin"),
        one_of("session", "AM", "PM", "DAY"),
        {"postgresql_partition_by": BY_YEAR},
    )

    tenant_id: Mapped[UUID] = mapped_column(server_default=text(CURRENT_TENANT))
    row_key: Mapped[UUID]
    date: Mapped[dt.date]
    mark_id: Mapped[str]
    student_id: Mapped[UUID]
    school_id: Mapped[UUID]
    session: Mapped[str]
    code: Mapped[str]
    recorded_at: Mapped[dt.datetime]
    register: Mapped[str] = mapped_column(server_default="")
    deleted: Mapped[bool] = mapped_column(server_default=text("false"))
    minutes_missed: Mapped[int | None] = mapped_column(SmallInteger)
    reason_code: Mapped[str | None]
    source: Mapped[str | None]
    recorded_by: Mapped[str | None]
    recorded_by_title: Mapped[str | None]
    amend_reason: Mapped[str | None]
    ingest_seq: Mapped[int] = mapped_column(BigInteger)
    import_id: Mapped[UUID | None]
    source_ref: Mapped[str | None]


class SessionFact(Tenanted, Base):
    """The resolved status of one scheduled session during one span of known time (`known_from <= K < known_to`)."""

    __tablename__ = "session_fact"
    __table_args__ = (
        Index("ix_session_fact_school_id_date", "tenant_id", "school_id", "date"),
        one_of("session", "AM", "PM"),
        one_of("status", *STATUSES),
        CheckConstraint("known_from < known_to", name="known"),
        {"postgresql_partition_by": BY_YEAR},
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text(CURRENT_TENANT))
    student_id: Mapped[UUID] = mapped_column(primary_key=True)
    school_id: Mapped[UUID] = mapped_column(primary_key=True)
    date: Mapped[dt.date] = mapped_column(primary_key=True)
    session: Mapped[str] = mapped_column(primary_key=True)
    known_from: Mapped[dt.datetime] = mapped_column(primary_key=True)
    known_to: Mapped[dt.datetime] = mapped_column(server_default=text("'infinity'"))
    status: Mapped[str]
    code: Mapped[str]
    tardy: Mapped[bool] = mapped_column(server_default=text("false"))
    minutes_missed: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    reason_code: Mapped[str | None]


class Summary(Tenanted, Base):
    """One student-day as all marks known now tell it; totals run from the start of the school year (S5)."""

    __tablename__ = "summary"
    __table_args__ = (
        Index("ix_summary_school_id_date", "tenant_id", "school_id", "date"),
        {"postgresql_partition_by": BY_YEAR},
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text(CURRENT_TENANT))
    student_id: Mapped[UUID] = mapped_column(primary_key=True)
    school_id: Mapped[UUID] = mapped_column(primary_key=True)
    date: Mapped[dt.date] = mapped_column(primary_key=True)
    am_status: Mapped[str | None]
    pm_status: Mapped[str | None]
    am_code: Mapped[str | None]
    pm_code: Mapped[str | None]
    am_reason_code: Mapped[str | None]
    pm_reason_code: Mapped[str | None]
    attended_ytd: Mapped[int]
    possible_ytd: Mapped[int]
    attendance_percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    consecutive_absence_days: Mapped[int]
    total_absence_half_days_ytd: Mapped[int]
    computed_at: Mapped[dt.datetime]


class StaleAttendance(Tenanted, Base):
    """Student and school whose facts (between two dates) and summaries (from the first on) wait to be recomputed."""

    __tablename__ = "stale_attendance"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text(CURRENT_TENANT))
    student_id: Mapped[UUID] = mapped_column(primary_key=True)
    school_id: Mapped[UUID] = mapped_column(primary_key=True)
    from_date: Mapped[dt.date]
    to_date: Mapped[dt.date]


class RegisterArrival(Tenanted, Base):
    """A school-day as its register tells it, in sessions, by the marks known at `updated_at`; breakers measure it.

    When a fact of its day is computed anew `updated_at` falls to -infinity: the next pass counts it again.
    """

    __tablename__ = "register_arrival"

    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"), primary_key=True)
    date: Mapped[dt.date] = mapped_column(primary_key=True)
    students: Mapped[int]
    scheduled: Mapped[int]
    marked: Mapped[int]
    possible: Mapped[int]
    absent: Mapped[int]
    # how often each code said absent, attended, or nothing we know; possible and absent sessions of each class
    counts: Mapped[dict[str, Any]]
    updated_at: Mapped[dt.datetime]
