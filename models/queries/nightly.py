"""The nightly pass in SQL: who is evaluated, the start rule, new cases, and what running cases are told."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, text

from models.queries.decisions import decision_query
from models.queries.fact_columns import with_facts
from models.queries.metrics import LISTED, metric_query
from rules.ladder.words import PauseKind
from rules.rulesets.model import RuleSet, Scope

# Those scheduled on the day, under the id they became, at a school that leads (ladder.md, Two schools).
SCHEDULED = """
    select distinct one.id as student_id, e.school_id, cast(null as date) as step_day
    from enrolment e
    join student s on s.id = e.student_id
    join student one on one.id = coalesce(s.merged_into_id, s.id)
    join calendar_session c on c.school_id = e.school_id and c.date = :day
        and (e.attends = 'AM|PM' or e.attends = c.session)
    where e.tenant_id = :tenant_id and e.school_id = any(cast(:schools as uuid[])) and e.registration = 'MAIN'
        and e.start_date <= :day and (e.end_date is null or e.end_date >= :day)
        and one.deleted_at is null and one.deceased_on is null
        and (cast(:year_groups as text[]) is null or one.year_group = any(cast(:year_groups as text[])))
        and (cast(:youngest as int) is null
            or one.dob <= :day
                and date_part('year', age(:day, one.dob)) between cast(:youngest as int) and cast(:oldest as int))
        and (cast(:in_schools as uuid[]) is null or e.school_id = any(cast(:in_schools as uuid[])))
"""


def scoped(scope: Scope) -> dict[str, Any]:
    """A rule set's scope as `SCHEDULED` takes it; the reference is rules/rulesets/scope.py."""
    youngest, oldest = scope.ages or (None, None)
    return {
        "in_schools": None if scope.schools is None else list(scope.schools),
        "year_groups": None if scope.year_groups is None else list(scope.year_groups),
        "youngest": youngest,
        "oldest": oldest,
    }


DECIDED = """
create temp table nightly_row on commit drop as
select d.student_id, d.school_id, d.step_day, d.entry, d.fired, d.leaves_true, d.leaves_known, d.ageing,
    d.duties_true, d.duties_false, cast(array[{values}] as bigint[]) as measured
from ({decisions}) d
"""

# Start rule: entry is true, no case of the key is open, none was opened since entry last was false. Unknown keeps the
# previous value. A pass for an earlier day than the last one changes nothing. A case that another school leads, where
# the student is no longer registered in full, comes with the student: one ladder per key (ladder.md, Two schools).
STANDING = """
create temp table nightly_standing on commit drop as
select n.*, s.entry_true as was_true, coalesce(n.entry, s.entry_true, false) as now_true, running.id as running_id,
    n.entry is true and running.id is null and not exists (
        select from instance i where i.student_id = n.student_id and i.lead_school_id = n.school_id
            and i.rule_set_key = :key
            and (s.last_false_on is null or coalesce(i.entry_date, i.started_at::date) > s.last_false_on)) as opens,
    uuidv7() as instance_id, uuidv7() as evaluation_id
from nightly_row n
left join entry_state s on s.student_id = n.student_id and s.school_id = n.school_id and s.rule_set_key = :key
left join lateral (
    select i.id from instance i where i.student_id = n.student_id and i.rule_set_key = :key and i.closed_at is null
        and i.enrolment_id is null and (i.lead_school_id = n.school_id or not exists (
            select from enrolment e where e.student_id = i.student_id and e.school_id = i.lead_school_id
                and e.registration = 'MAIN' and e.start_date <= :day
                and (e.end_date is null or e.end_date >= :day)))
    order by i.lead_school_id = n.school_id desc, i.id limit 1) running on true
where s.last_date is null or s.last_date <= :day
"""
REMEMBER = """
insert into entry_state as s (student_id, school_id, rule_set_key, entry_true, last_false_on, last_date, digest)
select student_id, school_id, :key, now_true, case when entry is false then cast(:day as date) end, :day, :digest
from nightly_standing
on conflict (student_id, school_id, rule_set_key) do update set entry_true = excluded.entry_true,
    last_false_on = coalesce(excluded.last_false_on, s.last_false_on), last_date = excluded.last_date,
    digest = excluded.digest
where (s.entry_true, s.last_false_on, s.last_date, s.digest) is distinct from (excluded.entry_true,
    coalesce(excluded.last_false_on, s.last_false_on), excluded.last_date, excluded.digest)
"""
METRICS = """(select jsonb_object_agg(k, v) from unnest(cast(:names as text[]), measured) as u(k, v))"""

