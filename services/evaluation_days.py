"""The evaluation date: the last school day whose cut-off has passed and whose register has arrived (S10.2)."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.people import School
from models.queries import arrival, breakers

LOOK_BACK_DAYS = 30


async def evaluation_date(session: AsyncSession, school_id: UUID, now: datetime) -> date | None:
    """Never the running day before its cut-off; None while no register of the last thirty school days has arrived.

    Nothing is decided on a suspect day, nor on a later one that counts it: until a person releases it, the day before
    the earliest is the last (safeguards.md section 7).
    """
    held = await breakers.held_from(session, school_id)
    return await arrived_day(session, school_id, now, before=held)


async def arrived_day(
    session: AsyncSession, school_id: UUID, now: datetime, *, before: date | None = None
) -> date | None:
    """The same whether or not a day is suspect; `before` a date if one is given."""
    school = (await session.scalars(select(School).where(School.id == school_id))).one()
    today = now.astimezone(ZoneInfo(school.timezone)).date()
    last = today if before is None else min(today, before - timedelta(days=1))
    for day in await arrival.latest_open_days(session, school_id, last, LOOK_BACK_DAYS):
        if await _arrived(session, school, day, now):
            return day
    return None


async def missed_days(session: AsyncSession, school_id: UUID, span: tuple[date, date], now: datetime) -> list[date]:
    """The days between the last one evaluated and the evaluation date whose register has arrived, in order."""
    school = (await session.scalars(select(School).where(School.id == school_id))).one()
    since, on = span
    days = await arrival.latest_open_days(session, school_id, on - timedelta(days=1), LOOK_BACK_DAYS)
    return [day for day in reversed(days) if day > since and await _arrived(session, school, day, now)]


async def _arrived(session: AsyncSession, school: School, day: date, now: datetime) -> bool:
    cut_off = datetime.combine(day, school.evaluate_after, ZoneInfo(school.timezone)).astimezone(UTC)
    return cut_off <= now and await arrival.arrived(session, school.id, day, cut_off, now)
