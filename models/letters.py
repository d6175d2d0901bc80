"""Letter templates, their versions, the stored artifacts and the wrapped keys that seal them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of
from models.governed import Governed


class LetterTemplate(Recorded, Base):
    """A template by its key; its text lives in versions."""

    __tablename__ = "letter_template"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key", "school_id", postgresql_nulls_not_distinct=True),
        one_of("kind", "LETTER", "EMAIL", "SMS", "PUSH", "IN_APP"),
        one_of("lock_scope", "DISTRICT_ONLY", "SCHOOL_OVERRIDE_ALLOWED"),
    )

    key: Mapped[str]
    school_id: Mapped[UUID | None] = mapped_column(ForeignKey("school.id"))
    kind: Mapped[str] = mapped_column(server_default="LETTER")
    title: Mapped[str]
    purpose: Mapped[str]
    lock_scope: Mapped[str] = mapped_column(server_default="DISTRICT_ONLY")


class LetterTemplateVersion(Governed, Base):
    """One version with its translations; a trigger refuses a change of text once it has left DRAFT."""

    __tablename__ = "letter_template_version"
    __table_args__ = (
        UniqueConstraint("tenant_id", "template_id", "version"),
        one_of("status", "DRAFT", "IN_REVIEW", "APPROVED", "RETIRED"),
        CheckConstraint("approved_by is null or approved_by <> author_id", name="four_eyes"),
    )

    template_id: Mapped[UUID] = mapped_column(ForeignKey("letter_template.id"))
    body: Mapped[str]
    translations: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    merge_field_schema: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    required_elements: Mapped[list[str]] = mapped_column(server_default=text("'[]'::jsonb"))


class LetterArtifact(Recorded, Base):
    """A stored document: where it lies, what it weighs, what it said."""

    __tablename__ = "letter_artifact"
    __table_args__ = (
        UniqueConstraint("tenant_id", "effect_key"),
        UniqueConstraint("tenant_id", "storage_path"),
        Index("ix_letter_artifact_instance_id", "tenant_id", "instance_id"),
        one_of("kind", "LETTER", "CHRONOLOGY", "UPLOAD"),
    )

    kind: Mapped[str] = mapped_column(server_default="LETTER")
    instance_id: Mapped[UUID | None] = mapped_column(ForeignKey("instance.id"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    guardian_id: Mapped[UUID | None] = mapped_column(ForeignKey("guardian.id"))
    stage_key: Mapped[str | None]
    template_id: Mapped[UUID | None] = mapped_column(ForeignKey("letter_template.id"))
    template_version: Mapped[int | None]
    language: Mapped[str]
    storage_path: Mapped[str]
    sha256: Mapped[str]
    stored_sha256: Mapped[str]
    size_bytes: Mapped[int]
    pages: Mapped[int]
    engine: Mapped[str]
    key_id: Mapped[UUID | None] = mapped_column(ForeignKey("student_key.id"))
    merge_data: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    effect_key: Mapped[str | None]
    generated_at: Mapped[datetime]
    superseded_by: Mapped[UUID | None] = mapped_column(ForeignKey("letter_artifact.id"))
    rescinded_at: Mapped[datetime | None]


class StudentKey(Recorded, Base):
    """The data key of one student and record class, wrapped by the tenant key; destroying it erases what it sealed.

    Without a student it is the tenant's own key of that class, for what concerns no student.
    """

    __tablename__ = "student_key"
    __table_args__ = (UniqueConstraint("tenant_id", "student_id", "record_class", postgresql_nulls_not_distinct=True),)

    student_id: Mapped[UUID | None] = mapped_column(ForeignKey("student.id"))
    record_class: Mapped[str]
    wrapped_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    tenant_key_id: Mapped[str]
    destroyed_at: Mapped[datetime | None]
