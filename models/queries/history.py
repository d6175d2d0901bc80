"""One student's resolved attendance as the pure rules take it: explanations and what-if read this, never the marks."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import CalendarSession, SessionFact
from models.people import School
from rules.attendance.codes import Status
from rules.attendance.history import DayBasis, History, MissingMarkPolicy, ResolvedSession, SchoolSettings, SessionName
from rules.school_calendar import SchoolCalendar


def settings_of(school: School) -> SchoolSettings:
    """The school's row as attendance arithmetic takes it."""
    month, day = (int(part) for part in school.year_start.split("-"))
    return SchoolSettings(
        school.code_set,
        MissingMarkPolicy(school.missing_mark_policy),
        school.sessions_per_day,
        (month, day),
        DayBasis(school.day_basis),
    )


async def history_of(
    session: AsyncSession, student_id: UUID, school_id: UUID, known_at: datetime, through: date
) -> History:
    """Every session with a known status up to a date, those at other schools apart; an unmarked one counts nothing."""
    school = (await session.scalars(select(School).where(School.id == school_id))).one()
    opened = await session.scalars(
        select(CalendarSession.date)
        .where(CalendarSession.school_id == school_id, CalendarSession.date <= through)
        .distinct()
    )
    # Never the known_from and known_to columns: Python has no instant for 'infinity'.
    read = (SessionFact.date, SessionFact.session, SessionFact.status, SessionFact.code, SessionFact.tardy)
    facts = select(*read, SessionFact.minutes_missed, SessionFact.school_id).where(
        SessionFact.student_id == student_id,
        SessionFact.date <= through,
        SessionFact.known_from <= known_at,
        SessionFact.known_to > known_at,
    )
    rows = (await session.execute(facts.order_by(SessionFact.date, SessionFact.session))).all()
    here = tuple(_resolved(row) for row in rows if row.school_id == school_id)
    elsewhere = tuple(_resolved(row) for row in rows if row.school_id != school_id)
    return History(settings_of(school), SchoolCalendar(tuple(sorted(opened.all()))), here, elsewhere)


def _resolved(row: Any) -> ResolvedSession:
    return ResolvedSession(
        row.date, SessionName(row.session), Status(row.status), row.code, row.tardy, row.minutes_missed or 0
    )