OPEN_CASES = """
insert into case_file (student_id, school_id) select student_id, school_id from nightly_standing where opens
on conflict do nothing
"""
# The row comes before the workflow; the unique index on open instances guards against a start by hand at the same time.
OPEN_INSTANCES = f"""
with opened as (
    insert into instance (id, school_year, student_id, lead_school_id, case_id, rule_set_key, rule_set_version_id,
        digest, entry_date, entry_evaluation_id, started_at, workflow_id)
    select n.instance_id, :school_year, n.student_id, n.school_id, c.id, :key, :version_id, :digest, :day,
        n.evaluation_id, :now,
        'att:' || cast(:tenant_id as text) || ':' || cast(:school_year as text) || ':' || n.instance_id
    from nightly_standing n
    join case_file c on c.student_id = n.student_id and c.school_id = n.school_id and c.status = 'OPEN'
    where n.opens
    on conflict do nothing
    returning id, student_id, lead_school_id, case_id
),
evaluated as (
    insert into evaluation (id, student_id, school_id, instance_id, digest, date, known_at, metrics, facts,
        leaves_true, leaves_known, decision)
    select n.evaluation_id, n.student_id, n.school_id, n.instance_id, :digest, :day, :known_at, {METRICS},
        jsonb_build_object('ageing', n.ageing), n.leaves_true, n.leaves_known, 'START'
    from nightly_standing n join opened o on o.id = n.instance_id
)
insert into outbox (kind, subject, payload)
select 'instance.start', id::text, jsonb_build_object('instance_id', id) from opened
"""
ABSORB = """
insert into event (instance_id, student_id, school_id, type, occurred_at, actor_role, data, dedupe_key)
select running_id, student_id, school_id, 'TRIP_ABSORBED', :now, 'system',
    jsonb_build_object('date', cast(:day as date), 'digest', cast(:digest as text)), 'absorbed:' || cast(:day as text)
from nightly_standing
where running_id is not null and entry is true and was_true is false
on conflict do nothing
"""

RUNNING = text("""
select id, student_id, lead_school_id, effective_day from instance
where digest = :digest and lead_school_id = :school and closed_at is null order by id
""")
# Only what changed goes on: other leaves than at the last evaluation, of the register or of dates and facts (`ageing`),
# a correction of a day before it, an exemption that has begun since, or a register that now agrees with the accepted
# reasons for which a case is held.
CONFIRMED = f"""(i.hold_reason = '{PauseKind.AMEND_REGISTER}' and not exists (
            select from absence_reason r join session_fact f on f.student_id = r.student_id
                and f.school_id = r.school_id and f.date = r.date and f.session = r.session
                and f.known_to = 'infinity' and f.status in ('UNAUTHORISED_ABSENT', 'ABSENT')
            where r.student_id = n.student_id and r.school_id = n.school_id and r.status = 'ACCEPTED'
                and r.date >= school_year_start(:day, cast(:year_start as text))))"""
HERE = "f.school_id = n.school_id"
CHANGED = f"""
with last as (
    select distinct on (e.instance_id) e.instance_id, e.date, e.known_at, e.leaves_true, e.leaves_known,
        e.facts ->> 'ageing' as ageing
    from evaluation e where e.instance_id = any(cast(:instances as uuid[]))
    order by e.instance_id, e.date desc, e.known_at desc
),
compared as (
    select i.id as instance_id, n.*, exists (
            select from session_fact f
            where f.student_id = n.student_id and {HERE} and f.date <= l.date
                and ((f.known_from > l.known_at and f.known_from <= :known_at)
                    or (f.known_to > l.known_at and f.known_to <= :known_at))) as corrected,
        {CONFIRMED} or (l.leaves_true, l.leaves_known, l.ageing) is distinct from
            (n.leaves_true, n.leaves_known, n.ageing) or exists (
            select from exemption x where x.student_id = n.student_id and x.withdrawn_at is null
                and x.starts_on > l.date and x.starts_on <= :day) as moved,
        (l.date, l.known_at) is null or (l.date, l.known_at) < (cast(:day as date), :known_at) as newer
    from nightly_row n
    join instance i on i.student_id = n.student_id and i.lead_school_id = n.school_id and i.digest = :digest
        and i.id = any(cast(:instances as uuid[]))
    left join last l on l.instance_id = i.id
),
evaluated as (
    insert into evaluation (student_id, school_id, instance_id, digest, date, known_at, metrics, facts, leaves_true,
        leaves_known, decision)
    select student_id, school_id, instance_id, :digest, :day, :known_at, {METRICS},
        jsonb_build_object('since', step_day, 'ageing', ageing), leaves_true, leaves_known,
        (select string_agg(name, ',' order by at)
            from unnest(cast(:conditions as text[])) with ordinality c(name, at)
            where (fired >> (at - 1)::int) & 1 = 1)
    from compared where newer and (moved or corrected)
    on conflict do nothing
    returning id, instance_id
)
insert into outbox (kind, subject, payload)
select 'instance.signal', e.instance_id::text, jsonb_build_object('instance_id', e.instance_id,
    'signal', 'attendance_changed', 'argument', jsonb_build_object(
        'seq', extract(epoch from cast(:known_at as timestamptz))::bigint,
        'evaluation_id', e.id, 'corrected', c.corrected))
from evaluated e join compared c on c.instance_id = e.instance_id
"""

