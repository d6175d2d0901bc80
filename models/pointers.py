"""Pointers: links that lead one guardian to one thing, the codes sent for them and the browsers that gave one back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of
from rules.access.pointers import PointerEnd, PointerKind


class Pointer(Recorded, Base):
    """A link to one thing of one guardian; of its token only a fingerprint is kept, so it is shown once."""

    __tablename__ = "pointer"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token_hash"),
        one_of("kind", *(kind.value for kind in PointerKind)),
        one_of("ended_by", *(end.value for end in PointerEnd)),
        CheckConstraint("(ended_at is null) = (ended_by is null)", name="ended_for_a_reason"),
        Index("ix_pointer_guardian_id", "tenant_id", "guardian_id"),
        Index("ix_pointer_student_id", "tenant_id", "student_id"),
    )

    guardian_id: Mapped[UUID] = mapped_column(ForeignKey("guardian.id"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    kind: Mapped[str]
    thing_id: Mapped[UUID]
    token_hash: Mapped[str]
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    opened_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]


class PointerVisit(Recorded, Base):
    """A code sent to a channel on file; once given back, the browser that may look while it keeps looking."""

    __tablename__ = "pointer_visit"
    __table_args__ = (
        UniqueConstraint("tenant_id", "value_hash"),
        one_of("channel", "EMAIL"),
        Index("ix_pointer_visit_pointer_id", "tenant_id", "pointer_id"),
    )

    pointer_id: Mapped[UUID] = mapped_column(ForeignKey("pointer.id"))
    channel: Mapped[str]
    code_hash: Mapped[str]
    sent_at: Mapped[datetime]
    proved_at: Mapped[datetime | None]
    value_hash: Mapped[str | None]
    seen_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
