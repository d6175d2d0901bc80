"""Duties set-based: opened and ended by a nightly pass, those a correction may have touched, and who was removed."""

from typing import Final

from sqlalchemy import text

# The same student under an id that was merged into theirs
SAME = "d.student_id in (select s.id from student s where s.id = n.student_id or s.merged_into_id = n.student_id)"
OPENS = f"""
(n.duties_true >> :bit) & 1 = 1 and not exists (select from duty d where {SAME} and d.school_id = n.school_id
    and d.rule_set_key = :key and d.duty_key = :duty and d.event is null and d.ended_on is null)
"""
OPEN_CASES: Final = f"""
insert into case_file (student_id, school_id) select n.student_id, n.school_id from nightly_row n where {OPENS}
on conflict do nothing
"""
OPEN: Final = f"""
insert into duty (student_id, school_id, case_id, instance_id, rule_set_key, digest, duty_key, effect, cite, title,
    report_to, tripped_on, known_at, checked_at, metrics, opened_at, due_on, owner_id)
select n.student_id, n.school_id, c.id, i.id, :key, :digest, :duty, :effect, :cite, :title, :report_to, :day, :known_at,
    :known_at,
    (select jsonb_object_agg(k, v) from unnest(cast(:names as text[]), n.measured) as u(k, v)
        where k = any(cast(:mine as text[]))),
    :now, :due, i.assignee_id
from nightly_row n
join case_file c on c.student_id = n.student_id and c.school_id = n.school_id and c.status = 'OPEN'
left join instance i on i.student_id = n.student_id and i.lead_school_id = n.school_id and i.rule_set_key = :key
    and i.closed_at is null and i.enrolment_id is null
where {OPENS}
on conflict do nothing
returning id
"""
# The condition is known to be false: the next time it holds is another duty. Unknown ends nothing.
END: Final = f"""
update duty d set ended_on = :day from nightly_row n
where {SAME} and d.school_id = n.school_id and d.rule_set_key = :key and d.duty_key = :duty
    and d.event is null and d.ended_on is null and d.tripped_on < :day and (n.duties_false >> :bit) & 1 = 1
"""
# A pass for an earlier day than the last one changes nothing.
LATER: Final = text("""
select exists (select from nightly_run where school_id = :school and digest = :digest and date > :day)
""")
HERE: Final = "f.school_id = n.school_id"
CORRECTED: Final = f"""
select n.id, one.id as student_id, n.duty_key, n.tripped_on, n.basis
from duty n
join student own on own.id = n.student_id
join student one on one.id = coalesce(own.merged_into_id, own.id)
where n.digest = :digest and n.school_id = :school and n.event is null and n.basis in ('HOLDS', 'LOST')
    and n.status <> 'NOT_APPLICABLE' and exists (
        select from session_fact f where f.student_id = one.id and {HERE} and f.date <= n.tripped_on
            and ((f.known_from > n.checked_at and f.known_from <= :known_at)
                or (f.known_to > n.checked_at and f.known_to <= :known_at)))
order by n.tripped_on, n.id
"""
TRUE_THEN: Final = text("select student_id, duties_true from nightly_row")

# Taken off the roll while the school year runs on: not those who leave at its end, nor a child who died.
REMOVED: Final = text("""
select distinct on (one.id) one.id as student_id, one.year_group, one.dob, e.end_date
from enrolment e
join student s on s.id = e.student_id
join student one on one.id = coalesce(s.merged_into_id, s.id)
where e.school_id = :school and e.registration = 'MAIN' and e.end_date < :day and e.end_date >= :since
    and one.deceased_on is null and one.deleted_at is null
    and not exists (
        select from enrolment o join student t on t.id = o.student_id
        where coalesce(t.merged_into_id, t.id) = one.id and o.school_id = e.school_id and o.registration = 'MAIN'
            and coalesce(o.end_date, 'infinity') > e.end_date)
    and (e.end_date < school_year_start(e.end_date, :year_start) + 270 or exists (
        select from calendar_session c where c.school_id = e.school_id and c.date > e.end_date
            and school_year_start(c.date, :year_start) = school_year_start(e.end_date, :year_start)))
order by one.id, e.end_date desc
""")
"""270 days: where next summer's calendar is not loaded yet, an end in the first nine months is no leaving."""
# The last open day of the school year that ended last: the one that is running ends nine months in at the earliest.
YEAR_ENDED: Final = text("""
select max(c.date) from calendar_session c
where c.school_id = :school and c.date <= :day and c.date >= school_year_start(c.date, :year_start) + 270
    and not exists (select from calendar_session o where o.school_id = c.school_id and o.date > c.date
        and school_year_start(o.date, :year_start) = school_year_start(c.date, :year_start))
""")
FIRST_ACTIVE: Final = text("""
select min(coalesce(v.activated_at, v.created_at)) from rule_set_version v join rule_set r on r.id = v.rule_set_id
where r.key = :key and v.status in ('ACTIVE', 'RETIRED')
""")
