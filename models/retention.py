"""Lists of what has been kept long enough: signed when made, approved by a second person, then carried out."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of


class RetentionRun(Recorded, Base):
    """One list; `lines` never change once it is made, `done` says how many went of each, by the line's number."""

    __tablename__ = "retention_run"
    __table_args__ = (
        one_of("status", "LISTED", "APPROVED", "DONE"),
        CheckConstraint("approved_by <> listed_by", name="four_eyes"),
        CheckConstraint("status = 'LISTED' or approved_by is not null", name="decided"),
    )

    status: Mapped[str] = mapped_column(server_default="LISTED")
    today: Mapped[date]
    known_at: Mapped[datetime]
    lines: Mapped[list[Any]]
    sha256: Mapped[str]
    signature: Mapped[str]
    listed_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    done: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    done_at: Mapped[datetime | None]
