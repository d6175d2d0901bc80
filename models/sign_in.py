"""Which account of an identity provider is which person, and the browsers that are signed in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of
from rules.access.sessions import SessionEnd


class PersonIdentity(Recorded, Base):
    """An account, bound to a person at its first sign-in: names and addresses may be given again, a subject may not."""

    __tablename__ = "person_identity"
    __table_args__ = (
        UniqueConstraint("tenant_id", "issuer", "subject"),
        UniqueConstraint("tenant_id", "issuer", "person_id"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    issuer: Mapped[str]
    subject: Mapped[str]


class ConsoleSession(Recorded, Base):
    """A browser that signed in: only fingerprints of its cookie and of the attempt that made it are kept.

    `reach` holds the roles and, where the provider's claims bound one, the ids of its schools.
    """

    __tablename__ = "console_session"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token_hash"),
        UniqueConstraint("tenant_id", "attempt_hash"),
        one_of("ended_by", *(end.value for end in SessionEnd)),
        CheckConstraint("(ended_at is null) = (ended_by is null)", name="ended_for_a_reason"),
        Index("ix_console_session_person_id", "tenant_id", "person_id"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    token_hash: Mapped[str]
    attempt_hash: Mapped[str]
    issuer: Mapped[str | None]
    role: Mapped[str | None]
    reach: Mapped[dict[str, Any]]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
