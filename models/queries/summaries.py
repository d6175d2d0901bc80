"""Daily summaries and running totals from session facts, set-based, from a changed date on (attendance.md S4.5, S5)."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.schedule import materialise
from models.rows import affected

# What is final now, on every scheduled session up to the school's local day of `now`.
SITTING = """
create temp table sitting on commit drop as
    select distinct m.student_id, m.school_id, o.year, o.date, o.session
    from member m
    join enrolment e on e.student_id = m.any_id and e.school_id = m.school_id
    join school h on h.id = m.school_id
    join opened o on o.school_id = m.school_id and o.date >= m.start
        and o.date <= (cast(:now as timestamptz) at time zone h.timezone)::date
        and o.date >= e.start_date and (e.end_date is null or o.date <= e.end_date)
        and (e.attends = 'AM|PM' or e.attends = o.session)
"""

# There is one fact a session, so any of its values is the value.
DAYS = """
day as (
    select s.student_id, s.school_id, s.year, s.date,
        any_value(coalesce(f.status, 'NO_MARK')) filter (where s.session = 'AM') as am_status,
        any_value(coalesce(f.status, 'NO_MARK')) filter (where s.session = 'PM') as pm_status,
        any_value(coalesce(f.code, '')) filter (where s.session = 'AM') as am_code,
        any_value(coalesce(f.code, '')) filter (where s.session = 'PM') as pm_code,
        any_value(coalesce(f.reason_code, nullif(f.code, ''))) filter (where s.session = 'AM') as am_reason_code,
        any_value(coalesce(f.reason_code, nullif(f.code, ''))) filter (where s.session = 'PM') as pm_reason_code,
        count(*) filter (where f.status in
            ('PRESENT', 'LATE', 'AUTHORISED_ABSENT', 'UNAUTHORISED_ABSENT', 'ABSENT'))::int as possible,
        count(*) filter (where f.status in ('AUTHORISED_ABSENT', 'UNAUTHORISED_ABSENT', 'ABSENT'))::int as absent
    from sitting s
    left join session_fact f on f.student_id = s.student_id and f.school_id = s.school_id and f.date = s.date
        and f.session = s.session and f.known_to = 'infinity'
    group by s.student_id, s.school_id, s.year, s.date
)
"""

# In DAYS_50PCT a day with half its possible sessions missed is one absent day, any other is none (S5.1, S5.2, S5.6).
UNITS = """
unit as (
    select d.*,
        case when h.day_basis = 'DAYS_50PCT' then (d.possible > 0)::int else d.possible end as possible_units,
        case when h.day_basis = 'DAYS_50PCT' then (d.possible > 0 and d.absent * 2 < d.possible)::int
            else d.possible - d.absent end as attended_units,
        case when h.day_basis = 'DAYS_50PCT' then 2 * (d.possible > 0 and d.absent * 2 >= d.possible)::int
            else d.absent * 2 / h.sessions_per_day end as half_days,
        (d.possible > 0 and case when h.day_basis = 'DAYS_50PCT' then d.absent * 2 >= d.possible
            else d.absent = d.possible end)::int as missed
    from day d join school h on h.id = d.school_id
),
running as (
    select u.*, sum(u.possible_units) over w as possible_sum, sum(u.attended_units) over w as attended_sum,
        sum(u.half_days) over w as half_day_sum, sum(u.missed) over w as missed_sum
    from unit u
    window w as (partition by u.student_id, u.school_id, u.year order by u.date)
),
run as (
    select r.*, max(r.missed_sum) filter (where r.possible > 0 and r.missed = 0) over (
        partition by r.student_id, r.school_id, r.year order by r.date) as missed_before
    from running r
)
"""

# Totals go on from the last summary before the changed date, if it lies in the same school year.
SEED = """
create temp table seed on commit drop as
    select b.student_id, b.school_id, school_year_start(b.start, h.year_start) as year,
        p.attended_ytd, p.possible_ytd, p.consecutive_absence_days, p.total_absence_half_days_ytd
    from batch b
    join school h on h.id = b.school_id
    cross join lateral (
        select y.* from summary y
        where y.student_id = b.student_id and y.school_id = b.school_id and y.date < b.start
            and y.date >= school_year_start(b.start, h.year_start)
        order by y.date desc limit 1) p
