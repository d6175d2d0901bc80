"""Import runs, declared feeds and the rows that were quarantined."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of


class FeedSource(Recorded, Base):
    """How one source writes its files: encoding, date order, columns, code set (stored once, used at each import)."""

    __tablename__ = "feed_source"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)

    key: Mapped[str]
    kind: Mapped[str]
    declaration: Mapped[dict[str, Any]]


class ImportRun(Recorded, Base):
    """One import with its progress, so that it can be resumed or rolled back by id."""

    __tablename__ = "import_run"
    __table_args__ = (one_of("status", "RUNNING", "FINISHED", "FAILED", "ROLLED_BACK"),)

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    kind: Mapped[str]
    source_name: Mapped[str]
    fingerprint: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="RUNNING")
    step: Mapped[str | None]
    rows_done: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rows_accepted: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rows_duplicate: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rows_quarantined: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    issues: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    error: Mapped[str | None]
    started_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    finished_at: Mapped[datetime | None]


class QuarantineRow(Recorded, Base):
    """A row that was not taken in, with the reason; nothing is guessed."""

    __tablename__ = "quarantine_row"
    __table_args__ = (
        one_of("status", "OPEN", "RESOLVED", "DISMISSED"),
        Index("ix_quarantine_row_import_id", "tenant_id", "import_id"),
    )

    import_id: Mapped[UUID] = mapped_column(ForeignKey("import_run.id"))
    kind: Mapped[str]
    line: Mapped[int] = mapped_column(BigInteger)
    problem: Mapped[str]
    detail: Mapped[str | None]
    row: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(server_default="OPEN")
    resolved_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    resolved_at: Mapped[datetime | None]
    resolution: Mapped[str | None]
