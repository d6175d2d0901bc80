"""Reference metrics, each against its paragraph of the specification."""

from datetime import date, timedelta

import pytest
from hypothesis import given

from rules.attendance.codes import ABSENCES, UK, meaning
from rules.attendance.history import DayBasis, History, ResolvedSession, SchoolSettings, SessionName
from rules.rulesets.measuring import counted_span, measure, measures
from rules.rulesets.metrics import MetricKey
from rules.school_calendar import SchoolCalendar
from tests.rules.rulesets.generating import EVALUATION_DAYS, STEP_DAYS, keys, schools_of_students

MONDAY = date(2026, 9, 7)


def register(
    text: str, settings: SchoolSettings | None = None, first: date = MONDAY, minutes: dict[int, int] | None = None
) -> History:
    """Days parted by blanks, weekends skipped, two letters a day: `// O/ LL`; `.` is no session."""
    days: list[date] = []
    sessions: list[ResolvedSession] = []
    day = first
    for marks in text.split():
        while day.weekday() > 4:
            day += timedelta(days=1)
        days.append(day)
        for name, code in zip(SessionName, marks, strict=False):
            if code == ".":
                continue
            what = meaning(UK, code)
            whole = 180 if what.status in ABSENCES else 0
            missed = (minutes or {}).get(len(sessions), whole)
            sessions.append(ResolvedSession(day, name, what.status, code, what.is_tardy, missed))
        day += timedelta(days=1)
    return History(settings or SchoolSettings(), SchoolCalendar.of(days), tuple(sessions))


def last_day(history: History) -> date:
    return history.calendar.open_days[-1]


ONE_A_DAY = SchoolSettings(sessions_per_day=1)
HALF_DAY_RULE = SchoolSettings(day_basis=DayBasis.DAYS_50PCT)


@pytest.mark.parametrize(
    ("key", "marks", "settings", "value"),
    [
        ("absent_half_days/ytd/all", "// O/ OO", None, 3),
        ("absent_half_days/ytd/all", "/ O O", ONE_A_DAY, 4),
        ("absent_half_days/ytd/all", "// O/ OO", HALF_DAY_RULE, 4),
        ("absent_half_days/ytd/unauthorised", "II O/", None, 1),
        ("absent_half_days/ytd/authorised", "II O/", None, 2),
        ("absent_half_days/ytd/unauthorised", "IO II", HALF_DAY_RULE, 2),
        ("absent_half_days/calendar:2/all", "OO // OO", None, 2),
        ("absent_half_days/school:2/all", "OO // OO", None, 2),
        ("absent_half_days/ytd/all/exclude=I", "II OO", None, 2),
        ("absent_half_days/ytd/all/exclude=CODE_SET", "SS OO", None, 2),
        ("absent_sessions/ytd/all/codes=G", "GO OO", None, 1),
        ("absent_sessions/2026-09-08..2026-09-09/all", "OO OO OO OO", None, 4),
        ("attended_sessions/ytd", "/L O/", None, 3),
        ("possible_sessions/ytd", "/L O/ XX --", None, 4),
        ("attended_sessions/ytd", "// O/ OO", HALF_DAY_RULE, 1),
        ("possible_sessions/ytd", "// O/ OO XX", HALF_DAY_RULE, 3),
        ("possible_days/ytd", "// X/ XX", None, 2),
        ("counted_sessions/ytd", "// O/ XX", HALF_DAY_RULE, 4),
        ("consecutive_days/all", "OO XX OO", None, 2),
        ("consecutive_days/all", "OO O/ OO", None, 1),
        ("consecutive_days/all", "OO OL", None, 0),
        ("consecutive_days/all", "OO O/", HALF_DAY_RULE, 2),
        ("consecutive_days/unauthorised", "OO OI OO", None, 1),
        ("consecutive_days/all/exclude=S", "OO SS OO", None, 2),
        ("late_sessions/ytd", "LU /L", None, 2),
        ("late_or_after_close_sessions/ytd", "LU /L", None, 3),
        ("unauthorised_sessions/weeks:1", "OO // // // // OO", None, 2),
        ("unauthorised_sessions/weeks:2", "OO // // // // OO", None, 4),
        ("days_or_parts/ytd", "O/ OO II", None, 2),
        ("minutes_missed/ytd/all", "O/ II", None, 540),
        ("minutes_missed/ytd/authorised", "O/ II", None, 360),
        ("minutes_missed/run/all", "O/ II OO", None, 720),
        ("evaluation_day", "//", None, 20703),
        ("months_into_year", "//", None, 1),
        ("absent_sessions/weeks:1/all", "OO OO", None, 4),
    ],
)
def test_what_a_register_comes_to(key: str, marks: str, settings: SchoolSettings | None, value: int) -> None:
    history = register(marks, settings)
    assert measure(history, MetricKey.parse(key), last_day(history)) == value


