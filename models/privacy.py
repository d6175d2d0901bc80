"""What privacy law asks for: disclosures, amendment requests and incidents."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of


class Disclosure(Recorded, Base):
    """One view, download or handing over outside the school; insert-only, its words sealed with the student's key."""

    __tablename__ = "disclosure"
    __table_args__ = (Index("ix_disclosure_student_id", "tenant_id", "student_id", "at"),)

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    at: Mapped[datetime]
    party: Mapped[str]
    purpose: Mapped[str]
    what: Mapped[str]
    what_id: Mapped[UUID | None]
    guardian_id: Mapped[UUID | None] = mapped_column(ForeignKey("guardian.id"))
    person_id: Mapped[UUID | None]
    released_by: Mapped[UUID | None]
    request_id: Mapped[str]
    key_id: Mapped[UUID | None] = mapped_column(ForeignKey("student_key.id"))
    words: Mapped[bytes | None] = mapped_column(LargeBinary)


class AmendmentRequest(Recorded, Base):
    """A family says that a record is wrong; while it is open nothing about the child is destroyed."""

    __tablename__ = "amendment_request"
    __table_args__ = (
        one_of("status", "OPEN", "GRANTED", "REFUSED"),
        one_of("subject_kind", "MARK", "LETTER", "CONTACT", "MEETING", "CASE", "STUDENT", "OTHER"),
        Index("ix_amendment_request_student_id", "tenant_id", "student_id"),
        CheckConstraint("(status = 'OPEN') = (decided_at is null)", name="decided"),
    )

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    guardian_id: Mapped[UUID | None] = mapped_column(ForeignKey("guardian.id"))
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID | None]
    subject_on: Mapped[date | None]
    wrong: Mapped[str | None]
    wanted: Mapped[str | None]
    regime: Mapped[str]
    requested_at: Mapped[datetime]
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    due_on: Mapped[date]
    status: Mapped[str] = mapped_column(server_default="OPEN")
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    statement: Mapped[str | None]


class Incident(Recorded, Base):
    """Something reached the wrong person: what was recalled, and the 72 hours until the regulator must know."""

    __tablename__ = "incident"
    __table_args__ = (
        one_of("kind", "WRONG_PERSON", "WRONG_CONTENT", "LOST", "SEEN_BY_OTHERS"),
        one_of("status", "OPEN", "CLOSED"),
        one_of("regulator", "TOLD", "NOT_NEEDED"),
        Index("ix_incident_open", "tenant_id", "clock_ends_at", postgresql_where=text("status = 'OPEN'")),
        Index("ix_incident_student_id", "tenant_id", "student_id"),
    )

    kind: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="OPEN")
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("message.id"))
    artifact_id: Mapped[UUID | None] = mapped_column(ForeignKey("letter_artifact.id"))
    wrong_guardian_id: Mapped[UUID | None] = mapped_column(ForeignKey("guardian.id"))
    happened: Mapped[str | None]
    noticed_at: Mapped[datetime]
    clock_ends_at: Mapped[datetime]
    reported_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    recalled: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    recall_text: Mapped[str | None]
    regulator: Mapped[str | None]
    regulator_at: Mapped[datetime | None]
    regulator_reason: Mapped[str | None]
    family_told_at: Mapped[datetime | None]
    family_reason: Mapped[str | None]
    outcome: Mapped[str | None]
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None]
