"""Reference metrics: one student's history and a key in, one exact integer (or unknown) out (S5-S10)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from rules.attendance.codes import ABSENCES, Status, family_exclusions
from rules.attendance.history import DayBasis, History, ResolvedSession
from rules.rulesets.metrics import CODE_SET, OF_THE_DAY, At, Kinds, Measure, MetricKey, WindowKind
from rules.rulesets.parameters import epoch_day
from rules.school_calendar import calendar_window_start, months_window_start

KIND_STATUSES: Final = {
    Kinds.ALL: ABSENCES,
    Kinds.UNAUTHORISED: frozenset({Status.UNAUTHORISED_ABSENT}),
    Kinds.AUTHORISED: frozenset({Status.AUTHORISED_ABSENT}),
}
_ONE_DAY: Final = timedelta(days=1)
Sessions = tuple[ResolvedSession, ...]


def measure(history: History, key: MetricKey, day: date, *, step: date | None = None) -> int | None:
    """The metric on `day`; `step` is the effective day of the last executed step, unknown metrics are None."""
    on = measured_day(history, key.at, day, step)
    if on is None or (key.at is At.PRIOR_YEAR and not _any_possible(history, key, on)):
        return None
    if key.measure in OF_THE_DAY:
        return epoch_day(on) if key.measure is Measure.EVALUATION_DAY else months_into_year(history, on)
    first = window_first(history, key, on, step)
    if first is None:
        return None
    sessions = tuple(s for s in sessions_of(history, key, first, on) if s.code not in excluded_codes(history, key))
    if key.window.last is not None:
        sessions = tuple(s for s in sessions if s.day <= key.window.last)
    return _COUNTS[key.measure](_Slice(history, key, sessions))


def measures(
    history: History, keys: Iterable[MetricKey], day: date, *, step: date | None = None
) -> dict[MetricKey, int | None]:
    """Several metrics of one student on one day."""
    return {key: measure(history, key, day, step=step) for key in keys}


def measured_day(history: History, at: At, day: date, step: date | None) -> date | None:
    """The day a metric is measured on; none before the first step."""
    if at is At.PRIOR_YEAR:
        return history.school.school_year_start(day) - _ONE_DAY
    if at is At.BEFORE_STEP:
        return step - _ONE_DAY if step else None
    return day


def window_first(history: History, key: MetricKey, on: date, step: date | None) -> date | None:
    """The first day of the key's window; cut at the school year but for S7.5 and what follows a step."""
    if key.window.kind is WindowKind.STEP:
        return step + _ONE_DAY if step else None
    year = history.school.school_year_start(on)
    match key.window.kind:
        case WindowKind.CALENDAR:
            first = calendar_window_start(on, key.window.n)
        case WindowKind.MONTHS:
            first = months_window_start(on, key.window.n)
        case WindowKind.SCHOOL:
            first = history.calendar.window_start(on, key.window.n)
        case WindowKind.WEEKS:
            first = history.calendar.week_window_start(on, key.window.n) or on
            return first if key.measure is Measure.UNAUTHORISED_SESSIONS else max(year, first)
        case _:
            first = key.window.first or year
    return max(year, first)


def counted_span(history: History, key: MetricKey, on: date, step: date | None) -> tuple[date, date] | None:
    """The first and the last day behind a metric: of a run its own days, else the window; None where there is none."""
    first = window_first(history, key, on, step)
    if first is None or key.measure in OF_THE_DAY:
        return None
    if key.measure is not Measure.CONSECUTIVE_DAYS and key.window.kind is not WindowKind.RUN:
        return first, on
    sessions = tuple(s for s in history.between(first, on) if s.code not in excluded_codes(history, key))
    run = _Slice(history, key, sessions).run()
    return (run[-1][0].day, run[0][0].day) if run else None


def months_into_year(history: History, on: date) -> int:
    """Full months between the start of the school year and `on`."""
    start = history.school.school_year_start(on)
    return (on.year - start.year) * 12 + on.month - start.month - (on.day < start.day)


def excluded_codes(history: History, key: MetricKey) -> frozenset[str]:
    """The codes whose sessions leave this metric; `CODE_SET` is the list of the school's own code set."""
    if key.exclude_codes == (CODE_SET,):
        return family_exclusions(history.school.code_set)
    return frozenset(key.exclude_codes)


def sessions_of(history: History, key: MetricKey, first: date, last: date) -> Sessions:
    """The sessions that a metric may count: this school's, or every school's."""
    return history.anywhere(first, last) if key.pooled else history.between(first, last)