# A condition that came true for a past day only: those without a case of the key, corrected since the last pass.
CORRECTED = f"""
select n.student_id, min(f.date) as first
from nightly_row n
join session_fact f on f.student_id = n.student_id and {HERE} and f.date < :day
    and f.date >= :earliest
    and ((f.known_from > :since and f.known_from <= :known_at) or (f.known_to > :since and f.known_to <= :known_at))
where n.entry is not true and not exists (
    select from instance i where i.student_id = n.student_id and i.rule_set_key = :key)
group by n.student_id
"""
LATE = f"""
insert into late_trip (student_id, school_id, rule_set_key, digest, date, metrics)
select n.student_id, n.school_id, :key, :digest, :day, {METRICS} from nightly_row n
where n.entry is true and not exists (
    select from late_trip l where l.student_id = n.student_id and l.school_id = n.school_id and l.rule_set_key = :key
        and l.date >= school_year_start(:day, cast(:year_start as text)))
on conflict do nothing
returning student_id
"""

LAST_RUN = text("""
select max(known_at) from nightly_run where school_id = :school and digest = :digest and known_at < :known_at
""")
RECORD_RUN = text("""
insert into nightly_run (school_id, digest, date, known_at, counts)
values (:school, :digest, :day, :known_at, cast(:counts as jsonb))
on conflict do nothing
""")
# Due again: a later date, or register data that came in since every version was last run on this date.
FRESH_SINCE = text("""
select bool_or(not exists (
    select from nightly_run r where r.school_id = :school and r.digest = d.digest and r.date >= :day
        and r.known_at >= coalesce(
            (select max(m.finished_at) from import_run m where m.finished_at <= :now), '-infinity')))
from unnest(cast(:digests as text[])) d(digest)
""")
RAN_BEFORE = text("""
select exists (select from nightly_run where school_id = :school and digest = :digest and date < :day)
""")
VERSIONS = text("""
select v.digest, bool_or(v.status = 'ACTIVE') as active,
    bool_or(v.shadow_since is not null) and not bool_or(v.status = 'ACTIVE') as shadow
from rule_set_version v
where v.status = 'ACTIVE' or v.shadow_since is not null
    or exists (select from instance i where i.digest = v.digest and i.closed_at is null)
    or exists (select from duty d where d.digest = v.digest and d.event is null and d.basis in ('HOLDS', 'LOST')
        and d.status <> 'NOT_APPLICABLE')
group by v.digest order by v.digest
""")


@dataclass(frozen=True, slots=True)
class Compiled:
    """One version as the statement that fills `nightly_row`; `conditions` name the bits of `fired`."""

    statement: str
    params: dict[str, Any]
    conditions: tuple[str, ...]


@lru_cache(maxsize=64)
def for_scheduled(ruleset: RuleSet) -> Compiled:
    """Everybody scheduled on the day; parameter `schools`."""
    return _compiled(ruleset, SCHEDULED)


@lru_cache(maxsize=64)
def for_listed(ruleset: RuleSet) -> Compiled:
    """The given students; parameters `students`, `schools`, `steps`."""
    return _compiled(ruleset, LISTED)


def _compiled(ruleset: RuleSet, subjects: str) -> Compiled:
    query = metric_query(ruleset.metric_keys(), subjects=subjects)
    facts = with_facts(query.sql, ruleset.fact_keys())
    decided = decision_query(ruleset, facts.sql, query.columns, facts=facts.columns)
    values = ", ".join(f"d.{column}" for column in query.columns.values()) or "null"
    statement = DECIDED.format(values=values, decisions=decided.sql)
    return Compiled(statement, {**query.params, **facts.params}, decided.names)


def reaching(ruleset: RuleSet, statement: str) -> str:
    """A statement about corrections; those of every school count where a metric of the version counts across."""
    return statement.replace(HERE, "true") if any(key.pooled for key in ruleset.metric_keys()) else statement


@lru_cache(maxsize=512)
def statement_of(sql: str) -> TextClause:
    """A statement parsed for its parameters once."""
    return text(sql)
