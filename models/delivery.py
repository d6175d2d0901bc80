"""Messages to families, their attempts, the sending switch and the breakers."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of

CHANNELS = ("EMAIL", "POST", "SMS", "PUSH", "IN_APP")
DELIVERY = (
    "QUEUED",
    "SENDING",
    "SENT",
    "DELIVERED",
    "FAILED",
    "BOUNCED",
    "RETURNED",
    "SUPPRESSED",
    "OPTED_OUT",
    "DEFERRED_QUIET_HOURS",
    "CAPPED",
    "NO_ADDRESS",
    "SUPERSEDED",
    "WITHHELD",
    "CANCELLED",
)


class Message(Recorded, Base):
    """One message to one guardian; the dedupe key makes a second one impossible."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("tenant_id", "dedupe_key"),
        one_of("status", *DELIVERY),
        Index("ix_message_instance_id", "tenant_id", "instance_id"),
    )

    dedupe_key: Mapped[str]
    kind: Mapped[str]
    instance_id: Mapped[UUID | None] = mapped_column(ForeignKey("instance.id"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    guardian_id: Mapped[UUID] = mapped_column(ForeignKey("guardian.id"))
    artifact_id: Mapped[UUID | None] = mapped_column(ForeignKey("letter_artifact.id"))
    meeting_id: Mapped[UUID | None] = mapped_column(ForeignKey("meeting.id"))
    stage_key: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="QUEUED")
    withheld_reason: Mapped[str | None]
    channel: Mapped[str | None]
    sent_at: Mapped[dt.datetime | None]
    delivered_at: Mapped[dt.datetime | None]
    effective_day: Mapped[dt.date | None]
    recorded_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    data: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


class MessageAttempt(Recorded, Base):
    """One try on one channel, with what the provider said."""

    __tablename__ = "message_attempt"
    __table_args__ = (
        UniqueConstraint("tenant_id", "message_id", "number"),
        one_of("channel", *CHANNELS),
        one_of("status", *DELIVERY),
        Index("ix_message_attempt_attempted_at", "tenant_id", "attempted_at"),
    )

    message_id: Mapped[UUID] = mapped_column(ForeignKey("message.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    channel: Mapped[str]
    status: Mapped[str]
    provider: Mapped[str | None]
    provider_id: Mapped[str | None]
    error: Mapped[str | None]
    attempted_at: Mapped[dt.datetime]


class SendingSwitch(Recorded, Base):
    """Off stops every outgoing message of its scope: the tenant, a school, a channel, or both."""

    __tablename__ = "sending_switch"
    __table_args__ = (
        UniqueConstraint("tenant_id", "school_id", "channel", postgresql_nulls_not_distinct=True),
        one_of("channel", *CHANNELS),
    )

    school_id: Mapped[UUID | None] = mapped_column(ForeignKey("school.id"))
    channel: Mapped[str | None]
    enabled: Mapped[bool]
    reason: Mapped[str | None]
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    changed_at: Mapped[dt.datetime]


class Breaker(Recorded, Base):
    """A tripped safeguard that waits for a person: a suspect school-day or a batch out of the ordinary."""

    __tablename__ = "breaker"
    __table_args__ = (
        one_of("kind", "SUSPECT_DAY", "BATCH", "CAP"),
        one_of("status", "OPEN", "RELEASED", "CLEARED"),
        UniqueConstraint("tenant_id", "kind", "school_id", "date", "stage_key", postgresql_nulls_not_distinct=True),
    )

    kind: Mapped[str]
    school_id: Mapped[UUID | None] = mapped_column(ForeignKey("school.id"))
    date: Mapped[dt.date | None]
    stage_key: Mapped[str | None]
    # a suspect day clears by itself once a correction has made it an ordinary one
    status: Mapped[str] = mapped_column(server_default="OPEN")
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    released_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    released_at: Mapped[dt.datetime | None]
    release_reason: Mapped[str | None]
