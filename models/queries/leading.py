"""Which school leads a student's ladder: one of those that have the student registered in full."""

from sqlalchemy import text

# lead_school_id: another school leads, because this one has the student only beside it. coming_id: an open walk of the
# key that a school leads which has the student in full no more.
BESIDE = text("""
with mine as (
    select e.school_id, e.registration from enrolment e
    where e.student_id = :student and e.start_date <= :day and (e.end_date is null or e.end_date >= :day)
)
select
    case when exists (select from mine where school_id = :school)
            and not exists (select from mine where school_id = :school and registration = 'MAIN')
        then (select min(school_id::text)::uuid from mine where registration = 'MAIN') end as lead_school_id,
    (select i.id from instance i where i.student_id = :student and i.rule_set_key = :key and i.closed_at is null
        and i.lead_school_id <> :school and exists (
            select from mine where mine.school_id = :school and registration = 'MAIN')
        and not exists (select from mine where mine.school_id = i.lead_school_id and registration = 'MAIN')
        order by i.id limit 1) as coming_id
""")
