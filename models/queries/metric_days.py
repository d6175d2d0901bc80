"""What one register day of one student comes to: the counts that metrics are summed from (S5, S9)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rules.attendance.codes import ABSENCES, ATTENDED, POSSIBLE, Status
from rules.rulesets.measuring import KIND_STATUSES
from rules.rulesets.metrics import CODE_SET, Kinds, Measure, MetricKey


def _in(statuses: frozenset[Status]) -> str:
    """Our own enumeration, spelled out."""
    return "f.status in (" + ", ".join(f"'{status}'" for status in sorted(statuses)) + ")"


_LATE: Final = "f.status = 'LATE'"
_UNAUTHORISED: Final = _in(KIND_STATUSES[Kinds.UNAUTHORISED])


@dataclass(slots=True)
class DayColumns:
    """Columns of `register_day`, each expression once; `params` holds the code lists."""

    columns: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    pooled: bool = False
    """Whether the days hold sessions of other schools too; then what counts one school's marks says so."""

    def listed(self) -> str:
        return "".join(f",\n        {what} as {name}" for what, name in self.columns.items())

    def amount(self, key: MetricKey) -> str:
        """What a day adds to a metric."""
        return self._named(_AMOUNTS[key.measure](self, key))

    def possible(self, key: MetricKey) -> str:
        return self._named(self.possible_sessions(key))

    def any_possible(self, key: MetricKey) -> str:
        return self._named(self._count(_in(POSSIBLE) + self._here(key)))

    def broken(self, key: MetricKey) -> str:
        """True of a day with possible sessions that ends a run of absence (S5.6)."""
        possible, missed = self.possible_sessions(key), self.counted(key)
        whole = f"case when m.half_day_rule then 2 * {missed} >= {possible} else {missed} = {possible} end"
        return self._named(f"({possible} > 0 and not {whole})")

    def _named(self, what: str) -> str:
        return self.columns.setdefault(what, f"d{len(self.columns)}")

    def _codes(self, codes: tuple[str, ...]) -> str:
        """A bound list, one parameter per different list."""
        listed = list(codes)
        for name, known in self.params.items():
            if known == listed:
                return f"cast(:{name} as text[])"
        name = f"codes_{len(self.params)}"
        self.params[name] = listed
        return f"cast(:{name} as text[])"

    def _here(self, key: MetricKey) -> str:
        return " and f.school_id = x.school_id" if self.pooled and not key.pooled else ""

    def _kept(self, key: MetricKey) -> str:
        """Sessions with excluded codes leave the metric; those of other schools unless it counts across."""
        here = self._here(key)
        if not key.exclude_codes:
            return here
        family = key.exclude_codes == (CODE_SET,)
        codes = "m.family_codes" if family else self._codes(key.exclude_codes)
        return f"{here} and f.code <> all({codes})"

    def _coded(self, key: MetricKey) -> str:
        return f" and f.code = any({self._codes(key.codes)})" if key.codes else ""

    @staticmethod
    def _count(condition: str) -> str:
        return f"count(*) filter (where {condition})"

    def possible_sessions(self, key: MetricKey) -> str:
        return self._count(_in(POSSIBLE) + self._kept(key))

    def counted(self, key: MetricKey) -> str:
        return self._count(_in(KIND_STATUSES[key.kinds]) + self._coded(key) + self._kept(key))

    def unauthorised(self, key: MetricKey) -> str:
        return self._count(_UNAUTHORISED + self._coded(key) + self._kept(key))

    def absent_half_days(self, key: MetricKey) -> str:
        possible, missed = self.possible_sessions(key), self.counted(key)
        by_day = f"case when {possible} > 0 and 2 * {missed} >= {possible} then 2 else 0 end"
        return f"case when m.half_day_rule then {by_day} else {missed} * (2 / m.sessions_per_day) end"

    def attended(self, key: MetricKey) -> str:
        possible, missed = self.possible_sessions(key), self._count(_in(ABSENCES) + self._coded(key) + self._kept(key))
        by_day = f"({possible} > 0 and 2 * {missed} < {possible})::int"
        return f"case when m.half_day_rule then {by_day} else {self._count(_in(ATTENDED) + self._kept(key))} end"

    def possible_amount(self, key: MetricKey) -> str:
        possible = self.possible_sessions(key)
        return f"case when m.half_day_rule then ({possible} > 0)::int else {possible} end"

    def possible_day(self, key: MetricKey) -> str:
        return f"({self.possible_sessions(key)} > 0)::int"

    def late(self, key: MetricKey) -> str:
        return self._count(_LATE + self._coded(key) + self._kept(key))

    def late_or_after_close(self, key: MetricKey) -> str:
        return self._count(f"({_LATE} or f.tardy)" + self._coded(key) + self._kept(key))

    def occasions(self, key: MetricKey) -> str:
        possible, missed = self.possible_sessions(key), self.unauthorised(key)
        long = f"({_UNAUTHORISED} or {_LATE}) and f.minutes_missed > {int(key.over_minutes)}"
        some = self._count(long + self._coded(key) + self._kept(key))
        return f"case when {possible} > 0 and {missed} = {possible} then 1 else {some} end"

    def days_or_parts(self, key: MetricKey) -> str:
        return f"({self.unauthorised(key)} > 0)::int"

    def minutes(self, key: MetricKey) -> str:
        statuses = POSSIBLE if key.kinds is Kinds.ALL else KIND_STATUSES[key.kinds]
        return f"coalesce(sum(f.minutes_missed) filter (where {_in(statuses)}{self._coded(key)}{self._kept(key)}), 0)"


_AMOUNTS: Final[Mapping[Measure, Callable[[DayColumns, MetricKey], str]]] = {
    Measure.ABSENT_HALF_DAYS: DayColumns.absent_half_days,
    Measure.ABSENT_SESSIONS: DayColumns.counted,
    Measure.UNAUTHORISED_SESSIONS: DayColumns.unauthorised,
    Measure.LATE_SESSIONS: DayColumns.late,
    Measure.LATE_OR_AFTER_CLOSE_SESSIONS: DayColumns.late_or_after_close,
    Measure.ATTENDED_SESSIONS: DayColumns.attended,
    Measure.POSSIBLE_SESSIONS: DayColumns.possible_amount,
    Measure.POSSIBLE_DAYS: DayColumns.possible_day,
    Measure.COUNTED_SESSIONS: DayColumns.possible_sessions,
    Measure.OCCASIONS: DayColumns.occasions,
    Measure.DAYS_OR_PARTS: DayColumns.days_or_parts,
    Measure.MINUTES_MISSED: DayColumns.minutes,
}
