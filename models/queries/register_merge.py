"""Set-based merges of calendars, enrolments, code maps and marks; what they change becomes stale."""

FOREVER = "date '2100-12-31'"
BEGINNING = "date '2000-01-01'"

# {rows}: student_id, school_id, from_date, to_date; merged ids count for the student they became
STALE = """
insert into stale_attendance as a (student_id, school_id, from_date, to_date)
select coalesce(t.merged_into_id, t.id), u.school_id, min(u.from_date), max(u.to_date)
from (
    select student_id, school_id, min(from_date) as from_date, max(to_date) as to_date
    from ({rows}) r(student_id, school_id, from_date, to_date) group by student_id, school_id
) u join student t on t.id = u.student_id
group by 1, 2 order by 1, 2
on conflict (tenant_id, student_id, school_id) do update
    set from_date = least(a.from_date, excluded.from_date), to_date = greatest(a.to_date, excluded.to_date)
"""

STALE_SCHOOLS = STALE.format(
    rows=f"select student_id, school_id, {BEGINNING}, {FOREVER} from enrolment where school_id = any(:schools)"
)

CODE_MAP = """
insert into code_map as c (code_set, code, status, is_tardy)
select distinct on (code_set, code) code_set, coalesce(code, ''), status,
    lower(coalesce(is_tardy, '0')) in ('1', 'true')
from stage_code_map order by code_set, code, line desc
on conflict (tenant_id, code_set, code) do update set status = excluded.status, is_tardy = excluded.is_tardy
where (c.status, c.is_tardy) is distinct from (excluded.status, excluded.is_tardy)
returning c.code_set
"""
SCHOOLS_OF_CODE_SETS = "select id from school where code_set = any(:code_sets)"

STALE_ON_ROLL = STALE.format(
    rows="select e.student_id, e.school_id, c.first, c.last from enrolment e join changed c using (school_id)"
)

# A calendar file is whole for each of its schools between its first and last date: a session it leaves out is closed.
CALENDAR = f"""
with told as (
    select distinct on (h.id, s.date, s.session) h.id as school_id, s.date::date as date, s.session,
        coalesce(s.minutes::int, 180) as minutes
    from stage_calendar s join school h on h.source_id = s.school_id order by h.id, s.date, s.session, s.line desc
),
reach as (select school_id, min(date) as first, max(date) as last from told group by school_id),
closed as (
    delete from calendar_session c using reach r
    where c.school_id = r.school_id and c.date between r.first and r.last and not exists (
        select from told t where t.school_id = c.school_id and t.date = c.date and t.session = c.session)
    returning c.school_id, c.date
),
opened as (
    insert into calendar_session as c (school_id, date, session, minutes)
    select school_id, date, session, minutes from told
    on conflict (school_id, date, session) do update set minutes = excluded.minutes
        where c.minutes is distinct from excluded.minutes
    returning c.school_id, c.date
),
changed as (
    select school_id, min(date) as first, max(date) as last
    from (select * from closed union all select * from opened) u group by school_id
)
{STALE_ON_ROLL}
"""

STALE_SPANS = STALE.format(
    rows=f"""
    select student_id, school_id, start_date, {FOREVER}
    from (select * from ended union all select * from changed) c"""
)

# The file is whole for each student and school it names: a span it leaves out is gone.
ENROLMENTS = f"""
with told as (
    select distinct on (t.id, h.id, s.start_date, replace(coalesce(s.attends, 'AM|PM'), 'PM|AM', 'AM|PM'))
        t.id as student_id, h.id as school_id, s.start_date::date as start_date, s.end_date::date as end_date,
        replace(coalesce(s.attends, 'AM|PM'), 'PM|AM', 'AM|PM') as attends,
        coalesce(s.registration, 'MAIN') as registration
    from stage_enrolments s join student t on t.source_id = s.student_id join school h on h.source_id = s.school_id
    order by t.id, h.id, s.start_date, replace(coalesce(s.attends, 'AM|PM'), 'PM|AM', 'AM|PM'), s.line desc
),
ended as (
    delete from enrolment e using (select distinct student_id, school_id from told) p
    where e.student_id = p.student_id and e.school_id = p.school_id and not exists (
        select from told t where t.student_id = e.student_id and t.school_id = e.school_id
            and t.start_date = e.start_date and t.attends = e.attends)
    returning e.student_id, e.school_id, e.start_date
),
changed as (
    insert into enrolment as e (student_id, school_id, start_date, end_date, attends, registration)
    select student_id, school_id, start_date, end_date, attends, registration from told
    on conflict (tenant_id, student_id, school_id, start_date, attends) do update
        set end_date = excluded.end_date, registration = excluded.registration
        where (e.end_date, e.registration) is distinct from (excluded.end_date, excluded.registration)
    returning e.student_id, e.school_id, e.start_date
)
{STALE_SPANS}
"""

