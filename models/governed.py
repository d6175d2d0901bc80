"""What every governed version shares: one person writes it, a second one agrees to it, then it never changes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Recorded


class Governed(Recorded):
    """A version with its number, where it stands, who wrote it and who agreed; `reason` is that of the last step."""

    version: Mapped[int]
    digest: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="DRAFT")
    revision: Mapped[int] = mapped_column(server_default=text("0"))
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    submitted_at: Mapped[datetime | None]
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
    reason: Mapped[str | None]
