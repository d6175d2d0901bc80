"""Strategies for hypothesis: students' histories, metric keys and condition trees, shared by every form's tests."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from rules.attendance.codes import ABSENCES, UK, meaning
from rules.attendance.history import DayBasis, History, ResolvedSession, SchoolSettings, SessionName
from rules.rulesets.comparisons import FactKey, FactName
from rules.rulesets.conditions import Condition, parse_condition
from rules.rulesets.decision import Position
from rules.rulesets.guards import GUARD_CHECKS
from rules.rulesets.metrics import (
    CODE_SET,
    OF_THE_DAY,
    RUN,
    SINCE_STEP,
    WITH_KINDS,
    YTD,
    Across,
    At,
    Kinds,
    Measure,
    MetricKey,
    Window,
    WindowKind,
)
from rules.rulesets.parameters import epoch_day
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
    st.builds(Window, st.just(WindowKind.MONTHS), st.integers(1, 3)),
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
        draw(st.sampled_from([Across.SCHOOL, Across.SCHOOL, Across.TENANT])),
        at,
    )


@st.composite
def attending_elsewhere(draw: st.DrawFn, here: list[History]) -> list[History]:
    """The same students, some of them also at another school with days of its own, perhaps on the same half days."""
    there = draw(calendars(2))
    others = [draw(st.one_of(st.none(), histories(history.school, there))) for history in here]
    pairs = zip(here, others, strict=True)
    return [replace(one, elsewhere=other.sessions) if other else one for one, other in pairs]


def _leaf(name: str, **params: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(name), "params": st.fixed_dictionaries(params)})


FEW = st.integers(1, 6)
METRIC_LEAVES = st.one_of(
    _leaf("AbsenceCountThreshold", count=st.sampled_from([0.5, 1, 1.5, 2, 3]), window=st.sampled_from([10, "YTD"])),
    _leaf("AttendancePercentThreshold", below=st.sampled_from([50, 80, 85.5, 90]), inclusive=st.booleans()),
    _leaf("ConsecutiveAbsenceDays", n=FEW),
    _leaf("TardyCountThreshold", count=FEW, window=st.just(20)),
    _leaf("UnauthorisedSessionsThreshold", sessions=FEW, across=st.sampled_from(["SCHOOL", "TENANT"])),
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
    _leaf(
        "PriorEvents",
        kind=st.just("penalty_notice"),
        at_least=FEW,
        within=st.sampled_from(["school_year", {"value": 3, "unit": "year"}]),
        per=st.sampled_from(["student", "guardian"]),
    ),
    _leaf("ScoreBelow", measure=st.just("oral_reading"), value=st.sampled_from([-0.5, 0.05, 3, 4.25])),
    _leaf("ConsecutiveProficient", n=FEW),
    _leaf("GoalReached", checks=FEW),
    st.just({"type": "FacilitatorRecommends"}),
    _leaf("TrendBelowAimline", points=FEW, min_points=FEW),
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


@st.composite
def rulesets(draw: st.DrawFn) -> dict[str, Any]:
    """A rule set document with rules at every place a rule can stand."""
    third = draw(st.sampled_from([{"key": "visit", "type": "CONTACT"}, {"key": "meeting", "type": "MEETING"}]))
    stages: list[dict[str, Any]] = [
        {"key": "contact", "type": "CONTACT"},
        {"key": "letter", "type": "LETTER", "template": "L1", "when": draw(DOCUMENTS)},
        third,
    ]
    if draw(st.booleans()):
        stages[1]["stop"] = [{"key": "own", "when": draw(DOCUMENTS)}]
        stages[0]["escalate"] = [{"key": "jump", "when": draw(DOCUMENTS), "to": third["key"]}]
    checks = draw(st.sets(st.sampled_from(GUARD_CHECKS)))
    return {
        "key": "drawn",
        "title": "Drawn",
        "entry": draw(DOCUMENTS),
        "stages": stages,
        "stop": [
            {"key": "better", "when": draw(DOCUMENTS)},
            {"key": "exempt", "when": {"type": "ExemptionActive"}, "then": "STOPPED"},
        ],
        "escalate": [{"key": "sudden", "when": draw(DOCUMENTS), "to": draw(st.sampled_from(["letter", third["key"]]))}],
        "waivers": [{"check": check, "stage": "letter", "reason": "drawn"} for check in sorted(checks)],
    }


def metric_values(keys: tuple[MetricKey, ...]) -> st.SearchStrategy[dict[MetricKey, int | None]]:
    """Values near the thresholds of the drawn leaves, some unknown."""
    return st.fixed_dictionaries({key: st.one_of(st.none(), _near(key), _near(key), _near(key)) for key in keys})


def _near(key: MetricKey) -> st.SearchStrategy[int]:
    if key.measure is Measure.EVALUATION_DAY:
        return st.integers(epoch_day(date(2026, 6, 28)), epoch_day(date(2026, 8, 22)))
    if key.measure in {Measure.ATTENDED_SESSIONS, Measure.POSSIBLE_SESSIONS, Measure.COUNTED_SESSIONS}:
        return st.integers(0, 45)
    return st.integers(0, 12)


FLAG = st.integers(0, 1)
COUNTED = {
    FactName.AGE: st.integers(4, 13),
    FactName.SCORE: st.one_of(st.integers(-55, 10), st.integers(295, 430)),
    **dict.fromkeys(
        (
            FactName.STAGE_AGE,
            FactName.PRIOR_EVENTS,
            FactName.GUARDIAN_EVENTS,
            FactName.CONSECUTIVE_PROFICIENT,
            FactName.GOAL_CHECKS,
            FactName.POINTS_BELOW_AIMLINE,
            FactName.MEASURED_POINTS,
        ),
        st.integers(0, 7),
    ),
}
"""Values near the thresholds of the drawn leaves; every other fact is a flag."""


def fact_values(keys: tuple[FactKey, ...]) -> st.SearchStrategy[dict[FactKey, int | None]]:
    """Values of the facts that are asked for, some unknown."""
    return st.fixed_dictionaries({key: st.one_of(st.none(), COUNTED.get(key.name, FLAG)) for key in keys})


POSITIONS = st.builds(
    Position,
    stage_index=st.integers(-1, 2),
    wait_elapsed=st.booleans(),
    previous_reached=st.booleans(),
    exit_review_suppressed=st.booleans(),
)
