"""A school's open sessions: replaced between two days, everybody at the school computed anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import CalendarSession
from models.queries.import_blocks import stale_schools
from rules.errors import Invalid
from services import audit, outbox
from services.audit import Act
from services.context import Actor


@dataclass(frozen=True, slots=True)
class Open:
    """One open session."""

    date: date
    session: str
    minutes: int


@dataclass(frozen=True, slots=True)
class PutCalendar:
    """The open sessions between two days, both inclusive."""

    school_id: UUID
    first: date
    last: date
    sessions: Sequence[Open]
    reason: str


async def between(session: AsyncSession, school_id: UUID, first: date, last: date) -> Sequence[CalendarSession]:
    """The open sessions between two days, in order."""
    wanted = select(CalendarSession).where(
        CalendarSession.school_id == school_id, CalendarSession.date.between(first, last)
    )
    return (await session.scalars(wanted.order_by(CalendarSession.date, CalendarSession.session))).all()


async def put(session: AsyncSession, actor: Actor, command: PutCalendar, *, now: datetime) -> None:
    """Replace the span; marks on closed sessions are kept and count again if the day is opened."""
    outside = [one for one in command.sessions if not command.first <= one.date <= command.last]
    keys = {(one.date, one.session) for one in command.sessions}
    if outside or len(keys) != len(command.sessions) or command.last < command.first:
        problem = "each session once, between from_date and to_date"
        raise Invalid("calendar_invalid", "The calendar was not changed.", fields={"body.sessions": problem})
    rows = await between(session, command.school_id, command.first, command.last)
    before = [f"{row.date} {row.session}" for row in rows]
    await session.execute(
        delete(CalendarSession).where(
            CalendarSession.school_id == command.school_id,
            CalendarSession.date.between(command.first, command.last),
        )
    )
    session.add_all(
        CalendarSession(school_id=command.school_id, date=one.date, session=one.session, minutes=one.minutes)
        for one in command.sessions
    )
    await session.flush()
    await stale_schools(session, [command.school_id], [])
    act = Act(
        verb="change_calendar",
        subject_kind="school",
        subject_id=command.school_id,
        reason=command.reason,
        before={"sessions": before},
        after={"sessions": sorted(f"{one.date} {one.session}" for one in command.sessions)},
    )
    entry = await audit.record(session, actor, act, now=now)
    await outbox.enqueue(session, "import.finished", f"calendar/{entry}", {"school_id": str(command.school_id)})
