"""Metric keys as one SQL statement: a row per student and school with a column per metric, at (date, known at).

Built from our own enumerations and integers; codes, dates and ids travel as bound parameters. Each register day is
first brought down to a few counts, then the counts are summed over each metric's days.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from models.queries.metric_days import DayColumns
from models.queries.metric_windows import Windows
from rules.rulesets.metrics import OF_THE_DAY, At, Measure, MetricKey, WindowKind

ENROLLED: Final = """
    select distinct e.student_id, e.school_id, cast(null as date) as step_day
    from enrolment e
    where e.tenant_id = :tenant_id and e.start_date <= :day and (e.end_date is null or e.end_date >= :day)
      and (cast(:schools as uuid[]) is null or e.school_id = any(cast(:schools as uuid[])))
"""
"""Everybody enrolled on the day; parameters `schools` (or null for all)."""

LISTED: Final = """
    select * from unnest(cast(:students as uuid[]), cast(:schools as uuid[]), cast(:steps as date[]))
        as listed(student_id, school_id, step_day)
"""
"""The given students; parameters `students`, `schools` and `steps` (effective day of the last step, or null)."""


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """`sql` gives student_id, school_id, step_day and the columns; it also takes tenant_id, day and known_at."""

    sql: str
    params: Mapping[str, Any]
    columns: Mapping[MetricKey, str]


def metric_query(keys: Iterable[MetricKey], *, subjects: str = ENROLLED) -> MetricQuery:
    """One statement for a set of metrics of many students, `ENROLLED` or `LISTED`."""
    wanted = tuple(sorted(set(keys)))
    build = _Build(wanted, days=DayColumns(pooled=any(key.pooled for key in wanted)))
    values = {key: build.value(key) for key in build.keys}
    columns = {key: f"m{number}" for number, key in enumerate(values)}
    listed = "".join(f",\n    {values[key]} as {name}" for key, name in columns.items())
    here = "" if build.days.pooled else " and f.school_id = x.school_id"
    sql = f"""
with subject as ({subjects}),
{build.windows.ctes()},
register_day as (
    select x.student_id, x.school_id, x.step_day, f.date{build.days.listed()}
    from subject x
    join moment m on m.school_id = x.school_id and m.step_day is not distinct from x.step_day
    join session_fact f on f.tenant_id = :tenant_id and f.student_id = x.student_id{here}
        and f.date between m.earliest and m.latest and f.known_from <= :known_at and :known_at < f.known_to
    group by x.student_id, x.school_id, x.step_day, f.date, m.half_day_rule, m.sessions_per_day
),
counted as (
    select d.*{build.broken()}
    from register_day d
    join moment m on m.school_id = d.school_id and m.step_day is not distinct from d.step_day
    window subject as (partition by d.student_id, d.school_id, d.step_day)
    union all
    select x.student_id, x.school_id, x.step_day, null{build.empty()} from subject x
)
select d.student_id, d.school_id, d.step_day{listed}
from counted d
join moment m on m.school_id = d.school_id and m.step_day is not distinct from d.step_day
group by d.student_id, d.school_id, d.step_day, {build.windows.grouped()}
"""
    return MetricQuery(sql, {**build.days.params, **build.windows.params()}, columns)


@dataclass(slots=True)
class _Build:
    """The statement as it grows: windows per school, counts per day, and where runs of absence were last broken."""

    keys: tuple[MetricKey, ...]
    windows: Windows = field(default_factory=Windows)
    days: DayColumns = field(default_factory=DayColumns)
    breaks: dict[tuple[str, str], str] = field(default_factory=dict)

    def value(self, key: MetricKey) -> str:
        """The select expression of one metric, null where it is unknown."""
        if key.measure in OF_THE_DAY:
            return self._known(key, self.windows.of_the_day(key))
        first, last = self.windows.bounds(key)
        during = f"d.date between m.{first} and m.{last}"
        if WindowKind.RUN is key.window.kind:
            during = f"{during} and d.date > coalesce(d.{self._break(key, first, last)}, '-infinity')"
        what = "1" if key.measure is Measure.CONSECUTIVE_DAYS else f"d.{self.days.amount(key)}"
        if WindowKind.RUN is key.window.kind:
            during = f"{during} and d.{self.days.possible(key)} > 0"
        return self._known(key, f"coalesce(sum({what}) filter (where {during}), 0)::int")

    def _break(self, key: MetricKey, first: str, last: str) -> str:
        """The last day on which the student's absence was not whole."""
        broken = f"max(d.date) filter (where d.{self.days.broken(key)} and d.date between m.{first} and m.{last})"
        return self.breaks.setdefault((broken, first), f"b{len(self.breaks)}")

    def _known(self, key: MetricKey, value: str) -> str:
        needed = []
        if key.at is At.PRIOR_YEAR:
            first, last = self.windows.year_of(key.at)
            days = f"d.date between m.{first} and m.{last}"
            needed.append(f"sum(d.{self.days.any_possible(key)}) filter (where {days}) > 0")
        if key.at is At.BEFORE_STEP or key.window.kind is WindowKind.STEP:
            needed.append("d.step_day is not null")
        return f"case when {' and '.join(needed)} then {value} end" if needed else value

    def broken(self) -> str:
        """Beside each day, since a run can only be summed once its last break is known."""
        return "".join(f", {what} over subject as {name}" for (what, _), name in self.breaks.items())

    def empty(self) -> str:
        """A student's own row without a day: added, not joined, so that no estimate can turn it into a nested loop."""
        return ", null" * (len(self.days.columns) + len(self.breaks))
