"""Guardians, what each may know and receive (safeguards.md section 2), and contact stops (section 1)."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of


class Guardian(Recorded, Base):
    """An adult responsible for one or more students, with contact details and preferences."""

    __tablename__ = "guardian"
    __table_args__ = (
        UniqueConstraint("tenant_id", "source_id"),
        Index("ix_guardian_email", "tenant_id", text("lower(email)")),
    )

    source_id: Mapped[str]
    name: Mapped[str]
    language: Mapped[str | None]
    preferred_channel: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    address: Mapped[str | None]
    opted_out_channels: Mapped[list[str]] = mapped_column(server_default=text("'[]'::jsonb"))
    access_needs: Mapped[list[str]] = mapped_column(server_default=text("'[]'::jsonb"))
    unreachable: Mapped[bool] = mapped_column(server_default=text("false"))
    timezone: Mapped[str | None]
    quiet_from: Mapped[time | None]
    quiet_to: Mapped[time | None]
    deceased_on: Mapped[date | None]


class GuardianLink(Recorded, Base):
    """Student x guardian. Null in an entitlement means unknown: hold and open a task, never send."""

    __tablename__ = "guardian_link"
    __table_args__ = (
        UniqueConstraint("tenant_id", "student_id", "guardian_id", "valid_from", postgresql_nulls_not_distinct=True),
        Index("ix_guardian_link_guardian_id", "tenant_id", "guardian_id"),
        one_of("contact_via", "self", "social worker", "carer", "liaison"),
        CheckConstraint("order_checked_by is null or order_checked_by <> order_entered_by", name="order_two_people"),
        CheckConstraint(
            "widening_confirmed_by is null or widening_confirmed_by <> widening_proposed_by", name="two_people"
        ),
    )

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    guardian_id: Mapped[UUID] = mapped_column(ForeignKey("guardian.id"))
    relationship: Mapped[str | None]
    priority: Mapped[int | None] = mapped_column(SmallInteger)
    parental_responsibility: Mapped[bool | None]
    lives_with: Mapped[bool | None]
    may_receive_letters: Mapped[bool | None]
    may_use_portal: Mapped[bool | None]
    may_attend_meetings: Mapped[bool | None]
    may_receive_calls: Mapped[bool | None]
    may_be_held_liable: Mapped[bool | None]
    order_kind: Mapped[str | None]
    order_from: Mapped[date | None]
    order_to: Mapped[date | None]
    order_evidence: Mapped[str | None]
    order_entered_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    order_checked_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    address_confidential: Mapped[bool] = mapped_column(server_default=text("false"))
    contact_via: Mapped[str] = mapped_column(server_default="self")
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    widening_proposed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    widening_confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class GuardianHistory(Recorded, Base):
    """What an authority says it has done about one guardian of one student, whole: penalty notices and the like.

    A later row replaces it; it counts from its confirmation by a second person until then. Of each of the `events`:
    kind, day, reference, and whether it was withdrawn.
    """

    __tablename__ = "guardian_history"
    __table_args__ = (
        Index(
            "uq_guardian_history_current",
            "tenant_id",
            "student_id",
            "guardian_id",
            unique=True,
            postgresql_where=text("replaced_at is null"),
        ),
        Index("ix_guardian_history_student_id", "tenant_id", "student_id"),
        CheckConstraint("confirmed_by <> recorded_by", name="two_people"),
        CheckConstraint("(confirmed_by is null) = (confirmed_at is null)", name="confirmed"),
    )

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    guardian_id: Mapped[UUID] = mapped_column(ForeignKey("guardian.id"))
    events: Mapped[list[Any]]
    source: Mapped[str]
    checked_on: Mapped[date]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[datetime]
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    confirmed_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]


class ContactStop(Recorded, Base):
    """Nothing goes out to this student, guardian or household until it is lifted; a death is never lifted."""

    __tablename__ = "contact_stop"
    __table_args__ = (
        one_of("subject_kind", "STUDENT", "GUARDIAN", "HOUSEHOLD"),
        one_of("reason_code", "BEREAVEMENT", "SAFEGUARDING", "WRONG_PERSON", "DECEASED", "OTHER"),
        CheckConstraint("not (permanent and lifted_at is not null)", name="permanent_stays"),
        Index("ix_contact_stop_subject_id", "tenant_id", "subject_id", postgresql_where="lifted_at is null"),
    )

    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    reason_code: Mapped[str]
    note: Mapped[str | None]
    permanent: Mapped[bool] = mapped_column(server_default=text("false"))
    set_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    set_at: Mapped[datetime]
    lifted_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[str | None]
