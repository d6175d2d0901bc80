"""Schools as the schedules see them."""

from collections.abc import Sequence

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.people import School
from rules.errors import NotFound


async def named(session: AsyncSession, name: str) -> School:
    """The school of this id, ours or its source's."""
    found = await session.scalars(select(School).where(or_(cast(School.id, Text) == name, School.source_id == name)))
    school = found.first()
    if school is None:
        raise NotFound("school_not_found", f"There is no school {name} here: give its id, or the source's.")
    return school


async def time_zones(session: AsyncSession) -> Sequence[str]:
    """The IANA zones in which this tenant has schools; one nightly pass runs for each."""
    return (await session.scalars(select(School.timezone).distinct().order_by(School.timezone))).all()
