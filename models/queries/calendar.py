"""A school's open days as deadlines and follow-up weeks need them."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import CalendarSession, Enrolment
from models.people import School


async def time_zone(session: AsyncSession, school_id: UUID) -> ZoneInfo:
    """The school's IANA zone."""
    name = (await session.scalars(select(School.timezone).where(School.id == school_id))).one()
    return ZoneInfo(name)


async def local_date(session: AsyncSession, school_id: UUID, now: datetime) -> date:
    """The school's calendar date at an instant."""
    return now.astimezone(await time_zone(session, school_id)).date()


async def open_days_from(session: AsyncSession, school_id: UUID, first: date, many: int) -> Sequence[date]:
    """The next `many` dates from `first` on (inclusive) on which the school is open; fewer if the calendar ends."""
    days = (
        select(CalendarSession.date)
        .where(CalendarSession.school_id == school_id, CalendarSession.date >= first)
        .distinct()
        .order_by(CalendarSession.date)
        .limit(many)
    )
    return (await session.scalars(days)).all()


async def open_days_between(session: AsyncSession, school_id: UUID, first: date, last: date) -> Sequence[date]:
    """Every open date in the span, both ends inclusive."""
    days = (
        select(CalendarSession.date)
        .where(CalendarSession.school_id == school_id, CalendarSession.date.between(first, last))
        .distinct()
        .order_by(CalendarSession.date)
    )
    return (await session.scalars(days)).all()


async def first_attendable_day(session: AsyncSession, student_id: UUID, school_id: UUID, after: date) -> date | None:
    """The first open date after `after` on which the student is enrolled for a session that is open."""
    day = (
        select(CalendarSession.date)
        .join(
            Enrolment,
            and_(
                Enrolment.school_id == CalendarSession.school_id,
                Enrolment.student_id == student_id,
                Enrolment.start_date <= CalendarSession.date,
                or_(Enrolment.end_date.is_(None), Enrolment.end_date >= CalendarSession.date),
                or_(Enrolment.attends == "AM|PM", Enrolment.attends == CalendarSession.session),
            ),
        )
        .where(CalendarSession.school_id == school_id, CalendarSession.date > after)
        .order_by(CalendarSession.date)
        .limit(1)
    )
    return (await session.scalars(day)).first()
