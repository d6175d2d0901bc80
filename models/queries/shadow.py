"""A candidate beside the version in force: whose entry holds under one of the two only."""

from typing import Final

# What the candidate decided, kept while `nightly_row` is filled again by the version in force.
CANDIDATE: Final = """
create temp table shadow_row on commit drop as select student_id, school_id, entry, measured from nightly_row
"""
NOBODY: Final = "truncate nightly_row"
BOTH: Final = """
create temp table shadow_pair on commit drop as
select coalesce(c.student_id, a.student_id) as student_id, coalesce(c.entry, false) as now, c.measured,
    coalesce(a.entry, false) as before
from shadow_row c full join nightly_row a on a.student_id = c.student_id
"""
# A pass made again, after more of the register has arrived, replaces what it said before. Whom the candidate would have
# treated differently is of use while it is looked at: names go after five weeks, the counts of a night stay.
FORGET: Final = """
delete from shadow_difference where version_id = :version_id and school_id = :school
    and (date = :day or date < cast(:day as date) - 35)
"""
DIFFER: Final = """
insert into shadow_difference (version_id, school_id, student_id, date, change, metrics)
select :version_id, :school, student_id, :day, case when now then 'ADDED' else 'DROPPED' end,
    case when measured is null then '{}'
        else (select jsonb_object_agg(k, v) from unnest(cast(:names as text[]), measured) as u(k, v)) end
from shadow_pair where now <> before
"""
NIGHT: Final = """
insert into shadow_night (version_id, school_id, date, known_at, against_digest, in_force, candidate, added, dropped)
select :version_id, :school, :day, :known_at, :against, count(*) filter (where before), count(*) filter (where now),
    count(*) filter (where now and not before), count(*) filter (where before and not now)
from shadow_pair
on conflict (tenant_id, version_id, school_id, date) do update set known_at = excluded.known_at,
    against_digest = excluded.against_digest, in_force = excluded.in_force, candidate = excluded.candidate,
    added = excluded.added, dropped = excluded.dropped
"""
