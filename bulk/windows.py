"""Which days of a school a metric looks back over, per evaluation day (attendance.md S5.5, S6, S7.5)."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from bulk.vocabulary import Ints, as_date, as_day
from rules.attendance.history import SchoolSettings
from rules.rulesets.metrics import Measure, MetricKey, Window, WindowKind
from rules.school_calendar import months_window_start

_WEEK = 7
_MONDAY = 4
"""1970-01-05, a Monday, in days since 1970-01-01."""


@dataclass(frozen=True, slots=True)
class Reach:
    """For each day of measurement the stretch `low:high` of the school's open days; `high` is exclusive."""

    low: Ints
    high: Ints


@dataclass(frozen=True, slots=True)
class Timeline:
    """Days of measurement of one school: the day itself, its school year, and where it stands among the open days."""

    open_days: Ints
    axis: Ints
    """The days whose amounts are added up: the open days, or with those of other schools among them."""
    at: Ints
    """The days measured on, which need not be open."""
    year: Ints
    """The first day of the school year of each."""
    upto: Ints
    """How many days of the axis are not later than each."""

    @classmethod
    def of(cls, open_days: Ints, at: Ints, settings: SchoolSettings, axis: Ints | None = None) -> "Timeline":
        years = [as_day(settings.school_year_start(as_date(int(day)))) for day in at]
        axis = open_days if axis is None else axis
        return cls(open_days, axis, at, np.array(years, np.int64), np.searchsorted(axis, at, "right"))

    def year_low(self) -> Ints:
        return np.searchsorted(self.axis, self.year)

    def reach(self, window: Window) -> Reach:
        low, high = self._low(window), self.upto
        if window.kind is WindowKind.DATES:
            high = np.minimum(high, np.searchsorted(self.axis, as_day(window.last or date.max), "right"))
        return Reach(np.minimum(low, high), high)

    def reach_of(self, key: MetricKey) -> Reach:
        """The reach of a metric; only the count of unauthorised sessions in school weeks crosses the school year.

        What is counted since a step is added up from the first day: the difference of two days is what lies between.
        """
        if key.window.kind is WindowKind.STEP:
            return Reach(np.zeros(len(self.at), np.int64), self.upto)
        if key.window.kind is WindowKind.WEEKS and key.measure is Measure.UNAUTHORISED_SESSIONS:
            return Reach(np.minimum(self._weeks_low(key.window.n), self.upto), self.upto)
        return self.reach(key.window)

    def _low(self, window: Window) -> Ints:
        return np.maximum(self.year_low(), self._uncut_low(window))

    def _uncut_low(self, window: Window) -> Ints:
        if window.kind is WindowKind.CALENDAR:
            return np.searchsorted(self.axis, self.at - (window.n - 1))
        if window.kind is WindowKind.MONTHS:
            starts = [as_day(months_window_start(as_date(int(day)), window.n)) for day in self.at]
            return np.searchsorted(self.axis, np.array(starts, np.int64))
        if window.kind is WindowKind.WEEKS:
            return self._weeks_low(window.n)
        if window.kind is WindowKind.SCHOOL:
            return self._school_days_low(window.n)
        if window.kind is WindowKind.DATES:
            return np.full(len(self.at), np.searchsorted(self.axis, as_day(window.first or date.min)))
        return np.zeros(len(self.at), np.int64)

    def _school_days_low(self, school_days: int) -> Ints:
        """The n-th last open day; with fewer the first, with none the day itself."""
        opened = np.searchsorted(self.open_days, self.at, "right")
        starts = np.append(self.open_days, 0)[np.maximum(opened - school_days, 0)]
        return np.searchsorted(self.axis, np.where(opened > 0, starts, self.at))

    def _weeks_low(self, weeks: int) -> Ints:
        """The first day of the n-th last school week; with none so far, the day itself."""
        mondays = np.unique(monday(self.open_days))
        last = np.searchsorted(mondays, monday(self.at), "right")
        first = np.maximum(last - weeks, 0)
        starts = np.append(mondays, 0)[np.minimum(first, len(mondays))]
        return np.searchsorted(self.axis, np.where(last > 0, starts, self.at))


def monday(days: Ints) -> Ints:
    """The Monday of each day's week."""
    return days - (days - _MONDAY) % _WEEK


def months_into_year(timeline: Timeline) -> Ints:
    """Full months from the first day of the school year to each day."""
    return np.array(
        [
            _months(as_date(int(start)), as_date(int(day)))
            for start, day in zip(timeline.year, timeline.at, strict=True)
        ],
        np.int64,
    )


def _months(start: date, day: date) -> int:
    return (day.year - start.year) * 12 + day.month - start.month - (day.day < start.day)
