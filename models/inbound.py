"""Inbound events: which were taken in, and what they told that no other table keeps yet."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of


class InboundEvent(Recorded, Base):
    """One event of another system, known again by source and id; what it told lies where it belongs, not here."""

    __tablename__ = "inbound_event"
    __table_args__ = (
        UniqueConstraint("tenant_id", "source", "event_id"),
        one_of("status", "APPLIED", "SUPERSEDED", "REFUSED"),
        one_of("via", "api", "kafka"),
        Index("ix_inbound_event_entity", "tenant_id", "entity", "time"),
    )

    source: Mapped[str]
    event_id: Mapped[str]
    type: Mapped[str]
    entity: Mapped[str | None]
    time: Mapped[dt.datetime]
    digest: Mapped[str]
    via: Mapped[str]
    status: Mapped[str]
    code: Mapped[str | None]
    problem: Mapped[str | None]
    tries: Mapped[int] = mapped_column(server_default=text("1"))
    received_at: Mapped[dt.datetime]


class StaffHours(Recorded, Base):
    """A stretch of the working week of a member of staff; scheduling reads it."""

    __tablename__ = "staff_hours"
    __table_args__ = (
        UniqueConstraint("tenant_id", "staff_key", "school_id", "valid_from", "weekday", "starts"),
        CheckConstraint("weekday between 1 and 7", name="weekday"),
        CheckConstraint("ends > starts", name="forward"),
    )

    staff_key: Mapped[str]
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]
    weekday: Mapped[int] = mapped_column(SmallInteger)
    starts: Mapped[dt.time]
    ends: Mapped[dt.time]


class StaffAbsence(Recorded, Base):
    """Days on which a member of staff is away, without the reason; scheduling reads it."""

    __tablename__ = "staff_absence"
    __table_args__ = (
        UniqueConstraint("tenant_id", "source_key"),
        CheckConstraint("last_day >= first_day", name="forward"),
    )

    source_key: Mapped[str]
    staff_key: Mapped[str]
    first_day: Mapped[dt.date]
    last_day: Mapped[dt.date]
    starts: Mapped[dt.time | None]
    ends: Mapped[dt.time | None]
    cancelled: Mapped[bool] = mapped_column(server_default=text("false"))


class Section(Recorded, Base):
    """A class of the timetable; scheduling reads it."""

    __tablename__ = "section"
    __table_args__ = (UniqueConstraint("tenant_id", "source_key"),)

    source_key: Mapped[str]
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    name: Mapped[str]
    course: Mapped[str | None]
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]
    removed: Mapped[bool] = mapped_column(server_default=text("false"))


class SectionMeeting(Recorded, Base):
    """When and where a section meets each week."""

    __tablename__ = "section_meeting"
    __table_args__ = (
        CheckConstraint("weekday between 1 and 7", name="weekday"),
        CheckConstraint("ends > starts", name="forward"),
        Index("ix_section_meeting_section_id", "tenant_id", "section_id"),
    )

    section_id: Mapped[UUID] = mapped_column(ForeignKey("section.id"))
    weekday: Mapped[int] = mapped_column(SmallInteger)
    starts: Mapped[dt.time]
    ends: Mapped[dt.time]
    room: Mapped[str | None]


class SectionMember(Recorded, Base):
    """Who teaches a section or sits in it."""

    __tablename__ = "section_member"
    __table_args__ = (
        CheckConstraint("(staff_key is null) <> (student_id is null)", name="one"),
        Index("ix_section_member_section_id", "tenant_id", "section_id"),
        Index("ix_section_member_student_id", "tenant_id", "student_id"),
    )

    section_id: Mapped[UUID] = mapped_column(ForeignKey("section.id"))
    staff_key: Mapped[str | None]
    student_id: Mapped[UUID | None] = mapped_column(ForeignKey("student.id"))


class BehaviourEvent(Recorded, Base):
    """One behaviour event of a student, in words of a list; programmes read it."""

    __tablename__ = "behaviour_event"
    __table_args__ = (
        UniqueConstraint("tenant_id", "source_key"),
        Index("ix_behaviour_event_student_id", "tenant_id", "student_id", "occurred_at"),
    )

    source_key: Mapped[str]
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    occurred_at: Mapped[dt.datetime]
    category: Mapped[str]
    severity: Mapped[int | None] = mapped_column(SmallInteger)
    points: Mapped[int | None] = mapped_column(SmallInteger)
    withdrawn: Mapped[bool] = mapped_column(server_default=text("false"))


class Prediction(Recorded, Base):
    """A risk score of a student by one model; risk lists read it, no rule does."""

    __tablename__ = "prediction"
    __table_args__ = (
        UniqueConstraint("tenant_id", "student_id", "model", "predicted_at"),
        CheckConstraint("score between 0 and 1", name="score"),
    )

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    model: Mapped[str]
    model_version: Mapped[str]
    score: Mapped[Decimal] = mapped_column(Numeric(9, 8))
    band: Mapped[str | None]
    horizon_days: Mapped[int | None] = mapped_column(SmallInteger)
    predicted_at: Mapped[dt.datetime]
