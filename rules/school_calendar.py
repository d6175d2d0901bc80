"""School days: which dates a school is open, and counting in them (attendance.md S1, S6)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta


def monday_of(day: date) -> date:
    """The Monday of the week `day` lies in."""
    return day - timedelta(days=day.weekday())


@dataclass(frozen=True, slots=True)
class SchoolCalendar:
    """The dates one school is open, sorted; a date that is not here is no school day."""

    open_days: tuple[date, ...]
    mondays: tuple[date, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        days = tuple(sorted(set(self.open_days)))
        object.__setattr__(self, "open_days", days)
        object.__setattr__(self, "mondays", tuple(sorted({monday_of(day) for day in days})))

    @classmethod
    def of(cls, days: Iterable[date]) -> "SchoolCalendar":
        return cls(tuple(days))

    def is_open(self, day: date) -> bool:
        at = bisect_left(self.open_days, day)
        return at < len(self.open_days) and self.open_days[at] == day

    def last_open(self, day: date) -> date | None:
        """The last school day on or before `day`."""
        at = bisect_right(self.open_days, day)
        return self.open_days[at - 1] if at else None

    def next_open(self, day: date) -> date | None:
        """The first school day on or after `day`; none when the calendar is not loaded that far."""
        at = bisect_left(self.open_days, day)
        return self.open_days[at] if at < len(self.open_days) else None

    def after(self, day: date, school_days: int) -> date | None:
        """The n-th school day strictly after `day` (n >= 1); none when the calendar is not loaded that far."""
        at = bisect_right(self.open_days, day) + school_days - 1
        return self.open_days[at] if at < len(self.open_days) else None

    def before(self, day: date, school_days: int) -> date | None:
        """The n-th school day strictly before `day` (n >= 1); none before the first loaded day."""
        at = bisect_left(self.open_days, day) - school_days
        return self.open_days[at] if at >= 0 else None

    def count(self, after: date, until: date) -> int:
        """School days in (after, until]; 0 when `until` is not later."""
        return max(0, bisect_right(self.open_days, until) - bisect_right(self.open_days, after))

    def weeks(self, after: date, until: date) -> int:
        """School weeks (Monday-Sunday with a school day) after the week of `after`, up to the week of `until`."""
        first, last = monday_of(after), monday_of(until)
        return max(0, bisect_right(self.mondays, last) - bisect_right(self.mondays, first))

    def week_after(self, day: date, school_weeks: int) -> date | None:
        """The Monday of the n-th school week after the week of `day` (n >= 1); none beyond the loaded calendar."""
        at = bisect_right(self.mondays, monday_of(day)) + school_weeks - 1
        return self.mondays[at] if at < len(self.mondays) else None

    def window_start(self, day: date, school_days: int) -> date:
        """S6.1 SCHOOL n: the n-th last school day on or before `day`; fewer than n -> the first, none -> `day`."""
        at = bisect_right(self.open_days, day)
        return self.open_days[max(0, at - school_days)] if at else day

    def week_window_start(self, day: date, school_weeks: int) -> date | None:
        """S7.5: Monday of the n-th last school week on or before `day`'s; none when there was no school week yet."""
        at = bisect_right(self.mondays, monday_of(day))
        return self.mondays[max(0, at - school_weeks)] if at else None


def calendar_window_start(day: date, days: int) -> date:
    """S6.1 CALENDAR n: the window of n dates that ends on `day`."""
    return day - timedelta(days=days - 1)


def months_window_start(day: date, months: int) -> date:
    """The day after the same day of the month `months` before; a shorter month's last day stands for its 31st."""
    return day - relativedelta(months=months) + timedelta(days=1)
