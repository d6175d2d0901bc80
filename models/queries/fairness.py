"""Counts for the fairness page: who was on roll in a span, what happened to them, by school and one kind of group."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.backtests import ON_ROLL, Span
from models.queries.protected_attributes import BESIDE
from models.queries.schedule import materialise
from rules.fairness import Counts

# Everybody counts once, at the school they were on roll at last
_PEOPLE: Final = f"""
create temp table fair_person on commit drop as
select distinct on (r.student_id) r.student_id, r.school_id, s.year_group, s.home_language
from ({ON_ROLL}) r join student s on s.id = r.student_id
order by r.student_id, r.since desc, r.school_id
"""
_DONE: Final = """
create temp table fair_done on commit drop as
select distinct p.student_id, d.what from (
    select student_id, 'ENTERED' as what from instance where started_at >= :begin and started_at < :end
    union all
    select i.student_id, 'PROPOSED' from proposal p join instance i on i.id = p.instance_id
    where p.kind = 'STEP' and p.proposed_at >= :begin and p.proposed_at < :end
    union all
    select i.student_id, 'VETOED' from proposal p join instance i on i.id = p.instance_id
    where p.kind = 'STEP' and p.status = 'SKIPPED' and p.decided_at >= :begin and p.decided_at < :end
    union all
    select student_id, case e.type when 'STEP_TAKEN' then coalesce(e.stage_type, 'OTHER')
        when 'EXIT_CONFIRMED' then 'EXITED' else 'LETTER' end
    from event e where e.type in ('STEP_TAKEN', 'LETTER_SENT', 'LETTER_TO_POST', 'EXIT_CONFIRMED')
        and e.occurred_at >= :begin and e.occurred_at < :end
) d join student s on s.id = d.student_id join fair_person p on p.student_id = coalesce(s.merged_into_id, s.id)
"""
# How long a step waited for a person, of every step that was decided on in the span
_WAITED: Final = """
create temp table fair_wait on commit drop as
select p.student_id, extract(epoch from w.decided_at - w.proposed_at) / 86400 as days
from proposal w join instance i on i.id = w.instance_id join student s on s.id = i.student_id
join fair_person p on p.student_id = coalesce(s.merged_into_id, s.id)
where w.kind = 'STEP' and w.decided_by is not null and w.decided_at >= :begin and w.decided_at < :end
"""
_STEPS: Final = (("fair_person", _PEOPLE), ("fair_done", _DONE), ("fair_wait", _WAITED), ("fair_attribute", BESIDE))
_VALUES: Final = """
create temp table fair_value on commit drop as
select p.student_id, p.school_id::text as school_id, coalesce(case cast(:kind as text)
        when 'school' then p.school_id::text
        when 'year_group' then p.year_group
        when 'home_language' then p.home_language
        else (select a.value from fair_attribute a where a.student_id = p.student_id and a.kind = :kind)
    end, '') as value
from fair_person p
"""
_ON_ROLL_BY: Final = text("select school_id, value, count(*)::int from fair_value group by 1, 2")
_DONE_BY: Final = text("""
select d.what, v.school_id, v.value, count(*)::int
from fair_value v join fair_done d using (student_id) group by 1, 2, 3
""")
_WAITED_BY: Final = text("""
select v.value, count(distinct v.student_id)::int as students,
    round(percentile_cont(0.5) within group (order by w.days)::numeric, 1)::float as days
from fair_value v join fair_wait w using (student_id)
where cast(:school as text) is null or v.school_id = :school group by 1
""")
_HELD: Final = text("select distinct kind from fair_attribute order by kind")


@dataclass(frozen=True, slots=True)
class Wait:
    """How many students a decision was waited for, and the median of days."""

    students: int
    days: float


async def gather(session: AsyncSession, span: Span, begin: datetime, end: datetime) -> list[str]:
    """Look everybody up once for this transaction; the kinds of attributes that anybody has."""
    given = {"school": None, "first": span.first, "last": span.last, "begin": begin, "end": end}
    await materialise(session, _STEPS, given)
    return list((await session.scalars(_HELD)).all())


async def counts(session: AsyncSession, kind: str, things: tuple[str, ...]) -> Counts:
    """Students by school and one kind of group; `things` are counted even where they are so of nobody."""
    await materialise(session, (("fair_value", _VALUES),), {"kind": kind})
    on_roll = {(school, value): count for school, value, count in await session.execute(_ON_ROLL_BY)}
    reached: dict[str, dict[tuple[str, str], int]] = {what: {} for what in things}
    for what, school, value, count in await session.execute(_DONE_BY):
        reached.setdefault(what, {})[school, value] = count
    schools, values = ({cell[at] for cell in on_roll} for at in (0, 1))
    return Counts(sorted(schools), sorted(values), on_roll, dict(sorted(reached.items())))


async def waits(session: AsyncSession, school_id: UUID | None) -> Mapping[str, Wait]:
    """By the value of the kind that was counted last."""
    rows = await session.execute(_WAITED_BY, {"school": None if school_id is None else str(school_id)})
    return {value: Wait(students, days) for value, students, days in rows}
