"""Evidence packs, and who has seen their pages."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of


class EvidencePack(Recorded, Base):
    """One pack for one recipient; its pages and every word about it are sealed with the student's key."""

    __tablename__ = "evidence_pack"
    __table_args__ = (
        one_of("kind", "INTERNAL_MEETING", "AUTHORITY_REFERRAL", "COURT", "FAMILY_COPY"),
        one_of("status", "DRAFT", "SIGNED", "RELEASED", "RECALLED"),
        CheckConstraint("released_by <> signed_by", name="two_people"),
        Index("ix_evidence_pack_student_id", "tenant_id", "student_id"),
        Index("ix_evidence_pack_case_id", "tenant_id", "case_id"),
    )

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    kind: Mapped[str]
    guardian_id: Mapped[UUID | None] = mapped_column(ForeignKey("guardian.id"))
    status: Mapped[str] = mapped_column(server_default="DRAFT")
    parts: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    key_id: Mapped[UUID | None] = mapped_column(ForeignKey("student_key.id"))
    words: Mapped[bytes | None] = mapped_column(LargeBinary)
    storage_path: Mapped[str]
    sha256: Mapped[str]
    stored_sha256: Mapped[str]
    size_bytes: Mapped[int]
    pages: Mapped[int]
    engine: Mapped[str]
    prepared_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    prepared_at: Mapped[datetime]
    # up to which session the register was told, and a digest of it: how a later import is seen to have changed it
    register_until: Mapped[str | None]
    register_digest: Mapped[str | None]
    register_moved_at: Mapped[datetime | None]
    asked_on: Mapped[date | None]
    due_on: Mapped[date | None]
    signed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    signed_at: Mapped[datetime | None]
    released_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    released_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    disclosure_id: Mapped[UUID | None] = mapped_column(ForeignKey("disclosure.id"))
    recalled_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    recalled_at: Mapped[datetime | None]


class EvidenceLook(Recorded, Base):
    """A person was given the pages of a pack: nobody releases what they have not seen."""

    __tablename__ = "evidence_look"
    __table_args__ = (UniqueConstraint("tenant_id", "pack_id", "person_id"),)

    pack_id: Mapped[UUID] = mapped_column(ForeignKey("evidence_pack.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    seen_at: Mapped[datetime]
