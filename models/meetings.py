"""Meetings, who attends, and bookings that cannot overlap."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of

OUTCOMES = ("RESOLVED", "MEDICAL_PLAN", "SUPPORT_PLAN", "ESCALATE", "RESCHEDULE", "NO_ACTION", "NO_SHOW")


class Meeting(Recorded, Base):
    """A meeting about one student and its outcome."""

    __tablename__ = "meeting"
    __table_args__ = (
        one_of("status", "PROPOSED", "SCHEDULED", "HELD", "CANCELLED", "NO_SHOW"),
        one_of("outcome_code", *OUTCOMES),
        Index("ix_meeting_instance_id", "tenant_id", "instance_id"),
        UniqueConstraint("tenant_id", "effect_key"),
    )

    instance_id: Mapped[UUID | None] = mapped_column(ForeignKey("instance.id"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    stage_key: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="SCHEDULED")
    revision: Mapped[int] = mapped_column(server_default=text("0"))
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    location: Mapped[str | None]
    mode: Mapped[str | None]
    held_at: Mapped[datetime | None]
    notes: Mapped[str | None]
    outcome_code: Mapped[str | None]
    outcome_notes: Mapped[str | None]
    ics_uid: Mapped[str | None]
    ics_sequence: Mapped[int] = mapped_column(server_default=text("0"))
    effect_key: Mapped[str | None]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    data: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


class MeetingAttendee(Recorded, Base):
    """Somebody invited to a meeting, and whether they came."""

    __tablename__ = "meeting_attendee"
    __table_args__ = (
        one_of("kind", "STAFF", "GUARDIAN", "STUDENT", "OTHER"),
        UniqueConstraint("tenant_id", "meeting_id", "kind", "attendee_id"),
    )

    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meeting.id"))
    kind: Mapped[str]
    attendee_id: Mapped[UUID]
    invited_at: Mapped[datetime | None]
    invitation_delivered: Mapped[bool | None]
    response: Mapped[str | None]
    attended: Mapped[bool | None]


class Booking(Recorded, Base):
    """One resource taken for one span; the exclusion constraint makes a double booking impossible."""

    __tablename__ = "booking"
    __table_args__ = (
        one_of("resource_kind", "STAFF", "ROOM", "STUDENT"),
        CheckConstraint("lower_inc(during) and not upper_inc(during) and not isempty(during)", name="during"),
        ExcludeConstraint(
            ("tenant_id", "="),
            ("resource_kind", "="),
            ("resource_id", "="),
            ("during", "&&"),
            where=text("not cancelled"),
            using="gist",
            name="no_double_booking",
        ),
    )

    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meeting.id"))
    resource_kind: Mapped[str]
    resource_id: Mapped[UUID]
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    cancelled: Mapped[bool] = mapped_column(server_default=text("false"))
