"""What has been kept long enough: counted, or deleted for an approved list; and students who left long ago."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

ROWS = text("""
select retention_rows(cast(:record_class as text), cast(:before as date), cast(:schools as uuid[]),
    cast(:known_at as timestamptz), cast(:carried as uuid))
""")
LEFT = text("""
select s.id from student s join lateral (
    select e.end_date, e.school_id from enrolment e join student o on o.id = e.student_id
    where o.id = s.id or o.merged_into_id = s.id
    order by coalesce(e.end_date, 'infinity') desc, e.school_id limit 1
) last on true
where s.erased_at is null and s.merged_into_id is null and last.end_date < :before
    and last.school_id = any(cast(:schools as uuid[])) and s.id <> all(under_hold())
order by s.id
""")
HELD = text("select :student_id = any(under_hold())")


@dataclass(frozen=True, slots=True)
class Due:
    """One class up to a day, at some schools (None: it knows of no school), as known at an instant."""

    record_class: str
    before: date
    schools: Sequence[UUID] | None
    known_at: datetime


async def rows(session: AsyncSession, due: Due, carried: UUID | None = None) -> int:
    """How many rows are due; with the approved run that lists them, how many were deleted."""
    schools = None if due.schools is None else list(due.schools)
    told = {"record_class": due.record_class, "before": due.before, "schools": schools, "known_at": due.known_at}
    many: int = (await session.execute(ROWS, {**told, "carried": carried})).scalar_one()
    return many


async def left(session: AsyncSession, before: date, schools: Sequence[UUID]) -> list[UUID]:
    """Students whose last day at any school was before, at one of these schools, and whom nothing holds."""
    return list((await session.scalars(LEFT, {"before": before, "schools": list(schools)})).all())


async def held(session: AsyncSession, student_id: UUID) -> bool:
    """Whether nothing may be destroyed about a student now."""
    found: bool = (await session.execute(HELD, {"student_id": student_id})).scalar_one()
    return found