MERGES = """
insert into student_merge as m (old_source_id, new_source_id)
select distinct on (old_id) old_id, new_id from stage_student_merges order by old_id, line desc
on conflict (tenant_id, old_source_id) do update set new_source_id = excluded.new_source_id
where m.new_source_id <> excluded.new_source_id
"""
DECLARED_MERGES = "select old_source_id, new_source_id from student_merge"
# `ends` maps a source id to the end of its chain; ids that are not named stand alone. `former`: who loses these marks
APPLY_MERGES = """
with ends as (select * from unnest(cast(:old as text[]), cast(:new as text[])) u(old_id, new_id)),
wanted as (
    select t.id, n.id as merged_into_id
    from student t left join ends e on e.old_id = t.source_id and e.new_id <> e.old_id
    left join student n on n.source_id = e.new_id
)
update student t set merged_into_id = w.merged_into_id
from wanted w where w.id = t.id and t.merged_into_id is distinct from w.merged_into_id
returning t.id, old.merged_into_id as former
"""
STALE_MERGED = STALE.format(
    rows=f"""
    select x.student_id, e.school_id, {BEGINNING}, {FOREVER}
    from enrolment e
    join student t on t.id = e.student_id and t.id = any(:changed)
    cross join lateral (values (t.id), (t.merged_into_id)) x(student_id)
    where x.student_id is not null"""
)
# the facts of an id that was merged away go with it
STALE_FORMER = f"""
insert into stale_attendance as a (student_id, school_id, from_date, to_date)
select distinct f.student_id, f.school_id, {BEGINNING}, {FOREVER} from summary f where f.student_id = any(:changed)
on conflict (tenant_id, student_id, school_id) do update set from_date = excluded.from_date, to_date = excluded.to_date
"""

PARTITION_YEARS = """
select ensure_year_partitions(d) from (
    select distinct school_year_start(date, '08-01') as d from (select distinct date from stage_marks) days) y
"""
CALENDAR_YEARS = """
select ensure_year_partitions(d) from (
    select distinct school_year_start(date, '08-01') as d from calendar_session) y
"""

# The key of a row is what it says (mark_keys.py), so that reading a file again adds nothing; a row twice in one import
# keeps its later place, because file order breaks ties (S3.1). Rows go in as their index is sorted: a block then
# touches each of its pages once.
_MARKS = """
with merged as (
    insert into mark as m (row_key, mark_id, student_id, school_id, date, session, code, recorded_at, register,
        deleted, minutes_missed, reason_code, source, recorded_by, recorded_by_title, amend_reason, ingest_seq,
        import_id, source_ref)
    select s.row_key, coalesce(s.mark_id, s.row_key::text), t.id, h.id, s.date, s.session, coalesce(s.code, ''),
        coalesce(s.recorded_at, date_trunc('second', cast(:now as timestamptz))), coalesce(s.register, ''),
        coalesce(s.deleted, false), s.minutes_missed, s.reason_code, s.source, s.recorded_by, s.recorded_by_title,
        s.amend_reason, cast(:base as bigint) + s.line, cast(:import_id as uuid),
        cast(:source_ref as text) || ':' || s.line
    from stage_marks s join student t on t.source_id = s.student_id join school h on h.source_id = s.school_id
    where s.repeated is null
    order by t.id, s.date
    {conflict}
    returning m.student_id, m.school_id, m.date, {added} as added
),
staled as (
{stale}
returning 1)
select count(*) filter (where added) as added, (select count(*) from staled) as stale from merged
"""
_MERGED = STALE.format(rows="select student_id, school_id, date, date from merged")
MARKS = _MARKS.format(
    stale=_MERGED,
    added="(old.row_key is null)",
    conflict="""on conflict (tenant_id, student_id, date, row_key) do update set ingest_seq = excluded.ingest_seq
        where m.import_id = excluded.import_id and m.ingest_seq < excluded.ingest_seq""",
)
# The first register of a tenant: a row that is there already (repeated, too far apart for one block) is an error.
FIRST_MARKS = _MARKS.format(stale=_MERGED, added="true", conflict="")
NO_MARKS = "select not exists (select from mark)"

STALE_IMPORT = STALE.format(rows="select student_id, school_id, date, date from mark where import_id = :import_id")
FORGET_IMPORT = "delete from mark where import_id = :import_id"

# A new day brings a summary row for everybody on roll, marked or not.
STALE_NEW_DAYS = STALE.format(
    rows="""
    select e.student_id, e.school_id, max(c.date), min(c.date)
    from school h
    join calendar_session c on c.school_id = h.id and c.date > coalesce(h.summarised_through, date '2000-01-01')
        and c.date <= (cast(:now as timestamptz) at time zone h.timezone)::date
    join enrolment e on e.school_id = h.id
        and e.start_date <= c.date and (e.end_date is null or e.end_date >= c.date)
    group by e.student_id, e.school_id"""
)
SUMMARISED_THROUGH = """
update school h set summarised_through = (cast(:now as timestamptz) at time zone h.timezone)::date
where h.summarised_through is distinct from (cast(:now as timestamptz) at time zone h.timezone)::date
"""
