"""Exemptions of a student: the whole list is set at once, what is left out is withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.students import Exemption
from rules.ladder.commands import FactChanged
from services import audit
from services.audit import Act
from services.context import Actor
from services.signals import tell_students


@dataclass(frozen=True, slots=True)
class WantedExemption:
    """One exemption as it should be: scope `stop` ends a ladder, `hold` parks it."""

    scope: str
    kind: str
    reason: str
    starts_on: date
    ends_on: date | None
    review_on: date | None


@dataclass(frozen=True, slots=True)
class PutExemptions:
    """The student's exemptions from now on."""

    student_id: UUID
    wanted: Sequence[WantedExemption]
    reason: str


async def of_student(session: AsyncSession, student_id: UUID, *, lock: bool = False) -> Sequence[Exemption]:
    """The student's exemptions that were not withdrawn, oldest first."""
    wanted = select(Exemption).where(Exemption.student_id == student_id, Exemption.withdrawn_at.is_(None))
    wanted = wanted.order_by(Exemption.starts_on, Exemption.id)
    return (await session.scalars(wanted.with_for_update() if lock else wanted)).all()


async def put(session: AsyncSession, actor: Actor, command: PutExemptions, *, now: datetime) -> Sequence[Exemption]:
    """Withdraw what is no longer wanted, add what is new, leave the rest alone, and tell the running cases."""
    present = {_wanted(one): one for one in await of_student(session, command.student_id, lock=True)}
    for said, row in present.items():
        if said not in command.wanted:
            row.withdrawn_at = now
    session.add_all(
        Exemption(
            student_id=command.student_id,
            scope=one.scope,
            kind=one.kind,
            reason=one.reason,
            starts_on=one.starts_on,
            ends_on=one.ends_on,
            review_on=one.review_on,
            set_by=actor.person_id,
        )
        for one in command.wanted
        if one not in present
    )
    await session.flush()
    act = Act(
        verb="set_exemptions",
        subject_kind="student",
        subject_id=command.student_id,
        student_id=command.student_id,
        reason=command.reason,
        before={"exemptions": sorted(map(str, present))},
        after={"exemptions": sorted(map(str, command.wanted))},
    )
    await audit.record(session, actor, act, now=now)
    await tell_students(session, [command.student_id], "exemption_changed", FactChanged())
    return await of_student(session, command.student_id)


def _wanted(row: Exemption) -> WantedExemption:
    return WantedExemption(row.scope, row.kind, row.reason, row.starts_on, row.ends_on, row.review_on)
