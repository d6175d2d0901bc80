"""Who reaches which student beside a school's staff: classes, named students, kinship, accounts of guardians."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, Tenanted, one_of


class ClassScope(Tenanted, Base):
    """A class whose students a teacher or facilitator reaches."""

    __tablename__ = "class_scope"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    class_id: Mapped[UUID] = mapped_column(ForeignKey("school_class.id"), primary_key=True)


class StudentScope(Recorded, Base):
    """One student a person reaches: as a named case (with an end), in a group, or as the student themself."""

    __tablename__ = "student_scope"
    __table_args__ = (
        UniqueConstraint("tenant_id", "person_id", "student_id", "kind"),
        one_of("kind", "CASE", "GROUP", "SELF"),
        CheckConstraint("kind <> 'CASE' or ends_on is not null", name="named_cases_end"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    kind: Mapped[str]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]


class Kinship(Recorded, Base):
    """A student to whom a member of staff is guardian or relative: their record is closed to them."""

    __tablename__ = "kinship"
    __table_args__ = (
        UniqueConstraint("tenant_id", "person_id", "student_id"),
        one_of("relation", "GUARDIAN", "RELATIVE"),
        Index("ix_kinship_student_id", "tenant_id", "student_id"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    relation: Mapped[str]
    declared_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class GuardianAccount(Tenanted, Base):
    """The guardian a person signs in as; the children follow from the links that are in force."""

    __tablename__ = "guardian_account"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    guardian_id: Mapped[UUID] = mapped_column(ForeignKey("guardian.id"))
