"""Referrals: one guardian's case given to a recipient outside the school."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded, one_of


class Referral(Recorded, Base):
    """One guardian's referral, opened by a REFERRAL rung; never sent without the evidence pack that went with it."""

    __tablename__ = "referral"
    __table_args__ = (
        one_of("status", "PREPARING", "SENT", "ACKNOWLEDGED", "DECIDED", "LEFT_OUT", "WITHDRAWN"),
        one_of("referred_to", "AUTHORITY", "COURT"),
        one_of("sent_by_way", "email", "post", "hand", "portal"),
        one_of("result", "MEASURE", "SUPPORT", "NO_ACTION", "SENT_BACK"),
        CheckConstraint(
            "status in ('PREPARING', 'LEFT_OUT') or (sent_on is not null and pack_id is not null)",
            name="sent_with_pack",
        ),
        CheckConstraint("status <> 'DECIDED' or result is not null", name="decided"),
        UniqueConstraint("tenant_id", "effect_key", "guardian_id"),
        Index("ix_referral_student_id", "tenant_id", "student_id"),
        Index(
            "ix_referral_open",
            "tenant_id",
            "school_id",
            "due_on",
            postgresql_where=text("status in ('PREPARING', 'SENT', 'ACKNOWLEDGED')"),
        ),
    )

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[UUID] = mapped_column(ForeignKey("school.id"))
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    instance_id: Mapped[UUID] = mapped_column(ForeignKey("instance.id"))
    guardian_id: Mapped[UUID] = mapped_column(ForeignKey("guardian.id"))
    stage_key: Mapped[str]
    effect_key: Mapped[str]
    referred_to: Mapped[str]
    recipient: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="PREPARING")
    revision: Mapped[int] = mapped_column(server_default=text("0"))
    opened_at: Mapped[datetime]
    due_on: Mapped[date]
    pack_id: Mapped[UUID | None] = mapped_column(ForeignKey("evidence_pack.id"))
    sent_on: Mapped[date | None]
    sent_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    sent_by_way: Mapped[str | None]
    acknowledged_on: Mapped[date | None]
    acknowledged_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    reference: Mapped[str | None]
    result: Mapped[str | None]
    result_on: Mapped[date | None]
    result_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    result_note: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str | None]
