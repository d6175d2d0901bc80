"""The summary of one student-day: exact amounts over the school year to date (attendance.md S5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import groupby

from rules.attendance.history import DayBasis, History, ResolvedSession, SessionName

Sessions = Sequence[ResolvedSession]


@dataclass(frozen=True, slots=True)
class Summary:
    """One row of summaries; the halves are empty where not scheduled."""

    day: date
    halves: dict[SessionName, ResolvedSession]
    attended: int
    possible: int
    consecutive_absence_days: int
    absent_half_days: int

    @property
    def percent(self) -> Fraction | None:
        """S5.2, exact; none when nothing was possible."""
        return Fraction(100 * self.attended, self.possible) if self.possible else None

    @property
    def percent_text(self) -> str:
        return shown(self.percent)


def shown(percent: Fraction | None) -> str:
    """S5.4: two decimals, half up; empty for none."""
    if percent is None:
        return ""
    hundredths = int(percent * 100 + Fraction(1, 2))
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def summary(history: History, day: date) -> Summary:
    """What `day` adds up to, from the first day of its school year."""
    year = history.between(history.school.school_year_start(day), day)
    days = possible_days(year)
    attended, possible = _attended_possible(history, days)
    halves = {item.session: item for item in history.between(day, day)}
    return Summary(day, halves, attended, possible, _run(history, days), _absent_half_days(history, days))


def possible_days(sessions: Sessions) -> list[tuple[ResolvedSession, ...]]:
    """The possible sessions, day by day."""
    possible = (item for item in sessions if item.possible)
    return [tuple(day) for _, day in groupby(possible, key=lambda item: item.day)]


def _by_days(history: History) -> bool:
    return history.school.day_basis is DayBasis.DAYS_50PCT


def _absent_day(history: History, day: Sessions) -> bool:
    """S5.6: absent for all possible sessions, or under DAYS_50PCT for half of them."""
    missed = sum(item.absent for item in day)
    return 2 * missed >= len(day) if _by_days(history) else missed == len(day)


def _attended_possible(history: History, days: Sequence[Sessions]) -> tuple[int, int]:
    if _by_days(history):
        return sum(not _absent_day(history, day) for day in days), len(days)
    sessions = [item for day in days for item in day]
    return sum(item.attended for item in sessions), len(sessions)


def _absent_half_days(history: History, days: Sequence[Sessions]) -> int:
    """S5.1 times two, so that it is whole."""
    if _by_days(history):
        return 2 * sum(_absent_day(history, day) for day in days)
    return sum(item.absent for day in days for item in day) * (2 // history.school.sessions_per_day)


def _run(history: History, days: Sequence[Sessions]) -> int:
    """S5.6: absent days at the end; the first other day stops the count."""
    run = 0
    for day in reversed(days):
        if not _absent_day(history, day):
            break
        run += 1
    return run
