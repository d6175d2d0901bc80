"""Has a school-day's register arrived? The evaluation date waits for it (attendance.md S10.2)."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

LATEST_DAYS = text("""
select distinct date from calendar_session
where school_id = :school and date <= :today order by date desc limit :many
""")
# A source that only sends exceptions says nothing about those who are there: its register counts as arrived once
# anything dated that day or later has come, or a delivery was finished after the day's cut-off.
ARRIVED = text("""
with scheduled as (
    select count(distinct e.student_id) as students
    from enrolment e join calendar_session c on c.school_id = e.school_id and c.date = :day
        and (e.attends = 'AM|PM' or e.attends = c.session)
    join student s on s.id = e.student_id and s.merged_into_id is null
    where e.school_id = :school and e.start_date <= :day and (e.end_date is null or e.end_date >= :day)
), marked as (
    select count(distinct f.student_id) as students from session_fact f
    where f.school_id = :school and f.date = :day and f.known_from <= :known_at and f.known_to > :known_at
        and f.status not in ('NO_MARK', 'UNKNOWN')
)
select case
    when scheduled.students = 0 then true
    when school.missing_mark_policy = 'EXCLUDE' then marked.students * 100 >= school.register_share * scheduled.students
    else exists (select 1 from mark m where m.school_id = :school and m.date >= :day and m.recorded_at <= :known_at)
        or exists (select 1 from import_run r where r.finished_at >= :cut_off and r.finished_at <= :known_at)
end
from scheduled, marked, school where school.id = :school
""")


async def latest_open_days(session: AsyncSession, school_id: UUID, today: date, many: int) -> Sequence[date]:
    """The school's last open dates up to today, latest first."""
    days = await session.scalars(LATEST_DAYS, {"school": school_id, "today": today, "many": many})
    return days.all()


async def arrived(session: AsyncSession, school_id: UUID, day: date, cut_off: datetime, known_at: datetime) -> bool:
    """Whether the day's register has arrived by `known_at` (marks for the school's share of scheduled students)."""
    given = {"school": school_id, "day": day, "cut_off": cut_off, "known_at": known_at}
    answer: bool | None = await session.scalar(ARRIVED, given)
    return bool(answer)