def test_a_full_day_is_one_occasion_and_a_late_arrival_counts_by_its_minutes() -> None:
    history = register("OO LO LL OI", minutes={2: 45, 3: 30, 4: 31, 5: 10})
    assert measure(history, MetricKey.parse("occasions:30/ytd"), last_day(history)) == 4


def test_windows_are_cut_at_the_school_year_but_for_rolling_school_weeks() -> None:
    history = register("OO OO OO", first=date(2026, 7, 30))  # Thursday, Friday | Monday 3 August
    assert measure(history, MetricKey.parse("absent_sessions/calendar:30/all"), last_day(history)) == 2
    assert measure(history, MetricKey.parse("absent_sessions/weeks:5/all"), last_day(history)) == 2
    assert measure(history, MetricKey.parse("unauthorised_sessions/weeks:5"), last_day(history)) == 6
    assert measure(history, MetricKey.parse("absent_sessions/ytd/all@prior_year"), last_day(history)) == 4


@pytest.mark.parametrize(
    ("key", "marks", "span"),
    [
        ("absent_half_days/school:2/all", "OO // OO", (date(2026, 9, 8), date(2026, 9, 9))),
        ("consecutive_days/all", "OO // OO OO", (date(2026, 9, 9), date(2026, 9, 10))),
        ("minutes_missed/run/all", "OO // OO OO", (date(2026, 9, 9), date(2026, 9, 10))),
        ("consecutive_days/all", "OO //", None),
        ("absent_half_days/step/all", "OO //", None),
        ("months_into_year", "OO //", None),
    ],
)
def test_the_days_behind_a_count_are_those_of_its_window_or_of_the_run(
    key: str, marks: str, span: tuple[date, date] | None
) -> None:
    history = register(marks)
    assert counted_span(history, MetricKey.parse(key), last_day(history), None) == span


def test_last_year_is_unknown_without_a_possible_session_in_it() -> None:
    history = register("OO")
    assert measure(history, MetricKey.parse("absent_sessions/ytd/all@prior_year"), last_day(history)) is None


def test_what_follows_a_step_is_unknown_before_the_first_one() -> None:
    history = register("OO // OO")
    since, before = MetricKey.parse("absent_sessions/step/all"), MetricKey.parse("attended_sessions/ytd@before_step")
    day = last_day(history)
    assert measures(history, [since, before], day) == {since: None, before: None}
    assert measures(history, [since, before], day, step=MONDAY + timedelta(days=1)) == {since: 2, before: 0}
    assert measure(history, before, day, step=day) == 2


def test_before_the_calendar_begins_nothing_is_counted() -> None:
    history = register("OO")
    assert measure(history, MetricKey.parse("unauthorised_sessions/weeks:10"), MONDAY - timedelta(days=30)) == 0


@given(schools_of_students(students=1), keys(), EVALUATION_DAYS, STEP_DAYS)
def test_every_metric_is_a_natural_number_or_unknown(
    students: list[History], key: MetricKey, day: date, step: date | None
) -> None:
    value = measure(students[0], key, day, step=step)
    assert value is None or value >= 0
