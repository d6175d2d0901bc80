"""The evaluation date: the last school day whose cut-off has passed and whose register has arrived (S10.2)."""

from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.people import School
from models.queries import arrival

LOOK_BACK_DAYS = 30


async def evaluation_date(session: AsyncSession, school_id: UUID, now: datetime) -> date | None:
    """Never the running day before its cut-off; None while no register of the last thirty school days has arrived."""
    school = (await session.scalars(select(School).where(School.id == school_id))).one()
    zone = ZoneInfo(school.timezone)
    today = now.astimezone(zone).date()
    for day in await arrival.latest_open_days(session, school_id, today, LOOK_BACK_DAYS):
        cut_off = datetime.combine(day, school.evaluate_after, zone).astimezone(UTC)
        if cut_off <= now and await arrival.arrived(session, school_id, day, cut_off, now):
            return day
    return None
