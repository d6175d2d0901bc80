"""The days each metric looks at, worked out once per school (and per last step) in SQL (S6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from rules.attendance.codes import BUILT_IN, family_exclusions
from rules.rulesets.metrics import At, Measure, MetricKey, Window, WindowKind

_ON: Final[Mapping[At, str]] = {
    At.DAY: "t.today",
    At.PRIOR_YEAR: "(t.year_begins - 1)",
    At.BEFORE_STEP: "(t.step_day - 1)",
}


def _year(on: str) -> str:
    """S5.5, by the function that the summaries use too."""
    return f"school_year_start({on}, t.year_start)"


_OPEN_DAYS: Final = """
    select o.date from open_day o where o.school_id = t.school_id and o.date <= {on} order by o.date desc limit {n}
"""
_OPEN_WEEKS: Final = """
    select distinct date_trunc('week', o.date)::date as date from open_day o where o.school_id = t.school_id
        and date_trunc('week', o.date)::date <= date_trunc('week', {on})::date order by 1 desc limit {n}
"""


@dataclass(slots=True)
class Windows:
    """Columns of `moment`: one row per school and day of the last step, two columns per window."""

    columns: dict[str, str] = field(default_factory=dict)

    def bounds(self, key: MetricKey) -> tuple[str, str]:
        """Names of the first and the last day of a metric."""
        on = _ON[key.at]
        last = on if key.window.last is None else f"least({on}, {_date(key.window.last)})"
        return self._named(self._first(key, on)), self._named(last)

    def year_of(self, at: At) -> tuple[str, str]:
        """The school year up to the day a metric is measured on."""
        return self._named(_year(_ON[at])), self._named(_ON[at])

    def of_the_day(self, key: MetricKey) -> str:
        """The date itself, as a number of days or of full months since the year began."""
        first, on = (f"m.{name}" for name in self.year_of(key.at))
        if key.measure is Measure.EVALUATION_DAY:
            return f"({on} - date '1970-01-01')"
        months = f"12 * {_part('year', on, first)} + {_part('month', on, first)}"
        return f"({months} - (extract(day from {on}) < extract(day from {first}))::int)::int"

    def _named(self, what: str) -> str:
        return self.columns.setdefault(what, f"w{len(self.columns)}")

    def _first(self, key: MetricKey, on: str) -> str:
        first = _begins(key.window, on)
        uncut = key.window.kind is WindowKind.STEP or (
            key.window.kind is WindowKind.WEEKS and key.measure is Measure.UNAUTHORISED_SESSIONS
        )
        return first if uncut else f"greatest({_year(on)}, {first})"

    def grouped(self) -> str:
        """The columns of `moment` that a group of one student and school shares."""
        return ", ".join(f"m.{name}" for name in self.columns.values()) or "m.school_id"

    def ctes(self) -> str:
        """`place` (a school and a last step, with its settings), `open_day`, and `moment` (with the windows)."""
        listed = "".join(f",\n        {what} as {name}" for what, name in self.columns.items())
        names = list(self.columns.values())
        span = f"least({', '.join(f'z.{n}' for n in names)})" if names else "cast(null as date)"
        family = " ".join(f"when :family_set_{n} then cast(:family_codes_{n} as text[])" for n in range(len(_FAMILIES)))
        return f"""place as (
    select p.*, school_year_start(p.today, p.year_start) as year_begins
    from (
        select distinct x.school_id, x.step_day, cast(:day as date) as today, s.year_start, s.sessions_per_day,
            s.day_basis = 'DAYS_50PCT' as half_day_rule,
            case s.code_set {family} else cast('{{}}' as text[]) end as family_codes
        from subject x join school s on s.tenant_id = :tenant_id and s.id = x.school_id
    ) p
),
open_day as (
    select distinct c.school_id, c.date
    from calendar_session c
    where c.tenant_id = :tenant_id and c.school_id in (select school_id from place)
        and c.date <= greatest(cast(:day as date), (select max(p.step_day) from place p)) + 6
),
moment as (
    select z.*, {span} as earliest, {span.replace("least", "greatest")} as latest
    from (
        select t.school_id, t.step_day, t.sessions_per_day, t.half_day_rule, t.family_codes{listed}
        from place t
    ) z
)"""

    @staticmethod
    def params() -> dict[str, Any]:
        """The family lists of the code sets that have one (safeguards.md section 6)."""
        found: dict[str, Any] = {}
        for n, code_set in enumerate(_FAMILIES):
            found |= {f"family_set_{n}": code_set, f"family_codes_{n}": sorted(family_exclusions(code_set))}
        return found


_FAMILIES: Final = tuple(sorted(name for name in BUILT_IN if family_exclusions(name)))


def _part(part: str, later: str, earlier: str) -> str:
    return f"(extract({part} from {later}) - extract({part} from {earlier}))"


def _begins(window: Window, on: str) -> str:
    match window.kind:
        case WindowKind.CALENDAR:
            return f"({on} - {int(window.n) - 1})"
        case WindowKind.MONTHS:
            return f"(({on} - interval '{int(window.n)} months')::date + 1)"
        case WindowKind.SCHOOL:
            return _earliest(_OPEN_DAYS, on, window.n)
        case WindowKind.WEEKS:
            return _earliest(_OPEN_WEEKS, on, window.n)
        case WindowKind.STEP:
            return "(t.step_day + 1)"
        case _:
            return _date(window.first) if window.first else _year(on)


def _earliest(days: str, on: str, n: int) -> str:
    return f"coalesce((select min(q.date) from ({days.format(on=on, n=int(n))}) q), {on})"


def _date(day: date) -> str:
    return f"date '{day.isoformat()}'"
