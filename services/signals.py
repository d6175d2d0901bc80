"""Tells running cases about facts that people enter: one outbox row per open instance, in the fact's transaction."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import StaleAttendance
from models.duties import Duty
from models.instances import Instance
from models.queries.leaving import LEFT
from models.rows import affected
from rules.ladder.commands import AttendanceChanged, Message, SendingChanged
from services import outbox

NEVER_LOOKED: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def tell_students(session: AsyncSession, student_ids: Collection[UUID], signal: str, fact: Message) -> int:
    """Signal every open instance of these students; how many there were."""
    wanted = select(Instance.id).where(Instance.student_id.in_(student_ids), Instance.closed_at.is_(None))
    return await tell(session, (await session.scalars(wanted)).all(), signal, fact)


async def tell(session: AsyncSession, instance_ids: Collection[UUID], signal: str, fact: Message) -> int:
    """Signal these instances; the relay starts none that does not run."""
    for instance_id in instance_ids:
        payload = {"instance_id": str(instance_id), "signal": signal, "argument": fact.model_dump(mode="json")}
        await outbox.enqueue(session, "instance.signal", str(instance_id), payload)
    return len(instance_ids)


async def tell_of_sending(session: AsyncSession, *, on: bool, school_id: UUID | None = None) -> int:
    """Tell those who act, and those who waited for sending when they were last heard of, that the switch was turned.

    Who was put on hold meanwhile, or waits for approval again, still remembers when to ask next: up to an hour away.
    """
    remembers = Instance.state["sending_retry_at"].as_string().is_not(None)
    wanted = select(Instance.id).where(Instance.closed_at.is_(None), or_(Instance.phase == "ACTING", remembers))
    if school_id is not None:
        wanted = wanted.where(Instance.lead_school_id == school_id)
    return await tell(session, (await session.scalars(wanted)).all(), "sending_changed", SendingChanged(on=on))


async def restated(session: AsyncSession, today: date) -> frozenset[UUID]:
    """The open instances whose past is about to be computed anew because more than marks has changed.

    A calendar, an enrolment, a merge or an import taken back changes the past without leaving marks behind: the nightly
    pass cannot see it. Ask in the transaction that made it stale, tell by `tell_restated` once it is computed. Their
    duties are looked at again by the next pass.
    """
    stale = select(StaleAttendance.student_id).where(StaleAttendance.from_date <= today)
    unlooked = update(Duty).where(Duty.student_id.in_(stale))
    await session.execute(unlooked.values(checked_at=NEVER_LOOKED))
    wanted = select(Instance.id).where(Instance.student_id.in_(stale), Instance.closed_at.is_(None))
    return frozenset(await session.scalars(wanted))


async def tell_restated(session: AsyncSession, instance_ids: Collection[UUID], now: datetime) -> None:
    """Have these cases look at their reasons again; a pass of the same second still counts as newer."""
    before_the_pass = int((now - timedelta(seconds=1)).timestamp())
    changed = AttendanceChanged(seq=before_the_pass, corrected=True)
    await tell(session, sorted(instance_ids), "attendance_changed", changed)
    await tell_left(session, sorted(instance_ids), now)


async def tell_left(
    session: AsyncSession, instance_ids: Sequence[UUID], now: datetime, *, day: date | None = None
) -> int:
    """Tell those of these open cases whose student is no longer registered where they are led; how many.

    `day` is the night's. Without one it is today at each school, and only moves inside the tenant are told at once: a
    case that closes for good waits for the night, by which the other school may have said that it has the student.
    """
    asked = {"instances": list(instance_ids), "now": now, "day": day, "at_once": day is None}
    return affected(await session.execute(LEFT, asked)) if instance_ids else 0
