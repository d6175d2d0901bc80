"""Schools as the schedules see them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.people import School


async def time_zones(session: AsyncSession) -> Sequence[str]:
    """The IANA zones in which this tenant has schools; one nightly pass runs for each."""
    return (await session.scalars(select(School.timezone).distinct().order_by(School.timezone))).all()
