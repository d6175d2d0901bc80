"""The register of some students as the tables a district folder holds, row for row; and who is still to be walked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# On roll in the span under the id they became; whoever was deleted, has died or was erased is left out
ON_ROLL: Final = """
    select one.id as student_id, e.school_id, max(e.start_date) as since
    from enrolment e
    join student s on s.id = e.student_id
    join student one on one.id = coalesce(s.merged_into_id, s.id)
    where (cast(:school as uuid) is null or e.school_id = :school) and e.registration = 'MAIN'
        and e.start_date <= :last and (e.end_date is null or e.end_date >= :first)
        and one.deleted_at is null and one.deceased_on is null and one.erased_at is null
    group by one.id, e.school_id
"""
_SCHOOLS: Final = text(f"select school_id, count(*)::int from ({ON_ROLL}) r group by school_id order by school_id")
_NEXT: Final = text(f"""
select r.student_id from ({ON_ROLL}) r
where not exists (select from backtest_walk w where w.backtest_id = :backtest and w.student_id = r.student_id
    and w.school_id = r.school_id)
order by r.student_id limit :many
""")
_IDS: Final = """ids as (
    select s.id as any_id, coalesce(s.merged_into_id, s.id) as student_id from student s
    where s.id = any(cast(:students as uuid[])) or s.merged_into_id = any(cast(:students as uuid[]))
)"""
_TABLES: Final = {
    "schools": """
        select id::text as school_id, code_set, missing_mark_policy, sessions_per_day::text as sessions_per_day,
            year_start, day_basis
        from school where id = any(cast(:schools as uuid[])) order by id""",
    "code_map": """
        select code_set, code, status, case when is_tardy then '1' else '' end as is_tardy from code_map
        where code_set in (select code_set from school where id = any(cast(:schools as uuid[])))
        order by code_set, code""",
    "calendar": """
        select school_id::text as school_id, date::text as date, session, minutes::text as minutes
        from calendar_session where school_id = any(cast(:schools as uuid[])) and date >= :since
        order by school_id, date, session""",
    "enrolments": f"""
        with {_IDS}
        select i.student_id::text as student_id, e.school_id::text as school_id, e.start_date::text as start_date,
            coalesce(e.end_date::text, '') as end_date, e.attends
        from ids i join enrolment e on e.student_id = i.any_id
        where e.school_id = any(cast(:schools as uuid[])) order by 1, 2, 3""",
    # as a file lists them: by the instant of recording, then as they came in
    "marks": f"""
        with {_IDS}
        select i.student_id::text as student_id, m.school_id::text as school_id, m.date::text as date, m.session,
            m.code, to_char(m.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as recorded_at, m.register,
            case when m.deleted then '1' else '' end as deleted, coalesce(m.minutes_missed::text, '') as minutes_missed
        from ids i join mark m on m.student_id = i.any_id
        where m.school_id = any(cast(:schools as uuid[])) and m.date between :since and :last
        order by m.recorded_at, m.ingest_seq""",
}
_ATTENDED: Final = text(f"""
with {_IDS} select distinct e.school_id from ids i join enrolment e on e.student_id = i.any_id
""")


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a backtest, both inclusive, and how far back its marks are read."""

    first: date
    last: date
    since: date


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one table as columns of text: what readers of files hand over too."""

    rows: Sequence[int]
    columns: dict[str, Sequence[str]] = field(default_factory=dict)


async def on_roll(session: AsyncSession, school_id: UUID | None, span: Span) -> dict[UUID, int]:
    """How many students there are to walk at each school."""
    told = {"school": school_id, "first": span.first, "last": span.last}
    return {row[0]: row[1] for row in await session.execute(_SCHOOLS, told)}


async def not_walked(
    session: AsyncSession, backtest_id: UUID, school_id: UUID, span: Span, *, many: int
) -> Sequence[UUID]:
    """The next students of a school without a walk."""
    told = {"school": school_id, "first": span.first, "last": span.last, "backtest": backtest_id, "many": many}
    return (await session.scalars(_NEXT, told)).all()


async def schools_of(session: AsyncSession, students: Sequence[UUID]) -> Sequence[UUID]:
    """Every school these students were ever enrolled at."""
    return (await session.scalars(_ATTENDED, {"students": list(students)})).all()


async def register(
    session: AsyncSession, students: Sequence[UUID], schools: Sequence[UUID], span: Span
) -> dict[str, Table]:
    """What a district folder would hold of these students at these schools; ids are ours."""
    told: dict[str, Any] = {
        "students": list(students),
        "schools": list(schools),
        "since": span.since,
        "last": span.last,
    }
    found = {}
    for name, statement in _TABLES.items():
        result = await session.execute(text(statement), {one: told[one] for one in told if f":{one}" in statement})
        rows = result.all()
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(result.keys())
        found[name] = Table(range(2, len(rows) + 2), dict(zip(result.keys(), columns, strict=True)))
    return found
