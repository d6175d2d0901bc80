"""Deadlines of duties: counted in each unit over holidays, never before the trip, monotonic in what is given."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.duties.deadlines import due_on, forthwith, reminders_due
from rules.rulesets.law import Deadline

DAY = timedelta(days=1)
UNITS = ("school_day", "school_week", "working_day", "day", "week", "month")
OPEN = [
    *(date(2026, 12, 7) + n * DAY for n in range(5)),  # a week, Monday to Friday
    *(date(2026, 12, 14) + n * DAY for n in range(3)),  # term ends on a Wednesday
    *(date(2027, 1, 5) + n * DAY for n in range(4)),  # and begins on a Tuesday
    *(date(2027, 1, 11) + n * DAY for n in range(5)),
]
THURSDAY = date(2026, 12, 10)


def deadline(n: int, unit: str, starts: str = "trip") -> Deadline:
    given: dict[str, Any] = {"n": n, "unit": unit, "from": starts}
    return Deadline.model_validate(given)


@pytest.mark.parametrize(
    ("n", "unit", "start", "due"),
    [
        (0, "school_day", THURSDAY, THURSDAY),
        (0, "school_day", date(2026, 12, 12), date(2026, 12, 14)),  # a Saturday: the next day of school
        (4, "school_day", THURSDAY, date(2026, 12, 16)),
        (5, "school_day", THURSDAY, date(2027, 1, 5)),  # the holidays do not count
        (7, "day", THURSDAY, date(2026, 12, 17)),  # they do here
        (2, "week", THURSDAY, date(2026, 12, 24)),
        (1, "month", date(2027, 1, 31), date(2027, 2, 28)),
        (2, "month", date(2026, 12, 15), date(2027, 2, 15)),
        (12, "month", date(2028, 2, 29), date(2029, 2, 28)),
        (0, "working_day", date(2026, 12, 13), date(2026, 12, 14)),  # a Sunday
        (3, "working_day", THURSDAY, date(2026, 12, 15)),
        (7, "working_day", THURSDAY, date(2026, 12, 21)),  # school is closed, offices are not
        (0, "school_week", THURSDAY, date(2026, 12, 11)),
        (0, "school_week", date(2026, 12, 12), date(2026, 12, 12)),  # no school is left in that week
        (1, "school_week", THURSDAY, date(2026, 12, 16)),
        (2, "school_week", THURSDAY, date(2027, 1, 8)),
        (1, "school_week", date(2026, 12, 24), date(2027, 1, 8)),  # a trip in the holidays
    ],
)
def test_each_unit_counts_its_own_days(n: int, unit: str, start: date, due: date) -> None:
    assert due_on(deadline(n, unit), start, OPEN) == due


@pytest.mark.parametrize("unit", ["school_day", "school_week"])
def test_beyond_a_calendars_end_weekdays_count(unit: str) -> None:
    assert due_on(deadline(10, unit), OPEN[-1], OPEN) == due_on(deadline(10, unit), OPEN[-1], OPEN + weekdays(80))
    assert due_on(deadline(1, unit), THURSDAY, []).weekday() < 5


def weekdays(many: int) -> list[date]:
    days = (OPEN[-1] + n * DAY for n in range(1, many))
    return [day for day in days if day.weekday() < 5]


calendars = st.lists(st.integers(0, 400), max_size=200, unique=True).map(
    lambda found: [date(2026, 8, 1) + n * DAY for n in sorted(found)]
)
starts = st.dates(date(2026, 7, 1), date(2027, 10, 1))


@given(unit=st.sampled_from(UNITS), n=st.integers(0, 60), start=starts, open_days=calendars)
def test_more_time_is_never_less(unit: str, n: int, start: date, open_days: list[date]) -> None:
    due = due_on(deadline(n, unit), start, open_days)
    assert due >= start
    assert due_on(deadline(n + 1, unit), start, open_days) > due or n == 0  # 0 is "that day", which may be the first
    assert due_on(deadline(n + 1, unit), start, open_days) >= due


@given(n=st.integers(1, 60), start=starts, open_days=calendars)
def test_a_deadline_in_school_days_falls_on_the_nth_of_them(n: int, start: date, open_days: list[date]) -> None:
    due = due_on(deadline(n, "school_day"), start, open_days)
    later = [day for day in open_days if start < day <= due]
    if len([day for day in open_days if day > start]) >= n:
        assert due in open_days
        assert len(later) == n
    else:
        assert due.weekday() < 5
        assert len(later) < n


@given(unit=st.sampled_from(UNITS), n=st.integers(0, 30), start=starts, open_days=calendars)
def test_a_day_of_closure_never_makes_it_earlier(unit: str, n: int, start: date, open_days: list[date]) -> None:
    """A snow day in the middle takes no time away; only the calendar's last days tell how far it is known."""
    due = due_on(deadline(n, unit), start, open_days)
    for closed in open_days[1:-1][:3]:
        assert due_on(deadline(n, unit), start, [day for day in open_days if day != closed]) >= min(due, closed)


def test_forthwith_is_the_day_on_which_it_could_be_known() -> None:
    monday = date(2026, 12, 14)
    assert forthwith(deadline(0, "school_day"), date(2026, 12, 11), monday) == monday
    assert forthwith(deadline(0, "school_day"), date(2026, 12, 15), monday) == date(2026, 12, 15)
    assert forthwith(deadline(2, "day"), date(2026, 12, 12), monday) == date(2026, 12, 12)  # it is late, and says so


@pytest.mark.parametrize(
    ("today", "many"),
    [
        (date(2026, 12, 10), 0),
        (date(2026, 12, 11), 1),  # two school days before
        (date(2026, 12, 13), 1),
        (date(2026, 12, 15), 2),
        (date(2026, 12, 16), 3),  # late
        (date(2027, 1, 8), 4),  # the fifth school day after
        (date(2027, 1, 15), 5),
    ],
)
def test_reminders_come_before_on_and_after_the_day(today: date, many: int) -> None:
    assert reminders_due(date(2026, 12, 15), today, OPEN) == many


def test_without_a_calendar_two_days_are_two_days() -> None:
    due = date(2026, 12, 15)
    assert [reminders_due(due, due + n * DAY, []) for n in range(-3, 3)] == [0, 1, 1, 2, 3, 3]
