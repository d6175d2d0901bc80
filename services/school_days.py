"""School days turned into dates and instants: what "ten school days later" means at this school."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from models.queries import calendar
from rules.errors import Invalid
from services.context import CaseRef

DAYS_UNTIL_JUDGED = 8  # the Tuesday after a Monday-Sunday week: feeds arrive on Monday


@dataclass(frozen=True, slots=True)
class Counted:
    """`days[i]` is the nth school day asked for, `instants[i]` its start at the school (aware UTC)."""

    counted_from: date
    days: tuple[date, ...]
    instants: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class SchoolWeek:
    """Monday, Sunday and the instant from which the week's registers can be judged."""

    first: date
    last: date
    check_at: datetime


async def today(session: AsyncSession, case: CaseRef) -> date:
    """The school's local date of the order."""
    return await calendar.local_date(session, case.school_id, case.now)


async def start_of(session: AsyncSession, case: CaseRef, day: date) -> datetime:
    """00:00 of a local date at the school."""
    zone = await calendar.time_zone(session, case.school_id)
    return datetime.combine(day, time(), zone).astimezone(UTC)


async def count(session: AsyncSession, case: CaseRef, from_day: date | None, school_days: tuple[int, ...]) -> Counted:
    """For each n the nth open day after `from_day` (0 = the first on or after it); Invalid `no_calendar` if it ends."""
    start = from_day or await today(session, case)
    after = await calendar.open_days_from(
        session, case.school_id, start + timedelta(days=1), max(school_days, default=0)
    )
    on_or_after = await calendar.open_days_from(session, case.school_id, start, 1)
    if len(after) < max(school_days, default=0) or (0 in school_days and not on_or_after):
        raise Invalid(
            "no_calendar",
            f"The calendar of school {case.school_id} ends before school day {max(school_days)} after {start}: "
            "load the next school year's calendar, then resume the case.",
        )
    days = tuple(after[n - 1] if n else on_or_after[0] for n in school_days)
    return Counted(start, days, tuple([await start_of(session, case, day) for day in days]))


async def day_after(session: AsyncSession, case: CaseRef, school_days: int) -> date:
    """The open day that lies `school_days` after today; the last known one if the calendar ends sooner.

    For due dates of staff work, which must not fail for want of next year's calendar.
    """
    start = await today(session, case)
    days = await calendar.open_days_from(session, case.school_id, start + timedelta(days=1), school_days)
    return days[-1] if days else start + timedelta(days=school_days)


async def next_week(session: AsyncSession, case: CaseRef, after: date | None) -> SchoolWeek:
    """The next Monday-Sunday week that begins after `after` and has a session the student is enrolled for."""
    start = after or await today(session, case)
    sunday = start + timedelta(days=6 - start.weekday())
    day = await calendar.first_attendable_day(session, case.student_id, case.school_id, sunday)
    if day is None:
        raise Invalid(
            "no_calendar",
            f"No open session follows {sunday} for student {case.student_id} at school {case.school_id}: load the next "
            "school year's calendar or end the enrolment, then resume the case.",
        )
    monday = day - timedelta(days=day.weekday())
    judged = await start_of(session, case, monday + timedelta(days=DAYS_UNTIL_JUDGED))
    return SchoolWeek(monday, monday + timedelta(days=6), judged)
