"""Facts about students as SQL columns, for the nightly pass: the same integers as `services.facts` reads one by one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rules.rulesets.comparisons import FactKey, FactName

_COVERS: Final = "starts_on <= :day and (ends_on is null or ends_on >= :day)"
_AGE: Final = "case when one.dob <= :day then date_part('year', age(:day, one.dob))::int end"
_FIFTH: Final = "(one.dob + interval '5 years')::date"
_SIXTEENTH: Final = "(one.dob + interval '16 years')"
_END_OF_JUNE: Final = f"""make_date(extract(year from {_SIXTEENTH})::int
    + (extract(month from {_SIXTEENTH}) >= 9)::int, 6, 30)"""
_FIFTH_MONTH: Final = f"(extract(month from {_FIFTH}) + (extract(day from {_FIFTH}) > 1)::int)"
# England: from the 1 January, 1 April or 1 September on or after the fifth birthday to the last Friday of June of the
# school year of the sixteenth; elsewhere between two ages (facts of `rules.rulesets.facts.of_compulsory_age`).
_ENGLAND: Final = f"""case when one.dob <= :day then (:day >= case
        when {_FIFTH_MONTH} <= 1 then make_date(extract(year from {_FIFTH})::int, 1, 1)
        when {_FIFTH_MONTH} <= 4 then make_date(extract(year from {_FIFTH})::int, 4, 1)
        when {_FIFTH_MONTH} <= 9 then make_date(extract(year from {_FIFTH})::int, 9, 1)
        else make_date(extract(year from {_FIFTH})::int + 1, 1, 1) end
    and :day <= {_END_OF_JUNE} - ((extract(isodow from {_END_OF_JUNE})::int + 2) % 7)) end"""
_BETWEEN: Final[Mapping[str, tuple[int, int]]] = {"IE": (6, 15), "US-TX": (6, 18)}
_UNITS: Final = frozenset({"day", "week", "month", "year"})
_STAGE_AGE: Final = """(select count(distinct c.date)::int
    from instance i join school h on h.id = i.lead_school_id
    join calendar_session c on c.school_id = i.lead_school_id and c.date <= :day
        and c.date > (i.last_stage_at at time zone h.timezone)::date
    where i.student_id = q.student_id and i.lead_school_id = q.school_id and i.rule_set_key = :key
        and i.closed_at is null and i.last_stage_at is not null having bool_or(true))"""


@dataclass(slots=True)
class Facts:
    """Metric rows with a column per fact; facts of other kinds are told to a case by whoever enters them."""

    sql: str
    columns: dict[FactKey, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)


def with_facts(metrics: str, keys: Iterable[FactKey]) -> Facts:
    """Beside the metrics, as they are on `day`; takes `day`, `known_at` and `key` (of the rule set)."""
    facts, drawn = Facts(""), ""
    for number, key in enumerate(keys):
        if draw := _DRAWN.get(key.name):
            name = f"p{number}"
            facts.columns[key] = name
            drawn += f", ({draw(key, name, facts.params)})::int as {name}"
    facts.sql = f"select q.*{drawn} from ({metrics}) q join student one on one.id = q.student_id"
    return facts


def _year_group(key: FactKey, name: str, params: dict[str, Any]) -> str:
    params[name] = list(key.about)
    return f"one.year_group = any(cast(:{name} as text[]))"


def _compulsory(key: FactKey, _name: str, _params: dict[str, Any]) -> str:
    jurisdiction = key.about[0]
    if jurisdiction == "GB-ENG":
        return _ENGLAND
    first, last = _BETWEEN.get(jurisdiction, (6, 17))
    truth = f"{_AGE} between {first} and {last}"
    return f"case when {_AGE} in (16, 17) then null else {truth} end" if jurisdiction == "IE" else truth


def _protected(key: FactKey, name: str, params: dict[str, Any]) -> str:
    params[name] = list(key.about)
    return f"""exists (select from care_flag where student_id = q.student_id
        and lower(kind) = any(cast(:{name} as text[])) and {_COVERS})"""


def _exempt(_key: FactKey, _name: str, _params: dict[str, Any]) -> str:
    return f"""exists (select from exemption where student_id = q.student_id and scope = 'stop'
        and withdrawn_at is null and {_COVERS})"""


def _prior_events(key: FactKey, name: str, params: dict[str, Any]) -> str:
    params[name], (value, _, unit) = key.about[0], key.about[1].partition(":")
    after = "school_year_start(:day, h.year_start) - 1"
    if unit in _UNITS:
        after = f"(cast(:day as date) - interval '{int(value)} {unit}')::date"
    local = "(v.occurred_at at time zone h.timezone)::date"
    return f"""select count(*) from event v join school h on h.id = q.school_id
        where v.student_id = q.student_id and lower(v.type) = :{name} and v.occurred_at <= :known_at
            and {local} > {after} and {local} <= :day"""


def _guardian_events(key: FactKey, name: str, params: dict[str, Any]) -> str:
    """The most of any guardian who may be held liable; unknown while one of them has no confirmed history."""
    params[name], (value, _, unit) = key.about[0], key.about[1].partition(":")
    after = "school_year_start(:day, h.year_start) - 1"
    if unit in _UNITS:
        after = f"(cast(:day as date) - interval '{int(value)} {unit}')::date"
    return f"""select case when count(*) = count(told.id) then max(told.many) end
        from (
            select distinct l.guardian_id from guardian_link l join guardian g on g.id = l.guardian_id
            where l.student_id = q.student_id and l.may_be_held_liable is distinct from false
                and (l.valid_from is null or l.valid_from <= :day) and (l.valid_to is null or l.valid_to >= :day)
                and (g.deceased_on is null or g.deceased_on > :day)
        ) liable
        left join lateral (
            select t.id, (select count(*) from jsonb_array_elements(t.events) e join school h on h.id = q.school_id
                where e ->> 'kind' = :{name} and not (e ->> 'withdrawn')::boolean
                    and (e ->> 'on')::date > {after} and (e ->> 'on')::date <= :day) as many
            from guardian_history t
            where t.student_id = q.student_id and t.guardian_id = liable.guardian_id
                and t.confirmed_at <= :known_at and (t.replaced_at is null or t.replaced_at > :known_at)
        ) told on true"""


_DRAWN: Final[Mapping[FactName, Callable[[FactKey, str, dict[str, Any]], str]]] = {
    FactName.AGE: lambda *_: _AGE,
    FactName.YEAR_GROUP: _year_group,
    FactName.COMPULSORY_AGE: _compulsory,
    FactName.PROTECTED: _protected,
    FactName.EXEMPTION: _exempt,
    FactName.PRIOR_EVENTS: _prior_events,
    FactName.GUARDIAN_EVENTS: _guardian_events,
    FactName.STAGE_AGE: lambda *_: _STAGE_AGE,
}
