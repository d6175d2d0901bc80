"""Which running cases are to be asked what becomes of them: each hears of a year's end once (ladder.md, Year end)."""

from sqlalchemy import text

# At most so many open days are left after the night's day. A calendar that ends in winter says nothing of the year's
# end, so that the new year must be near as well.
NEARS = text("""
with nearing as (
    select i.id, h.id as school_id,
        (school_year_start(cast(:day as date), h.year_start) + interval '1 year')::date as begins
    from instance i join school h on h.id = i.lead_school_id
    where i.id = any(cast(:instances as uuid[])) and i.closed_at is null
),
told as (
    select n.id, n.begins, jsonb_build_object('begins', n.begins) as argument from nearing n
    where n.begins - cast(:day as date) <= :days
        and (select count(distinct c.date) from calendar_session c
            where c.school_id = n.school_id and c.date > :day and c.date < n.begins) <= :school_days
        and not exists (select from year_end y where y.instance_id = n.id and y.begins = n.begins)
)
insert into outbox (kind, subject, payload)
select 'instance.signal', id::text,
    jsonb_build_object('instance_id', id, 'signal', 'year_ends', 'argument', argument)
from told where argument is distinct from (
    select o.payload -> 'argument' from outbox o
    where o.subject = told.id::text and o.payload ->> 'signal' = 'year_ends' order by o.seq desc limit 1)
""")
