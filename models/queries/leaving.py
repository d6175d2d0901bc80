"""Who is no longer registered where a case is led: each open case hears of it once (ladder.md, Two schools)."""

from sqlalchemy import text

# Gone from the district, the case closes. Registered in full at another school of the tenant, the student went there,
# also if the school before still has them as a guest: the one where the student began last. Registered in full again
# where the case is led, a transfer that still waits is undone; that is judged today, for the night looks at a day on
# which the student may still have been there. `at_once` = only what another choice can still mend.
LEFT = text("""
with gone as (
    select i.id, i.lead_school_id, case
            when one.deceased_on is not null then 'DECEASED'
            when one.deleted_at is not null then 'STUDENT_REMOVED'
            when own.merged_into_id is not null then 'MERGED'
            when i.phase = 'TRANSFER_PENDING' and still.leads_today then 'RETURNED'
            when i.phase <> 'TRANSFER_PENDING' and still.leads then null
            when still.there is not null then 'TRANSFERRED'
            when still.here then null
            else 'WITHDRAWN' end as why, still.there
    from instance i
    join school h on h.id = i.lead_school_id
    join student own on own.id = i.student_id
    join student one on one.id = coalesce(own.merged_into_id, own.id)
    cross join lateral (select (cast(:now as timestamptz) at time zone h.timezone)::date as today) local
    cross join lateral (
        select coalesce(bool_or(e.school_id = i.lead_school_id), false) as here,
            coalesce(bool_or(e.school_id = i.lead_school_id and e.registration = 'MAIN'), false) as leads,
            coalesce(bool_or(e.school_id = i.lead_school_id and e.registration = 'MAIN'
                and coalesce(e.end_date, 'infinity') >= local.today), false) as leads_today,
            (array_agg(e.school_id order by e.start_date desc, e.school_id)
                filter (where e.school_id <> i.lead_school_id and e.registration = 'MAIN'))[1] as there
        from enrolment e join student s on s.id = e.student_id
        where coalesce(s.merged_into_id, s.id) = own.id and coalesce(e.end_date, 'infinity') >=
            coalesce(cast(:day as date), local.today)
    ) still
    where i.id = any(cast(:instances as uuid[])) and i.closed_at is null
),
told as (
    select id, jsonb_build_object('end', why) || case when why in ('TRANSFERRED', 'RETURNED')
            then jsonb_build_object('from_school_id', lead_school_id, 'to_school_id',
                case when why = 'TRANSFERRED' then there end)
            else '{}' end as argument
    from gone where why is not null and (not cast(:at_once as boolean) or why in ('TRANSFERRED', 'RETURNED'))
)
insert into outbox (kind, subject, payload)
select 'instance.signal', id::text,
    jsonb_build_object('instance_id', id, 'signal', 'enrolment_changed', 'argument', argument)
from told where argument is distinct from (
    select o.payload -> 'argument' from outbox o
    where o.subject = told.id::text and o.payload ->> 'signal' = 'enrolment_changed' order by o.seq desc limit 1)
""")
