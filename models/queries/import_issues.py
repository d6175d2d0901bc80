"""What an import brought that does not count: unknown codes, closed sessions, students who are not on roll."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.schedule import materialise
from rules.attendance.quality import advice

SAMPLES = 20

FRESH = """
create temp table fresh_mark on commit drop as
    select m.date, m.session, m.code, m.school_id, t.source_id as student_source, h.source_id as school_source,
        h.code_set, coalesce(t.merged_into_id, t.id) as one_id
    from mark m join student t on t.id = m.student_id join school h on h.id = m.school_id
    where m.ingest_seq >= :base and m.ingest_seq < :base + 4294967296 and not m.deleted
"""
ROLL = """
create temp table roll on commit drop as
    select coalesce(t.merged_into_id, t.id) as one_id, e.school_id, e.start_date, e.end_date, e.attends
    from enrolment e join student t on t.id = e.student_id
"""
STEPS = (("fresh_mark", FRESH), ("roll", ROLL))

ISSUES = """
with found as (
    select 'UNKNOWN_CODE' as kind, student_source, school_source, date, code as detail from fresh_mark f
    where not exists (select from code_map c where c.code_set = f.code_set and c.code = f.code)
    union all
    select 'MARK_ON_CLOSED_SESSION', student_source, school_source, date, session || ' ' || code from fresh_mark f
    where (school_id, date, session) not in (
        select school_id, date, session from calendar_session union all
        select school_id, date, 'DAY' from calendar_session)
    union all
    select distinct 'NO_CALENDAR', null, school_source, cast(null as date), cast(null as text) from fresh_mark f
    where school_id not in (select school_id from calendar_session)
    union all
    select case when exists (select from roll r where r.one_id = f.one_id and r.school_id = f.school_id)
        then 'MARK_WHILE_NOT_ENROLLED' else 'MARKS_WITHOUT_ENROLMENT' end,
        student_source, school_source, date, session || ' ' || code
    from fresh_mark f
    where not exists (select from roll r
        where r.one_id = f.one_id and r.school_id = f.school_id and f.date >= r.start_date
            and (r.end_date is null or f.date <= r.end_date)
            and (f.session = 'DAY' or r.attends = 'AM|PM' or r.attends = f.session))
),
ranked as (
    select *, row_number() over (partition by kind order by school_source, student_source, date) as place from found
)
select kind, count(*) as count,
    jsonb_agg(jsonb_build_array(student_source, school_source, date, detail) order by place)
        filter (where place <= :samples) as samples
from ranked group by kind order by kind
"""


async def issues(session: AsyncSession, base: int) -> dict[str, Any]:
    """Per kind how often, what to do, and the first of them as [student, school, date, detail] (source ids only)."""
    await materialise(session, STEPS, {"base": base})
    rows = await session.execute(text(ISSUES), {"samples": SAMPLES})
    return {kind: {"count": count, "advice": advice(kind), "first": samples} for kind, count, samples in rows}


# Only ids are shown, and only where an id is what is wrong: another field may hold anything, in a broken file a name
SET_ASIDE = """
with found as (
    select problem, kind, line, row from quarantine_row where import_id = :import_id
),
ranked as (
    select *, row_number() over (partition by problem order by kind, line) as place from found
)
select problem, count(*) as count,
    jsonb_agg(jsonb_build_array(
        case when problem = 'UNKNOWN_STUDENT' then left(row ->> 'student_id', 40) end,
        case when problem in ('UNKNOWN_STUDENT', 'UNKNOWN_SCHOOL') then left(row ->> 'school_id', 40) end,
        null, 'set aside: ' || kind || ', row ' || line) order by place) filter (where place <= :samples) as samples
from ranked group by problem order by problem
"""


async def set_aside(session: AsyncSession, import_id: UUID) -> dict[str, Any]:
    """The rows of an import that were not taken in, as `issues` tells them; GET /attendance/quarantine has all."""
    rows = await session.execute(text(SET_ASIDE), {"import_id": import_id, "samples": SAMPLES})
    return {kind: {"count": count, "advice": advice(kind), "first": samples} for kind, count, samples in rows}


PROGRESS = """
update import_run set step = :step, rows_done = rows_done + :read, rows_accepted = rows_accepted + :accepted,
    rows_duplicate = rows_duplicate + :duplicate, rows_quarantined = rows_quarantined + :quarantined,
    counts = jsonb_set(counts, array[cast(:step as text)],
        to_jsonb(coalesce(cast(counts ->> :step as bigint), 0) + :accepted))
where id = :import_id
"""


async def progress(session: AsyncSession, import_id: UUID, step: str, figures: dict[str, int]) -> None:
    """Count what one block brought, in the block's own transaction."""
    await session.execute(text(PROGRESS), {"import_id": import_id, "step": step, **figures})
