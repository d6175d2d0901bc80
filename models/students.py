"""Students and what protects, excuses or merges them."""

import datetime as dt
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of

CARE_FLAGS = (
    "EDUCATION_PLAN",
    "LONG_TERM_CONDITION",
    "SOCIAL_WORKER",
    "LOOKED_AFTER",
    "YOUNG_CARER",
    "BEREAVED",
    "PREGNANT",
    "HOMELESS",
    "NEW_ARRIVAL",
    "SAFEGUARDING",
    "PART_TIME_TIMETABLE",
    "STAFF_CHILD",
)


class Student(Recorded, Base):
    """A student; `merged_into_id` is the end of the chain of merged ids (S3.7), null for a student who stands alone."""

    __tablename__ = "student"
    __table_args__ = (
        UniqueConstraint("tenant_id", "source_id"),
        Index("ix_student_merged_into_id", "merged_into_id", postgresql_where="merged_into_id is not null"),
    )

    source_id: Mapped[str]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    dob: Mapped[dt.date | None]
    year_group: Mapped[str | None]
    class_id: Mapped[UUID | None] = mapped_column(ForeignKey("school_class.id"))
    home_language: Mapped[str | None]
    deceased_on: Mapped[dt.date | None]
    deleted_at: Mapped[dt.datetime | None]
    erased_at: Mapped[dt.datetime | None]
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("student.id"))


class StudentMerge(Recorded, Base):
    """One declared step old -> new; the end of the chain is kept in `student.merged_into_id`."""

    __tablename__ = "student_merge"
    __table_args__ = (UniqueConstraint("tenant_id", "old_source_id"),)

    old_source_id: Mapped[str]
    new_source_id: Mapped[str]


class StudentAttribute(Recorded, Base):
    """A protected attribute, readable only by the fairness report (safeguards.md section 12)."""

    __tablename__ = "student_attribute"
    __table_args__ = (UniqueConstraint("tenant_id", "student_id", "kind"),)

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    kind: Mapped[str]
    value: Mapped[str]


class CareFlag(Recorded, Base):
    """A dated care flag: it blocks, slows or redirects; it never starts or hardens a step."""

    __tablename__ = "care_flag"
    __table_args__ = (one_of("kind", *CARE_FLAGS), Index("ix_care_flag_student_id", "tenant_id", "student_id"))

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    kind: Mapped[str]
    starts_on: Mapped[dt.date]
    ends_on: Mapped[dt.date | None]
    set_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class Exemption(Recorded, Base):
    """A dated exemption: scope `stop` ends the ladder, scope `hold` parks it."""

    __tablename__ = "exemption"
    __table_args__ = (one_of("scope", "stop", "hold"), Index("ix_exemption_student_id", "tenant_id", "student_id"))

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    scope: Mapped[str]
    kind: Mapped[str]
    reason: Mapped[str]
    starts_on: Mapped[dt.date]
    ends_on: Mapped[dt.date | None]
    review_on: Mapped[dt.date | None]
    set_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    withdrawn_at: Mapped[dt.datetime | None]


class AbsenceReason(Recorded, Base):
    """A reason given for one absent session, and whether staff accepted it."""

    __tablename__ = "absence_reason"
    __table_args__ = (
        one_of("session", "AM", "PM"),
        one_of("status", "GIVEN", "ACCEPTED", "REFUSED"),
        UniqueConstraint("tenant_id", "student_id", "school_id", "date", "session"),
    )

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    date: Mapped[dt.date]
    session: Mapped[str]
    reason: Mapped[str]
    status: Mapped[str]
    given_by: Mapped[UUID | None] = mapped_column(ForeignKey("guardian.id"))
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[dt.datetime | None]
