"""Schools by their ids, as the schedules see them, and whether anything is scheduled at them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Text, cast, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import CalendarSession
from models.people import School
from rules.errors import Invalid, NotFound


def unknown(school_id: UUID) -> NotFound:
    """The refusal of an id that names no school of the tenant."""
    return NotFound(
        "school_not_found",
        f"There is no school {school_id} here: look its id up (GET /schools), or import it in schools.csv first.",
    )


async def of_id(session: AsyncSession, school_id: UUID) -> School:
    """The school of this id."""
    found = await session.get(School, school_id)
    if found is None:
        raise unknown(school_id)
    return found


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


async def refuse_without_calendar(session: AsyncSession, school_id: UUID | None = None) -> None:
    """Without a calendar nothing is scheduled, counted or due: refuse what rests on one; None asks for any school's."""
    wanted = exists() if school_id is None else exists().where(CalendarSession.school_id == school_id)
    if not await session.scalar(select(wanted.select_from(CalendarSession))):
        whose = "No school here has a calendar" if school_id is None else f"School {school_id} has no calendar"
        raise Invalid(
            "no_calendar",
            f"{whose}: import the open sessions (calendar.csv), or enter them (PUT /schools/{{id}}/calendar).",
        )