"""

COLUMNS = """student_id, school_id, date, am_status, pm_status, am_code, pm_code, am_reason_code, pm_reason_code,
    attended_ytd, possible_ytd, attendance_percent, consecutive_absence_days, total_absence_half_days_ytd"""
VALUES = """am_status, {0}pm_status, {0}am_code, {0}pm_code, {0}am_reason_code, {0}pm_reason_code, {0}attended_ytd,
    {0}possible_ytd, {0}attendance_percent, {0}consecutive_absence_days, {0}total_absence_half_days_ytd"""

_TOTALS = f"""
with {DAYS}, {UNITS},
total as (
    select r.*, coalesce(s.attended_ytd, 0) + r.attended_sum as attended_ytd,
        coalesce(s.possible_ytd, 0) + r.possible_sum as possible_ytd,
        coalesce(s.total_absence_half_days_ytd, 0) + r.half_day_sum as half_days_ytd,
        case when r.missed_before is null then coalesce(s.consecutive_absence_days, 0) + r.missed_sum
            else r.missed_sum - r.missed_before end as run_days
    from run r
    left join seed s on s.student_id = r.student_id and s.school_id = r.school_id and s.year = r.year
)
insert into {{into}}
select student_id, school_id, date, am_status, pm_status, am_code, pm_code, am_reason_code, pm_reason_code,
    attended_ytd, possible_ytd, round(attended_ytd * 100.0 / nullif(possible_ytd, 0), 2), run_days, half_days_ytd
    {{also}}
from total
"""
COMPUTE = _TOTALS.format(into=f"fresh_summary ({COLUMNS})", also="")
# A register's first reading, and the evening of a new day: nothing is there that could have come out the same.
FIRST = _TOTALS.format(into=f"summary ({COLUMNS}, computed_at)", also=", cast(:now as timestamptz)")
KNOWN = """
select exists (
    select from batch b
    join summary y on y.student_id = b.student_id and y.school_id = b.school_id and y.date >= b.start)
"""

CREATE_FRESH = """
create temp table if not exists fresh_summary (like summary including defaults) on commit delete rows
"""
RELAX_FRESH = "alter table fresh_summary alter tenant_id drop not null, alter computed_at drop not null"

FORGET = """
delete from summary y using batch b
where y.student_id = b.student_id and y.school_id = b.school_id and y.date >= b.start
    and not exists (select from fresh_summary n
        where n.student_id = y.student_id and n.school_id = y.school_id and n.date = y.date)
"""

# Rows that come out the same are not written again: `computed_at` tells when a figure last changed.
STORE = f"""
insert into summary as y ({COLUMNS}, computed_at)
select {COLUMNS}, cast(:now as timestamptz) from fresh_summary
on conflict (tenant_id, student_id, school_id, date) do update set
    ({VALUES.format("")}, computed_at) = (excluded.{VALUES.format("excluded.")}, excluded.computed_at)
where (y.{VALUES.format("y.")}) is distinct from (excluded.{VALUES.format("excluded.")})
"""


async def rebuild(session: AsyncSession, now: datetime) -> int:
    """Recompute the summaries of the students in `batch` from their start date on; how many rows were written."""
    await materialise(session, (("sitting", SITTING), ("seed", SEED)), {"now": now})
    if not await session.scalar(text(KNOWN)):
        return affected(await session.execute(text(FIRST), {"now": now}))
    await session.execute(text(CREATE_FRESH))
    await session.execute(text(RELAX_FRESH))
    await session.execute(text("truncate fresh_summary"))
    await session.execute(text(COMPUTE))
    await session.execute(text("analyze fresh_summary"))
    await session.execute(text(FORGET))
    return affected(await session.execute(text(STORE), {"now": now}))
