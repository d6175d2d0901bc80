"""What a school has ready for its next school year, in one look over the tenant."""

from typing import Final

from sqlalchemy import text

# One row per school: when its next year begins, and what of that year is there on the day asked for.
SCHOOLS: Final = text("""
with years as (
    select h.id, h.name, (school_year_start(cast(:day as date), h.year_start) + interval '1 year')::date as begins
    from school h
),
on_roll as (
    select distinct e.school_id, coalesce(s.merged_into_id, s.id) as student_id,
        bool_or(coalesce(e.end_date, 'infinity') >= y.begins) as stays, bool_or(s.year_group is null) as unplaced
    from enrolment e join student s on s.id = e.student_id join years y on y.id = e.school_id
    where e.registration = 'MAIN' and s.deleted_at is null and s.deceased_on is null
        and e.start_date <= y.begins and coalesce(e.end_date, 'infinity') >= cast(:day as date)
    group by e.school_id, coalesce(s.merged_into_id, s.id)
)
select y.id, y.name, y.begins,
    (select count(distinct c.date) from calendar_session c where c.school_id = y.id and c.date >= y.begins
        and c.date < y.begins + interval '1 year') as open_days,
    (select count(*) from on_roll r where r.school_id = y.id and r.stays) as staying,
    (select count(*) from on_roll r where r.school_id = y.id and not r.stays) as leaving,
    (select count(*) from on_roll r where r.school_id = y.id and r.stays and r.unplaced) as unplaced,
    (select count(*) from instance i where i.lead_school_id = y.id and i.closed_at is null) as open_cases,
    (select count(*) from proposal p join instance i on i.id = p.instance_id
        where i.lead_school_id = y.id and i.closed_at is null and p.status in ('PENDING', 'HELD')) as waiting,
    (select count(*) from transfer t where t.to_school_id = y.id and t.status = 'PENDING') as coming,
    (select count(*) from year_end e join instance i on i.id = e.instance_id
        where i.lead_school_id = y.id and i.closed_at is null and e.status = 'PENDING'
            and i.state -> 'year_end' ->> 'choice' is null) as unchosen,
    array(select part from unnest(array['mark', 'session_fact', 'summary']) parent,
            lateral (values (y.begins), ((y.begins + interval '364 days')::date)) as at(day),
            lateral (select format('%s_y%s', parent, to_char(school_year_start(at.day, '08-01'), 'YYYY')) as part) named
        where to_regclass('public.' || part) is null group by part order by part) as partitions
from years y order by y.begins, y.name, y.id
""")
# Rule sets in force that say themselves that they end.
ENDING: Final = text("""
select r.key, (v.content ->> 'effective_to')::date as ends
from rule_set_version v join rule_set r on r.id = v.rule_set_id
where v.status = 'ACTIVE' and v.content ->> 'effective_to' is not null order by r.key
""")
