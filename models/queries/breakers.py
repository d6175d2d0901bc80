"""Breakers in SQL: what a school-day's register comes to, which days are counted, and what holds a school."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

ATTENDED = "('PRESENT', 'LATE')"
ABSENT = "('AUTHORISED_ABSENT', 'UNAUTHORISED_ABSENT', 'ABSENT')"
SILENT = "('NO_MARK', 'UNKNOWN')"
WANTED = """
with wanted as materialized (
    select * from unnest(cast(:schools as uuid[]), cast(:days as date[])) w(school_id, date)
)
"""
# Statuses of a session are those of session_fact: a source of exceptions has a PRESENT for whatever it left out.
MEASURE = text(f"""
{WANTED},
scheduled as (
    select w.school_id, w.date, count(distinct coalesce(s.merged_into_id, s.id)) as students,
        count(distinct (coalesce(s.merged_into_id, s.id), c.session)) as sessions
    from wanted w
    join calendar_session c on c.school_id = w.school_id and c.date = w.date
    join enrolment e on e.school_id = w.school_id and e.start_date <= w.date
        and (e.end_date is null or e.end_date >= w.date) and (e.attends = 'AM|PM' or e.attends = c.session)
    join student s on s.id = e.student_id
    group by w.school_id, w.date
),
told as materialized (
    select f.school_id, f.date, f.status, f.code, s.class_id, count(*) as many
    from wanted w
    join session_fact f on f.school_id = w.school_id and f.date = w.date
        and f.known_from <= :known_at and f.known_to > :known_at
    join student s on s.id = f.student_id
    group by f.school_id, f.date, f.status, f.code, s.class_id
),
coded as (
    select school_id, date, case when status in {ABSENT} then 'absent' when status in {ATTENDED} then 'attended'
            else 'unmapped' end as kind, code, sum(many) as many
    from told where status in {ABSENT} or status in {ATTENDED} or status = 'UNKNOWN' group by 1, 2, 3, 4
),
kinds as (
    select school_id, date, kind, jsonb_object_agg(code, many) as codes from coded group by 1, 2, 3
),
codes as (
    select school_id, date, jsonb_object_agg(kind, codes) as counts from kinds group by 1, 2
),
by_class as (
    select school_id, date, class_id, sum(many) filter (where status in {ABSENT} or status in {ATTENDED}) as possible,
        sum(many) filter (where status in {ABSENT}) as absent
    from told group by 1, 2, 3
),
classes as (
    select school_id, date, sum(possible) as possible, sum(absent) as absent,
        jsonb_agg(jsonb_build_array(coalesce(possible, 0), coalesce(absent, 0)) order by class_id)
            filter (where class_id is not null) as classes
    from by_class group by 1, 2
),
marked as (
    select school_id, date, sum(many) as many from told where status not in {SILENT} group by 1, 2
)
insert into register_arrival as r (school_id, date, students, scheduled, marked, possible, absent, counts, updated_at)
select w.school_id, w.date, coalesce(s.students, 0), coalesce(s.sessions, 0), coalesce(m.many, 0),
    coalesce(c.possible, 0), coalesce(c.absent, 0),
    coalesce(o.counts, '{{}}') || jsonb_build_object('classes', coalesce(c.classes, '[]')), :known_at
from wanted w
left join scheduled s using (school_id, date)
left join marked m using (school_id, date)
left join classes c using (school_id, date)
left join codes o using (school_id, date)
on conflict (school_id, date) do update set students = excluded.students, scheduled = excluded.scheduled,
    marked = excluded.marked, possible = excluded.possible, absent = excluded.absent, counts = excluded.counts,
    updated_at = excluded.updated_at
""")
# The last open days of each school up to its evaluation date, counted or not, with the breaker of the day.
DAYS = text("""
select w.school_id, d.date, coalesce(r.updated_at > '-infinity', false) as counted,
    r.students, r.scheduled, r.marked, r.possible,
    r.absent, r.counts, b.id as breaker_id, b.status, b.facts
from unnest(cast(:schools as uuid[]), cast(:lasts as date[])) w(school_id, last)
cross join lateral (
    select distinct c.date from calendar_session c where c.school_id = w.school_id and c.date <= w.last
    order by c.date desc limit :many
) d
left join register_arrival r on r.school_id = w.school_id and r.date = d.date
left join breaker b on b.kind = 'SUSPECT_DAY' and b.school_id = w.school_id and b.date = d.date
order by w.school_id, d.date
""")
LAST_RUNS = text("""
select school_id, max(date) as last from nightly_run where school_id = any(cast(:schools as uuid[])) group by school_id
""")
HELD_FROM = text("select min(date) from breaker where kind = 'SUSPECT_DAY' and status = 'OPEN' and school_id = :school")
HELD_SCHOOLS = text("""
select distinct b.school_id from breaker b join school h on h.id = b.school_id
where b.kind = 'SUSPECT_DAY' and b.status = 'OPEN' and (cast(:zone as text) is null or h.timezone = :zone)
order by b.school_id
""")


@dataclass(frozen=True, slots=True)
class DayRow:
    """One open day of a school; `counted` is false if it never was, or if marks of it have changed since."""

    school_id: UUID
    date: date
    counted: bool
    sums: Mapping[str, int]
    counts: Mapping[str, Any]
    breaker_id: UUID | None
    status: str | None
    facts: Mapping[str, Any]


async def days(session: AsyncSession, lasts: Mapping[UUID, date], many: int) -> Sequence[DayRow]:
    """The last `many` open days of each school up to a date, in order."""
    asked = {"schools": list(lasts), "lasts": list(lasts.values()), "many": many}
    names = ("students", "scheduled", "marked", "possible", "absent")
    return [
        DayRow(
            row.school_id,
            row.date,
            row.counted,
            {} if row.students is None else {name: getattr(row, name) for name in names},
            row.counts or {},
            row.breaker_id,
            row.status,
            row.facts or {},
        )
        for row in await session.execute(DAYS, asked)
    ]


async def measure(session: AsyncSession, wanted: Sequence[tuple[UUID, date]], known_at: datetime) -> None:
    """Count these school-days by the marks known at an instant."""
    asked = {"schools": [one for one, _ in wanted], "days": [day for _, day in wanted], "known_at": known_at}
    await session.execute(MEASURE, asked)


async def last_runs(session: AsyncSession, school_ids: Sequence[UUID]) -> dict[UUID, date]:
    """The last day each school was evaluated for, under whatever version; schools never evaluated are left out."""
    rows = await session.execute(LAST_RUNS, {"schools": list(school_ids)})
    return {row.school_id: row.last for row in rows}


async def held_from(session: AsyncSession, school_id: UUID) -> date | None:
    """The earliest suspect day of a school that waits for a person: nothing is evaluated from there on."""
    found: date | None = await session.scalar(HELD_FROM, {"school": school_id})
    return found


async def held_schools(session: AsyncSession, time_zone: str | None = None) -> Sequence[UUID]:
    """The schools that a suspect day holds, of one zone or of all."""
    return (await session.scalars(HELD_SCHOOLS, {"zone": time_zone})).all()
