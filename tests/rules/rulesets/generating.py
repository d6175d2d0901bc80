"""Strategies for hypothesis: students' histories, metric keys and condition trees, shared by every form's tests."""

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from rules.attendance.codes import ABSENCES, UK, meaning
from rules.attendance.history import DayBasis, History, ResolvedSession, SchoolSettings, SessionName
from rules.rulesets.conditions import Condition, parse_condition
from rules.rulesets.metrics import (
    CODE_SET,
    OF_THE_DAY,
    RUN,
    SINCE_STEP,
    WITH_KINDS,
    YTD,
    At,
    Kinds,
    Measure,
    MetricKey,
    Window,
    WindowKind,
)
from rules.school_calendar import SchoolCalendar

FIRST = date(2026, 6, 15)
"""Before the turn of the school year, so that windows cross it."""
DAYS = 80
SESSION_MINUTES = 180
CODES = ("/", "L", "I", "C", "O", "U", "G", "S", "X", "-", "?")

SETTINGS = st.builds(
    SchoolSettings,
    code_set=st.just("UK"),
    sessions_per_day=st.sampled_from([1, 2]),
    day_basis=st.sampled_from(DayBasis),
)


@st.composite
def calendars(draw: st.DrawFn, sessions_per_day: int) -> dict[date, tuple[SessionName, ...]]:
    """Open sessions by date: weekends and some days closed, some afternoons off."""
    closed = draw(st.sets(st.integers(0, DAYS - 1), max_size=12))
    short = draw(st.sets(st.integers(0, DAYS - 1), max_size=4))
    open_sessions: dict[date, tuple[SessionName, ...]] = {}
    for at in range(DAYS):
        day = FIRST + timedelta(days=at)
        if day.weekday() < 5 and at not in closed:
            whole = sessions_per_day == 2 and at not in short
            open_sessions[day] = (SessionName.AM, SessionName.PM) if whole else (SessionName.AM,)
    return open_sessions


@st.composite
def histories(draw: st.DrawFn, settings: SchoolSettings, sessions: dict[date, tuple[SessionName, ...]]) -> History:
    """One student: mostly present, with stretches of anything, enrolled for a part of the time."""
    days = sorted(sessions)
    usual = draw(st.sampled_from(["/", "/", "/", "O", "I"]))
    first, last = sorted(draw(st.tuples(st.integers(0, len(days)), st.integers(0, len(days)))))
    odd = draw(st.dictionaries(st.integers(0, 2 * DAYS), st.tuples(st.sampled_from(CODES), minutes()), max_size=30))
    resolved, n = [], 0
    for day in days[first:last]:
        for name in sessions[day]:
            code, missed = odd.get(n, (usual, None))
            resolved.append(_resolved(day, name, code, missed))
            n += 1
    return History(settings, SchoolCalendar.of(days), tuple(resolved))


def minutes() -> st.SearchStrategy[int | None]:
    return st.one_of(st.none(), st.sampled_from([0, 10, 30, 31, 90]))


def _resolved(day: date, name: SessionName, code: str, missed: int | None) -> ResolvedSession:
    what = meaning(UK, code)
    whole = SESSION_MINUTES if what.status in ABSENCES else 0
    return ResolvedSession(day, name, what.status, code, what.is_tardy, whole if missed is None else missed)


@st.composite
def schools_of_students(draw: st.DrawFn, students: int = 3) -> list[History]:
    """Several students of one school."""
    settings = draw(SETTINGS)
    sessions = draw(calendars(settings.sessions_per_day))
    return [draw(histories(settings, sessions)) for _ in range(students)]


WINDOWS = st.one_of(
    st.just(YTD),
    st.just(SINCE_STEP),
    st.builds(Window, st.just(WindowKind.CALENDAR), st.integers(1, 60)),
    st.builds(Window, st.just(WindowKind.SCHOOL), st.integers(1, 30)),
    st.builds(Window, st.just(WindowKind.WEEKS), st.integers(1, 10)),
    st.just(Window(WindowKind.DATES, 0, FIRST + timedelta(days=20), FIRST + timedelta(days=60))),
)
CODE_LISTS = st.sampled_from([(), (), ("O",), ("I", "O"), ("L", "U")])
EXCLUSIONS = st.sampled_from([(), (), (CODE_SET,), ("I",), ("C", "I", "L")])
EVALUATION_DAYS = st.integers(30, DAYS + 5).map(lambda n: FIRST + timedelta(days=n))
STEP_DAYS = st.one_of(st.none(), st.integers(10, DAYS).map(lambda n: FIRST + timedelta(days=n)))


@st.composite
def keys(draw: st.DrawFn) -> MetricKey:
    """Any metric."""
    measure, at = draw(st.sampled_from(Measure)), draw(st.sampled_from([At.DAY, At.DAY, *At]))
    if measure in OF_THE_DAY:
        return MetricKey(measure, at=at)
    windows = st.one_of(WINDOWS, st.just(RUN)) if measure is Measure.MINUTES_MISSED else WINDOWS
    return MetricKey(
        measure,
        RUN if measure is Measure.CONSECUTIVE_DAYS else draw(windows),
        draw(st.sampled_from(Kinds)) if measure in WITH_KINDS else Kinds.ALL,
        draw(CODE_LISTS),
        draw(EXCLUSIONS),
        draw(st.sampled_from([0, 30])) if measure is Measure.OCCASIONS else 0,
        at=at,
    )


def _leaf(name: str, **params: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(name), "params": st.fixed_dictionaries(params)})


FEW = st.integers(1, 6)
METRIC_LEAVES = st.one_of(
    _leaf("AbsenceCountThreshold", count=st.sampled_from([0.5, 1, 1.5, 2, 3]), window=st.sampled_from([10, "YTD"])),
    _leaf("AttendancePercentThreshold", below=st.sampled_from([50, 80, 85.5, 90]), inclusive=st.booleans()),
    _leaf("ConsecutiveAbsenceDays", n=FEW),
    _leaf("TardyCountThreshold", count=FEW, window=st.just(20)),
    _leaf("UnauthorisedSessionsThreshold", sessions=FEW),
    _leaf("NewAbsencesSinceStep", at_least=FEW),
    _leaf("Improvement", points=st.sampled_from([0, 5, 12.5]), over_school_days=st.just(20)),
    _leaf(
        "DateWindow",
        **{"from": st.just("2026-07-01"), "to": st.sampled_from(["2026-07-15", "2026-08-20"])},
    ),
    _leaf("MonthsIntoYear", at_least=st.integers(0, 3)),
)
FACT_LEAVES = st.one_of(
    st.sampled_from([{"type": "ExemptionActive"}, {"type": "CaseResolved"}, {"type": "GuardianReasonAccepted"}]),
    _leaf("AgeBetween", **{"from": st.integers(5, 8), "to": st.integers(8, 12)}),
    _leaf("StageAge", school_days=FEW),
    _leaf("Artifact", kind=st.just("support_offered"), done=st.booleans()),
)


def _grown(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(children, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda nodes: {"all": nodes}),
        several.map(lambda nodes: {"any": nodes}),
        children.map(lambda node: {"not": node}),
    )


DOCUMENTS = st.recursive(st.one_of(METRIC_LEAVES, METRIC_LEAVES, FACT_LEAVES), _grown, max_leaves=6)
TREES: st.SearchStrategy[Condition] = DOCUMENTS.map(parse_condition)
