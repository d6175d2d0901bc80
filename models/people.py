"""Schools, classes, staff, their roles and scopes."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, Tenanted, one_of


class School(Recorded, Base):
    """A school with the settings that attendance arithmetic needs (attendance.md S1)."""

    __tablename__ = "school"
    __table_args__ = (
        UniqueConstraint("tenant_id", "source_id"),
        one_of("missing_mark_policy", "EXCLUDE", "PRESENT"),
        one_of("day_basis", "SESSIONS", "DAYS_50PCT"),
        CheckConstraint("sessions_per_day in (1, 2)", name="sessions_per_day"),
        CheckConstraint("year_start ~ '^[0-1][0-9]-[0-3][0-9]$'", name="year_start"),
    )

    source_id: Mapped[str]
    name: Mapped[str]
    phase: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(server_default="Europe/London")
    code_set: Mapped[str]
    missing_mark_policy: Mapped[str] = mapped_column(server_default="EXCLUDE")
    sessions_per_day: Mapped[int] = mapped_column(SmallInteger, server_default=text("2"))
    year_start: Mapped[str] = mapped_column(server_default="08-01")
    day_basis: Mapped[str] = mapped_column(server_default="SESSIONS")
    evaluate_after: Mapped[time] = mapped_column(server_default=text("'18:00'"))
    register_share: Mapped[int] = mapped_column(SmallInteger, server_default=text("80"))
    summarised_through: Mapped[date | None]
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


class SchoolClass(Recorded, Base):
    """A class or form of a school."""

    __tablename__ = "school_class"
    __table_args__ = (UniqueConstraint("tenant_id", "source_id"),)

    source_id: Mapped[str]
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    year_group: Mapped[str | None]
    name: Mapped[str]


class Person(Recorded, Base):
    """A member of staff who can sign in or be assigned work."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("tenant_id", "subject"),)

    subject: Mapped[str]
    display_name: Mapped[str]
    title: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class RoleAssignment(Recorded, Base):
    """One role of a person, in force between two dates."""

    __tablename__ = "role_assignment"
    __table_args__ = (
        UniqueConstraint("tenant_id", "person_id", "role"),
        CheckConstraint("role <> 'external' or ends_on is not null", name="external_ends"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    all_schools: Mapped[bool] = mapped_column(server_default=text("false"))
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]


class SchoolScope(Tenanted, Base):
    """A school in which a person's roles hold."""

    __tablename__ = "school_scope"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
