"""Until when a duty must be done: pure arithmetic over a school's open days."""

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import count, groupby, islice
from types import MappingProxyType
from typing import Final

from rules.rulesets.law import Deadline

_DAY: Final = timedelta(days=1)
_WEEKEND: Final = 5
"""Monday is 0: Saturday and Sunday are no working days. Public holidays are not known to Handrail."""
SOON_SCHOOL_DAYS: Final = 2
"""How long before the deadline its owner is reminded."""
AGAIN_SCHOOL_DAYS: Final = 5
"""How long after the deadline, and then again and again, the leader is reminded."""
LEADER_FROM_REMINDER: Final = 3
"""The third reminder comes when it is late: from then on they are the leader's."""


def due_on(deadline: Deadline, start: date, open_days: Sequence[date]) -> date:
    """The last day in time: `n` units after `start`, the day of the trip or event or the last of the school year.

    `open_days` are the school's, in order. Beyond their end every weekday counts as open: a deadline that is too
    early hurts nobody.
    """
    return _UNITS[deadline.unit](deadline.n, start, open_days)


def forthwith(deadline: Deadline, due: date, opened_on: date) -> date:
    """Without any time given, it is due on the day on which it could be known; a counted one may be over."""
    return max(due, opened_on) if deadline.n == 0 else due


def _days(n: int, start: date, _open_days: Sequence[date]) -> date:
    return start + n * _DAY


def _weeks(n: int, start: date, _open_days: Sequence[date]) -> date:
    return start + 7 * n * _DAY


def _months(n: int, start: date, _open_days: Sequence[date]) -> date:
    """The same day of the month, or its last where there is none."""
    months = start.year * 12 + start.month - 1 + n
    year, month = divmod(months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _working_days(n: int, start: date, _open_days: Sequence[date]) -> date:
    return _nth(_weekdays_from(start), n, start)


def _school_days(n: int, start: date, open_days: Sequence[date]) -> date:
    return _nth(_open_from(start, open_days), n, start)


def _school_weeks(n: int, start: date, open_days: Sequence[date]) -> date:
    """The last open day of the nth Monday-Sunday week with school after that of `start`; 0 = that week itself."""
    weeks = groupby(_open_from(start, open_days), _monday)
    if n == 0:
        monday, days = next(weeks)
        return max(days) if monday == _monday(start) else start
    later = (max(days) for monday, days in weeks if monday > _monday(start))
    return next(islice(later, n - 1, None))


def _nth(days: Iterator[date], n: int, start: date) -> date:
    """The nth of the days after `start`; 0 = the first on or after it."""
    return next(days) if n == 0 else next(islice((day for day in days if day > start), n - 1, None))


def _monday(day: date) -> date:
    return day - day.weekday() * _DAY


def _weekdays_from(start: date) -> Iterator[date]:
    return (day for day in (start + n * _DAY for n in count()) if day.weekday() < _WEEKEND)


def _open_from(start: date, open_days: Sequence[date]) -> Iterator[date]:
    yield from (day for day in open_days if day >= start)
    yield from _weekdays_from(max([start, *(day + _DAY for day in open_days[-1:])]))


_UNITS: Final[Mapping[str, Callable[[int, date, Sequence[date]], date]]] = MappingProxyType(
    {
        "day": _days,
        "week": _weeks,
        "month": _months,
        "working_day": _working_days,
        "school_day": _school_days,
        "school_week": _school_weeks,
    }
)


def reminders_due(due: date, today: date, open_days: Sequence[date]) -> int:
    """How many reminders there should have been by `today`: one shortly before, one on the day, then again and again.

    `open_days` are the school's, in order, from well before `due` on. From the third on they are the leader's.
    """
    before = [day for day in open_days if day < due]
    soon = before[-SOON_SCHOOL_DAYS] if len(before) >= SOON_SCHOOL_DAYS else due - SOON_SCHOOL_DAYS * _DAY
    if today <= due:
        return (today >= soon) + (today >= due)
    late = sum(1 for day in open_days if due < day <= today)
    return LEADER_FROM_REMINDER + late // AGAIN_SCHOOL_DAYS
