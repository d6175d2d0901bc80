"""Counting in school days and school weeks."""

from datetime import date

import pytest

from rules.attendance.codes import Status
from rules.attendance.history import History, ResolvedSession, SchoolSettings, SessionName
from rules.school_calendar import SchoolCalendar, calendar_window_start, months_window_start

D = date.fromisoformat
TERM = SchoolCalendar.of(map(D, ["2024-10-24", "2024-10-25", "2024-11-04", "2024-11-05", "2024-11-04"]))
NEVER = SchoolCalendar.of([])


def test_a_day_is_open_or_not() -> None:
    assert [TERM.is_open(D(day)) for day in ("2024-10-25", "2024-10-26", "2024-12-01")] == [True, False, False]


def test_the_neighbouring_school_days_over_a_holiday() -> None:
    holiday = D("2024-10-30")
    assert (TERM.last_open(holiday), TERM.next_open(holiday)) == (D("2024-10-25"), D("2024-11-04"))
    assert (TERM.last_open(D("2024-01-01")), TERM.next_open(D("2025-01-01"))) == (None, None)


def test_waits_count_school_days_strictly_after() -> None:
    assert [TERM.after(D("2024-10-24"), n) for n in (1, 2, 4)] == [D("2024-10-25"), D("2024-11-04"), None]
    assert [TERM.before(D("2024-11-04"), n) for n in (1, 2, 3)] == [D("2024-10-25"), D("2024-10-24"), None]
    assert (TERM.count(D("2024-10-24"), D("2024-11-04")), TERM.count(D("2024-11-04"), D("2024-10-24"))) == (2, 0)


def test_weeks_without_school_do_not_count() -> None:
    assert (TERM.weeks(D("2024-10-21"), D("2024-11-05")), TERM.weeks(D("2024-11-05"), D("2024-10-21"))) == (1, 0)
    assert [TERM.week_after(D("2024-10-25"), n) for n in (1, 2)] == [D("2024-11-04"), None]
    assert [TERM.week_window_start(D("2024-11-05"), n) for n in (1, 2, 9)] == list(
        map(D, ["2024-11-04", "2024-10-21", "2024-10-21"])
    )
    assert NEVER.week_window_start(D("2024-11-05"), 2) is None


@pytest.mark.parametrize(("n", "first"), [(1, "2024-11-05"), (3, "2024-10-25"), (9, "2024-10-24")])
def test_a_school_day_window_starts_n_school_days_back(n: int, first: str) -> None:
    assert TERM.window_start(D("2024-11-05"), n) == D(first)


def test_windows_without_school_days_and_in_calendar_days() -> None:
    assert NEVER.window_start(D("2024-11-05"), 3) == D("2024-11-05")
    assert calendar_window_start(D("2024-11-05"), 30) == D("2024-10-07")


@pytest.mark.parametrize(
    ("day", "months", "first"),
    [
        ("2026-03-15", 6, "2025-09-16"),
        ("2026-08-31", 6, "2026-03-01"),
        ("2024-08-31", 6, "2024-03-01"),
        ("2026-03-01", 6, "2025-09-02"),
    ],
)
def test_a_window_of_months_begins_the_day_after_the_same_day(day: str, months: int, first: str) -> None:
    assert months_window_start(D(day), months) == D(first)


@pytest.mark.parametrize(
    ("day", "start"), [("2024-07-31", "2023-08-01"), ("2024-08-01", "2024-08-01"), ("2025-01-01", "2024-08-01")]
)
def test_the_school_year_is_the_latest_start(day: str, start: str) -> None:
    assert SchoolSettings().school_year_start(D(day)) == D(start)


def test_a_history_is_cut_by_days() -> None:
    sessions = tuple(ResolvedSession(day, name, Status.PRESENT) for day in TERM.open_days for name in SessionName)
    past = History(SchoolSettings(), TERM, sessions)
    assert past.days() == TERM.open_days
    assert [item.day for item in past.between(D("2024-10-25"), D("2024-11-03"))] == [D("2024-10-25")] * 2
    assert past.between(D("2024-11-05"), D("2024-10-24")) == ()
