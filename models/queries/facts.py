"""Session facts: from raw marks to one status per scheduled session and span of known time (attendance.md S2-S4)."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.schedule import materialise

SCHEDULED = """
create temp table scheduled on commit drop as
    select distinct m.student_id, m.school_id, o.date, o.session, o.minutes, o.first_of_day
    from member m
    join enrolment e on e.student_id = m.any_id and e.school_id = m.school_id
    join opened o on o.school_id = m.school_id and o.date between m.from_date and m.to_date
        and o.date >= e.start_date and (e.end_date is null or o.date <= e.end_date)
        and (e.attends = 'AM|PM' or e.attends = o.session)
"""

# The row with the greatest recorded_at wins, equal ones by file order (S3.1): each row rules its register from the
# instant it was recorded until the next one. `first_seq` is when the register first spoke: it breaks ties of status.
RULING = """
create temp table ruling on commit drop as
    select m.student_id, m.school_id, k.date, k.session, k.code, k.deleted, k.minutes_missed, k.reason_code,
        k.recorded_at as since,
        lead(k.recorded_at, 1, 'infinity') over register as until,
        min(k.ingest_seq) over register as first_seq
    from member m
    join mark k on k.student_id = m.any_id and k.school_id = m.school_id and k.date between m.from_date and m.to_date
    window register as (partition by m.student_id, m.school_id, k.date, k.session, k.register
        order by k.recorded_at, k.ingest_seq)
"""

# A mark counts on the sessions it names, if they are scheduled (S4.2, S4.3); a deleted row is no mark (S3.3).
SPAN = """
create temp table span on commit drop as
    select s.student_id, s.school_id, s.date, s.session, s.minutes, r.since, r.until, r.first_seq,
        r.session <> 'DAY' as specific, r.code, r.reason_code, r.minutes_missed,
        case when c.status = 'LATE' and r.session = 'DAY' and not s.first_of_day then 'PRESENT'
            else coalesce(c.status, 'UNKNOWN') end as status,
        coalesce(c.is_tardy, false)
            and not (c.status = 'LATE' and r.session = 'DAY' and not s.first_of_day) as tardy,
        count(*) over (partition by s.student_id, s.school_id, s.date, s.session) as spans
    from ruling r
    join scheduled s on s.student_id = r.student_id and s.school_id = r.school_id and s.date = r.date
        and (r.session = 'DAY' or r.session = s.session)
    join school h on h.id = r.school_id
    left join code_map c on c.code_set = h.code_set and c.code = r.code
    where not r.deleted and r.since < r.until
"""

# Where several spans of one session overlap, known time is cut at every change and each slice judged on its own:
# an AM/PM mark beats a DAY mark (S3.5), then the best status wins (S3.4), then the register that spoke first.
RESOLVED = """
create temp table resolved on commit drop as
with cut as (
    select distinct student_id, school_id, date, session, p
    from span cross join lateral (values (since), (until)) v(p)
    where spans > 1 and p < 'infinity'
),
slice as (
    select *, lead(p, 1, 'infinity') over (partition by student_id, school_id, date, session order by p) as upto
    from cut
),
candidate as (
    select l.p, l.upto, a.*, bool_or(a.specific) over (
        partition by a.student_id, a.school_id, a.date, a.session, l.p) as any_specific
    from slice l
    join span a on a.student_id = l.student_id and a.school_id = l.school_id and a.date = l.date
        and a.session = l.session and a.spans > 1 and a.since <= l.p and l.p < a.until
),
judged as (
    select distinct on (student_id, school_id, date, session, p) student_id, school_id, date, session, minutes,
        p as since, upto as until, status, code, tardy, minutes_missed, reason_code
    from candidate
    where (specific or not any_specific) and status <> 'NO_MARK'
    order by student_id, school_id, date, session, p, array_position(array['PRESENT', 'LATE', 'AUTHORISED_ABSENT',
        'UNAUTHORISED_ABSENT', 'ABSENT', 'NOT_POSSIBLE', 'UNKNOWN'], status), first_seq
)
select student_id, school_id, date, session, minutes, since, until, status, code, tardy, minutes_missed, reason_code
from span where spans = 1 and status <> 'NO_MARK'
union all
select student_id, school_id, date, session, minutes, since, until, status, code, tardy, minutes_missed, reason_code
from judged
"""

# Sources that send exceptions only: whatever no mark covers was present (S3.6).
PRESENT_UNLESS_TOLD = """
unmarked as (
    select student_id, school_id, date, session, until as since,
        lead(since, 1, 'infinity') over (partition by student_id, school_id, date, session order by since) as until
    from resolved
    where school_id in (select id from school where missing_mark_policy = 'PRESENT')
    union all
    select s.student_id, s.school_id, s.date, s.session, '-infinity', coalesce(min(r.since), 'infinity')
    from scheduled s
    left join resolved r on r.student_id = s.student_id and r.school_id = s.school_id and r.date = s.date
        and r.session = s.session
    where s.school_id in (select id from school where missing_mark_policy = 'PRESENT')
    group by s.student_id, s.school_id, s.date, s.session
)
"""

# Probes the key for each student, whatever the planner thinks of a table that a bulk load is filling.
KNOWN = """
select exists (
    select from batch b cross join lateral (
        select from session_fact f
        where f.student_id = b.student_id and f.school_id = b.school_id and f.date between b.from_date and b.to_date
        limit 1) f)
"""
FORGET = """
delete from session_fact f using batch b
where f.student_id = b.student_id and f.school_id = b.school_id and f.date between b.from_date and b.to_date
"""

# Minutes missed (S9.1): as recorded, else the whole session for an absence and none otherwise.
RECORD = f"""
with {PRESENT_UNLESS_TOLD}
insert into session_fact (student_id, school_id, date, session, known_from, known_to, status, code, tardy,
    minutes_missed, reason_code)
select student_id, school_id, date, session, since, until, status, code, tardy,
    coalesce(minutes_missed,
        case when status in ('AUTHORISED_ABSENT', 'UNAUTHORISED_ABSENT', 'ABSENT') then minutes else 0 end),
    reason_code
from resolved
union all
select student_id, school_id, date, session, since, until, 'PRESENT', '', false, 0, null
from unmarked where since < until
"""


STEPS = (("scheduled", SCHEDULED), ("ruling", RULING), ("span", SPAN), ("resolved", RESOLVED))


async def rebuild(session: AsyncSession) -> None:
    """Replace the facts of the students in `batch` between their two dates."""
    await materialise(session, STEPS, {})
    if await session.scalar(text(KNOWN)):
        await session.execute(text(FORGET))
    await session.execute(text(RECORD))
