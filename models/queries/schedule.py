"""The batch of students being recomputed, and which sessions exist for them (attendance.md S3.7, S4.1)."""

from collections.abc import Iterable, Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# One row per (student, school): facts are rebuilt from `from_date` to `to_date`, summaries from `start` on.
CREATE_BATCH = """
create temp table if not exists batch (
    student_id uuid not null, school_id uuid not null, from_date date not null, to_date date not null,
    start date not null, primary key (student_id, school_id)
) on commit delete rows
"""

# Stale rows are taken under lock, so that two recomputations never share a student; a summary is continued from the
# first day that has none, otherwise days between the last summary and the change would be skipped.
TAKE_BATCH = """
with taken as (
    delete from stale_attendance where (student_id, school_id) in (
        select student_id, school_id from stale_attendance order by student_id, school_id
        limit :size for update skip locked)
    returning student_id, school_id, from_date, to_date
)
insert into batch
select t.student_id, t.school_id, t.from_date, t.to_date,
    least(t.from_date, coalesce(
        (select max(y.date) + 1 from summary y where y.student_id = t.student_id and y.school_id = t.school_id),
        date '2000-01-01'))
from taken t
"""

# All ids of a student, merged ones included; an id that was merged away has no sessions of its own (S3.7).
MEMBER = """
create temp table member on commit drop as
    select b.student_id, b.school_id, b.from_date, b.to_date, b.start, b.student_id as any_id
    from batch b join student s on s.id = b.student_id and s.merged_into_id is null
    union all
    select b.student_id, b.school_id, b.from_date, b.to_date, b.start, s.id
    from batch b join student s on s.merged_into_id = b.student_id
"""

# Open sessions; a DAY mark that says LATE is late for the first of a day only (S3.5).
OPENED = """
create temp table opened on commit drop as
    select c.school_id, c.date, c.session, c.minutes, school_year_start(c.date, h.year_start) as year,
        row_number() over (partition by c.school_id, c.date order by c.session) = 1 as first_of_day
    from calendar_session c join school h on h.id = c.school_id
    where c.school_id in (select school_id from batch) and c.date >= (select min(least(from_date, start)) from batch)
"""

STEPS = (("member", MEMBER), ("opened", OPENED))


async def materialise(session: AsyncSession, steps: Iterable[tuple[str, str]], given: Mapping[str, object]) -> None:
    """Make each step a temporary table with statistics of its own: the planner cannot guess how large a batch is."""
    for name, statement in steps:
        await session.execute(text(f"drop table if exists pg_temp.{name}"))
        await session.execute(text(statement), {key: given[key] for key in given if f":{key}" in statement})
        await session.execute(text(f"analyze {name}"))