def _any_possible(history: History, key: MetricKey, on: date) -> bool:
    return any(s.possible for s in sessions_of(history, key, history.school.school_year_start(on), on))


@dataclass(frozen=True, slots=True)
class _Slice:
    """The sessions of a window, with the excluded codes already taken out."""

    history: History
    key: MetricKey
    sessions: Sessions

    @property
    def possible(self) -> Sessions:
        return tuple(s for s in self.sessions if s.possible)

    @property
    def by_half_days_missed(self) -> bool:
        return self.history.school.day_basis is DayBasis.DAYS_50PCT

    def coded(self, session: ResolvedSession) -> bool:
        return not self.key.codes or session.code in self.key.codes

    def counts(self, session: ResolvedSession) -> bool:
        return session.status in KIND_STATUSES[self.key.kinds] and self.coded(session)

    def unauthorised(self, session: ResolvedSession) -> bool:
        return session.status is Status.UNAUTHORISED_ABSENT and self.coded(session)

    def days(self) -> list[Sessions]:
        """The possible sessions, day by day in order."""
        return [tuple(day) for _, day in groupby(self.possible, key=lambda s: s.day)]

    def absent_all_day(self, day: Sessions) -> bool:
        missed = sum(map(self.counts, day))
        return 2 * missed >= len(day) if self.by_half_days_missed else missed == len(day)

    def run(self) -> list[Sessions]:
        """The days of the present run of absence, latest first (S5.6)."""
        found = []
        for day in reversed(self.days()):
            if not self.absent_all_day(day):
                break
            found.append(day)
        return found


def _absent_half_days(window: _Slice) -> int:
    if window.by_half_days_missed:
        return 2 * sum(map(window.absent_all_day, window.days()))
    return sum(map(window.counts, window.possible)) * (2 // window.history.school.sessions_per_day)


def _absent_sessions(window: _Slice) -> int:
    return sum(map(window.counts, window.possible))


def _unauthorised(window: _Slice) -> int:
    return sum(map(window.unauthorised, window.possible))


def _late(window: _Slice) -> int:
    return sum(s.status is Status.LATE and window.coded(s) for s in window.sessions)


def _late_or_after_close(window: _Slice) -> int:
    return sum((s.status is Status.LATE or s.is_tardy) and window.coded(s) for s in window.sessions)


def _attended(window: _Slice) -> int:
    if window.by_half_days_missed:
        return sum(not window.absent_all_day(day) for day in window.days())
    return sum(s.attended for s in window.sessions)


def _possible(window: _Slice) -> int:
    return len(window.days()) if window.by_half_days_missed else len(window.possible)


def _occasions(window: _Slice) -> int:
    return sum(_day_occasions(window, day) for day in window.days())


def _day_occasions(window: _Slice, day: Sessions) -> int:
    """A whole unauthorised day once; otherwise each unauthorised or late session missed for long enough (S9.2)."""
    if all(map(window.unauthorised, day)):
        return 1
    late = (window.unauthorised(s) or (s.status is Status.LATE and window.coded(s)) for s in day)
    return sum(missed and s.minutes_missed > window.key.over_minutes for s, missed in zip(day, late, strict=True))


def _days_or_parts(window: _Slice) -> int:
    return sum(any(map(window.unauthorised, day)) for day in window.days())


def _minutes(window: _Slice) -> int:
    days = window.run() if window.key.window.kind is WindowKind.RUN else window.days()
    every = window.key.kinds is Kinds.ALL
    return sum(s.minutes_missed for day in days for s in day if (window.coded(s) if every else window.counts(s)))


_COUNTS: Final[Mapping[Measure, Callable[[_Slice], int]]] = {
    Measure.ABSENT_HALF_DAYS: _absent_half_days,
    Measure.ABSENT_SESSIONS: _absent_sessions,
    Measure.UNAUTHORISED_SESSIONS: _unauthorised,
    Measure.CONSECUTIVE_DAYS: lambda window: len(window.run()),
    Measure.LATE_SESSIONS: _late,
    Measure.LATE_OR_AFTER_CLOSE_SESSIONS: _late_or_after_close,
    Measure.ATTENDED_SESSIONS: _attended,
    Measure.POSSIBLE_SESSIONS: _possible,
    Measure.POSSIBLE_DAYS: lambda window: len(window.days()),
    Measure.COUNTED_SESSIONS: lambda window: len(window.possible),
    Measure.OCCASIONS: _occasions,
    Measure.DAYS_OR_PARTS: _days_or_parts,
    Measure.MINUTES_MISSED: _minutes,
}
