"""After a restore: the beat that the database and Temporal both remember, and what waits for a person's release."""

import datetime as dt
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of

KINDS = ("WORKFLOWS", "SENT_BUT_UNKNOWN", "KNOWN_BUT_NOT_SENT", "IN_DOUBT")
CAUSES = ("DATABASE_OLDER", "TEMPORAL_OLDER", "BY_HAND")


class Witness(Base):
    """The one row that says how far the database has come; `pending` is told to Temporal before it becomes `beat`."""

    __tablename__ = "witness"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, server_default=text("1"))
    installation: Mapped[UUID] = mapped_column(server_default=text("uuidv7()"))
    beat: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    pending: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    beaten_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))


class RestoreHold(Recorded, Base):
    """One class of disagreements that a person must release before anything leaves again."""

    __tablename__ = "restore_hold"
    __table_args__ = (
        one_of("kind", *KINDS),
        one_of("cause", *CAUSES),
        Index("uq_restore_hold_open", "tenant_id", "kind", unique=True, postgresql_where=text("released_at is null")),
    )

    kind: Mapped[str]
    cause: Mapped[str]
    detail: Mapped[str]
    found_at: Mapped[dt.datetime]
    findings: Mapped[int | None]
    released_at: Mapped[dt.datetime | None]
    released_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str | None]
