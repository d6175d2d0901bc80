"""Care flags of a student: the whole list is set at once; what is left out ends (safeguards.md section 5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.students import CareFlag
from rules.errors import Invalid
from rules.ladder.commands import FactChanged
from services import audit
from services.audit import Act
from services.context import Actor
from services.signals import tell_students


@dataclass(frozen=True, slots=True)
class WantedFlag:
    """One flag as it should be, both days included; None = until it is taken away."""

    kind: str
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class PutFlags:
    """The student's flags from now on."""

    student_id: UUID
    wanted: Sequence[WantedFlag]
    reason: str


async def of_student(session: AsyncSession, student_id: UUID, *, on: date, lock: bool = False) -> Sequence[CareFlag]:
    """The student's flags that have not ended by this day, those that begin later included."""
    still = or_(CareFlag.ends_on.is_(None), CareFlag.ends_on >= on)
    wanted = select(CareFlag).where(CareFlag.student_id == student_id, still)
    wanted = wanted.order_by(CareFlag.kind, CareFlag.starts_on, CareFlag.id)
    return (await session.scalars(wanted.with_for_update() if lock else wanted)).all()


async def put(session: AsyncSession, actor: Actor, command: PutFlags, *, now: datetime) -> Sequence[CareFlag]:
    """End what is no longer wanted, change the ends that differ, add what is new, and tell the running cases.

    A flag that was in force keeps its past: it ends yesterday. One that never was ends before it begins.
    """
    today = now.date()
    wanted = {(one.kind, one.starts_on): one for one in command.wanted}
    if len(wanted) != len(command.wanted):
        problem = {"body.care_flags": "the same kind twice from the same day: keep one"}
        raise Invalid("care_flag_twice", "A care flag is listed twice.", fields=problem)
    rows = await of_student(session, command.student_id, on=today, lock=True)
    before = _told(rows)
    for row in rows:
        kept = wanted.pop((row.kind, row.starts_on), None)
        if kept is not None:
            row.ends_on = kept.ends_on
        else:
            row.ends_on = today - timedelta(days=1)
    session.add_all(
        CareFlag(
            student_id=command.student_id,
            kind=one.kind,
            starts_on=one.starts_on,
            ends_on=one.ends_on,
            set_by=actor.person_id,
        )
        for one in wanted.values()
    )
    await session.flush()
    present = await of_student(session, command.student_id, on=today)
    act = Act(
        verb="set_care_flags",
        subject_kind="student",
        subject_id=command.student_id,
        student_id=command.student_id,
        reason=command.reason,
        before={"care_flags": before},
        after={"care_flags": _told(present)},
    )
    await audit.record(session, actor, act, now=now)
    await tell_students(session, [command.student_id], "exemption_changed", FactChanged())
    return present


def _told(rows: Sequence[CareFlag]) -> list[str]:
    return [f"{row.kind} {row.starts_on} to {row.ends_on or 'further notice'}" for row in rows]
