"""Every pack on registers: below, at and above its thresholds, over holidays and the turn of the year, after a move."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice

import pytest

from rules.attendance.codes import ABSENCES, UK, Meaning, Status, meaning
from rules.attendance.history import History, ResolvedSession, SchoolSettings, SessionName
from rules.rulesets.comparisons import FactKey
from rules.rulesets.conditions import Condition
from rules.rulesets.evaluation import Truth, evaluate
from rules.rulesets.law import Duty, Watch
from rules.rulesets.measuring import measures
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import load_pack
from rules.school_calendar import SchoolCalendar

D = date.fromisoformat
FACTS = {
    FactKey.parse(text): value
    for text, value in {
        **{f"compulsory_age/{where}": 1 for where in ("IE", "GB-ENG", "US-CA", "US-TX", "US-OH")},
        "artifact/conference_attempted": 1,
        "artifact/plan": 1,
        "protected/homeless/long_term_condition/looked_after/pregnant": 0,
        "protected/social_worker": 1,
        "guardian_events/penalty_notice/3:year": 0,
        "prior_events/truant_report/school_year": 0,
        "stage_age": 61,
    }.items()
}
CHRISTMAS = (D("2026-12-21"), D("2027-01-01"))
SUMMER = (D("2026-07-06"), D("2026-08-28"))
SUSPENDED = {"Suspended": Meaning(Status.AUTHORISED_ABSENT)}
Marks = Mapping[date, str | tuple[str, int]]
"""Two letters for a day (AM, PM), a code for the whole of it, or a code with the minutes missed in the morning."""


def school_days(first: str, last: str) -> list[date]:
    """Weekdays of a stretch without the summer and Christmas holidays."""
    days = (D(first) + timedelta(days=n) for n in range((D(last) - D(first)).days + 1))
    closed = (CHRISTMAS, SUMMER)
    return [day for day in days if day.weekday() < 5 and not any(start <= day <= end for start, end in closed)]


YEAR = school_days("2026-05-04", "2027-06-30")


def kept(marks: Marks, first: str = "2026-05-04", last: str = "2027-06-30") -> History:
    """A student enrolled for a stretch of the school's days, present but where the marks say otherwise."""
    sessions = [one for day in school_days(first, last) for one in _day(day, marks.get(day, "//"))]
    return History(SchoolSettings(), SchoolCalendar.of(YEAR), tuple(sessions))


def _day(day: date, mark: str | tuple[str, int]) -> list[ResolvedSession]:
    if isinstance(mark, tuple):
        return [_session(day, SessionName.AM, *mark), _session(day, SessionName.PM, "/", None)]
    codes = (mark, mark) if mark in SUSPENDED else (mark[0], mark[1])
    return [_session(day, name, code, None) for name, code in zip(SessionName, codes, strict=True)]


def _session(day: date, name: SessionName, code: str, minutes: int | None) -> ResolvedSession:
    what = meaning({**UK, **SUSPENDED}, code)
    whole = 180 if what.status in ABSENCES else 0
    return ResolvedSession(day, name, what.status, code, what.is_tardy, whole if minutes is None else minutes)


def missed(half_days: int, code: str, since: str, *, until: str = "2027-06-30") -> dict[date, str]:
    """That many half days in a row of school days, the last one perhaps in the morning only."""
    days = list(islice(school_days(since, until), (half_days + 1) // 2))
    whole = dict.fromkeys(days, code * 2)
    return whole if half_days % 2 == 0 else {**whole, days[-1]: f"{code}/"}


def last_of(marks: Marks) -> date:
    return max(marks)


def named(pack: RuleSet, rule: str) -> Condition:
    """A condition by its list and key: `duties:s21-4-b`, `stages:court`, `entry:`."""
    kind, _, key = rule.partition(":")
    if kind == "entry":
        return pack.entry
    if kind == "stages":
        return pack.condition_of(pack.stages[pack.index_of(key)])
    found: tuple[Condition | None, ...] = tuple(one.when for one in getattr(pack, kind) if one.key == key)
    assert found[0] is not None
    return found[0]


def judged(name: str, rule: str, history: History, day: date) -> Truth:
    pack = load_pack(name)
    tree = named(pack, rule)
    return evaluate(tree, measures(history, pack.metric_keys(), day), FACTS)


IE, GB, CA, TX, OLD, NEW = "ie-ewa-2000", "gb-eng-2024", "us-ca", "us-tx", "us-oh-hb410", "us-oh-hb96"


@pytest.mark.parametrize(
    ("name", "rule", "code", "threshold"),
    [
        (IE, "duties:s21-4-b", "I", 40),
        (IE, "watch:near-twenty", "I", 30),
        (GB, "stages:notice-to-improve", "N", 10),
        (GB, "stages:penalty-notice-request", "G", 10),
        (GB, "duties:sickness-return", "I", 30),
    ],
)
def test_half_days_below_at_and_above(name: str, rule: str, code: str, threshold: int) -> None:
    told = []
    for half_days in (threshold - 1, threshold, threshold + 1):
        marks = missed(half_days, code, "2026-09-07")
        told.append(judged(name, rule, kept(marks), last_of(marks)))
    assert told == [False, True, True]


@pytest.mark.parametrize(("days", "opens"), [(9, False), (10, True), (11, True)])
def test_england_returns_ten_days_in_a_row(days: int, opens: bool) -> None:  # noqa: FBT001
    marks = missed(2 * days, "O", "2026-12-14")
    assert last_of(marks) > CHRISTMAS[1], "a holiday lies between: it neither counts nor breaks"
    assert judged(GB, "duties:la-return", kept(marks), last_of(marks)) is opens
    broken = {**marks, D("2027-01-04"): "/O"}
    assert judged(GB, "duties:la-return", kept(broken), last_of(marks)) is False


@pytest.mark.parametrize(("days", "opens"), [(5, False), (6, True), (7, True)])
def test_ireland_is_told_of_a_suspension_of_six_days(days: int, opens: bool) -> None:  # noqa: FBT001
    marks = dict.fromkeys(islice(school_days("2026-12-16", "2027-06-30"), days), "Suspended")
    assert judged(IE, "duties:s21-4-a", kept(marks), max(marks)) is opens


def test_irish_absence_starts_anew_with_the_school_year_and_counts_over_a_holiday() -> None:
    before, after = missed(20, "I", "2026-06-22"), missed(20, "I", "2026-09-07")
    both = {**before, **after}
    assert max(before) < SUMMER[0]
    assert judged(IE, "duties:s21-4-b", kept(both), last_of(after)) is False
    around = missed(40, "I", "2026-12-07")
    assert last_of(around) > CHRISTMAS[1]
    assert judged(IE, "duties:s21-4-b", kept(around), last_of(around)) is True


def test_irish_absence_counts_from_the_entry_of_this_school_alone() -> None:
    here, there = missed(20, "I", "2027-02-01"), missed(20, "I", "2026-10-05")
    moved = replace(kept(here, first="2027-01-04"), elsewhere=kept(there, last="2026-12-18").sessions)
    assert judged(IE, "duties:s21-4-b", moved, last_of(here)) is False
    more = missed(40, "I", "2027-02-01")
    assert judged(IE, "duties:s21-4-b", kept(more, first="2027-01-04"), last_of(more)) is True


TEN_AT_ONCE = missed(10, "O", "2026-09-07")


def test_english_sessions_span_the_school_year_and_holidays_use_up_no_week() -> None:
    before, after = missed(5, "O", "2026-06-29", until="2026-07-03"), missed(5, "O", "2026-09-07")
    assert judged(GB, "stages:notice-to-improve", kept({**before, **after}), last_of(after)) is True
    tenth_week, eleventh_week = D("2026-11-06"), D("2026-11-09")
    assert judged(GB, "stages:notice-to-improve", kept(TEN_AT_ONCE), tenth_week) is True
    assert judged(GB, "stages:notice-to-improve", kept(TEN_AT_ONCE), D("2026-11-13")) is True
    assert judged(GB, "stages:notice-to-improve", kept(TEN_AT_ONCE), D("2026-11-16")) is False
    assert eleventh_week.weekday() == 0
    late = missed(10, "O", "2026-11-16")
    over_christmas = D("2027-01-29")
    assert (over_christmas - min(late)).days > 70, "more than 70 days, but ten school weeks"
    assert judged(GB, "stages:notice-to-improve", kept(late), over_christmas) is True


def test_english_sessions_count_at_all_schools_and_after_a_move() -> None:
    here, there = missed(5, "O", "2026-09-14"), missed(5, "U", "2026-09-07")
    both = replace(kept(here), elsewhere=kept(there, last="2026-09-11").sessions)
    assert judged(GB, "stages:notice-to-improve", both, last_of(here)) is True
    assert judged(GB, "stages:notice-to-improve", kept(here), last_of(here)) is False
    authorised = replace(kept(here), elsewhere=kept(missed(5, "I", "2026-09-07"), last="2026-09-11").sessions)
    assert judged(GB, "stages:notice-to-improve", authorised, last_of(here)) is False
    newcomer = kept(TEN_AT_ONCE, first="2026-09-07")
    assert judged(GB, "stages:notice-to-improve", newcomer, last_of(TEN_AT_ONCE)) is True


@pytest.mark.parametrize(("half_days", "watched"), [(9, False), (10, True), (11, True)])
def test_english_persistent_absence_is_a_tenth_of_the_sessions_since_entry(half_days: int, watched: bool) -> None:  # noqa: FBT001
    marks = missed(half_days, "I", "2027-02-01")
    newcomer = kept(marks, first="2027-01-04")
    fiftieth_day = school_days("2027-01-04", "2027-06-30")[49]
    assert judged(GB, "watch:persistent", newcomer, fiftieth_day) is watched
    assert judged(GB, "watch:persistent", newcomer, D("2027-01-12")) is None, "too few days to tell"


def test_a_session_without_a_reason_is_told_to_the_social_worker_that_day() -> None:
    marks = {D("2026-09-07"): "/N"}
    assert judged(GB, "duties:social-worker", kept(marks), D("2026-09-07")) is True
    assert judged(GB, "duties:social-worker", kept(marks), D("2026-09-08")) is False


def test_english_persistent_absence_last_year_is_that_of_the_year_before() -> None:
    marks = missed(20, "I", "2026-05-04", until="2026-07-03")
    history = kept(marks)
    assert judged(GB, "watch:persistent-last-year", history, D("2026-09-07")) is True
    assert judged(GB, "watch:persistent-last-year", kept({}), D("2026-09-07")) is False
    newcomer = kept({}, first="2026-09-01")
    assert judged(GB, "watch:persistent-last-year", newcomer, D("2026-09-07")) is None


@pytest.mark.parametrize(("occasions", "truant"), [(2, False), (3, True), (4, True)])
@pytest.mark.parametrize(("minutes", "counts"), [(30, False), (31, True)])
def test_california_counts_days_and_occasions_of_over_half_an_hour(
    occasions: int,
    truant: bool,  # noqa: FBT001
    minutes: int,
    counts: bool,  # noqa: FBT001
) -> None:
    late: dict[date, str | tuple[str, int]] = dict.fromkeys(
        islice(school_days("2026-12-15", "2027-06-30"), occasions), ("L", minutes)
    )
    assert judged(CA, "duties:report-1", kept(late), max(late)) is (truant and counts)
    whole: Marks = {**late, min(late): "OO"}
    expected = truant if counts else False
    assert judged(CA, "duties:report-1", kept(whole), max(late)) is expected


def test_californian_occasions_start_anew_each_year_and_stay_at_their_school() -> None:
    before, after = missed(4, "O", "2026-06-29", until="2026-07-03"), missed(4, "O", "2026-09-07")
    assert judged(CA, "duties:report-1", kept({**before, **after}), last_of(after)) is False
    elsewhere = replace(kept(after), elsewhere=kept(missed(6, "O", "2026-09-14")).sessions)
    assert judged(CA, "duties:report-1", elsewhere, D("2026-09-30")) is False
    newcomer = missed(6, "O", "2027-02-01")
    assert judged(CA, "duties:report-1", kept(newcomer, first="2027-01-04"), last_of(newcomer)) is True


@pytest.mark.parametrize(("parts", "warned"), [(2, False), (3, True), (4, True)])
def test_texas_warns_of_days_or_parts_in_four_weeks(parts: int, warned: bool) -> None:  # noqa: FBT001
    marks = dict.fromkeys(school_days("2026-09-07", "2027-06-30")[: 5 * parts : 5], "/O")
    assert judged(TX, "stages:warning", kept(marks), max(marks)) is warned


def test_texan_four_weeks_are_days_and_run_on_over_a_holiday() -> None:
    marks = {D("2026-12-07"): "O/", D("2026-12-16"): "O/", D("2027-01-04"): "O/"}
    assert judged(TX, "stages:warning", kept(marks), D("2027-01-03")) is False
    assert judged(TX, "stages:warning", kept(marks), D("2027-01-04")) is False
    nearer = {D("2026-12-08"): "O/", **dict(list(marks.items())[1:])}
    assert judged(TX, "stages:warning", kept(nearer), D("2027-01-04")) is True
    assert judged(TX, "stages:warning", kept(nearer), D("2027-01-05")) is False


@pytest.mark.parametrize(("days", "referred"), [(9, False), (10, True), (11, True)])
def test_texas_refers_after_ten_days_in_six_months_of_one_year(days: int, referred: bool) -> None:  # noqa: FBT001
    marks = dict.fromkeys(school_days("2026-09-07", "2027-06-30")[: 9 * days : 9], "/O")
    assert judged(TX, "stages:court-referral", kept(marks), max(marks)) is referred
    assert (max(marks) - min(marks)).days < 180
    protected = FACTS | {FactKey.parse("protected/homeless/long_term_condition/looked_after/pregnant"): 1}
    pack = load_pack(TX)
    metrics = measures(kept(marks), pack.metric_keys(), max(marks))
    assert evaluate(named(pack, "stages:court-referral"), metrics, protected) is False
    assert evaluate(named(pack, "duties:protected"), metrics, protected) is referred


def test_texan_six_months_end_and_stop_at_the_school_year() -> None:
    marks = dict.fromkeys(school_days("2026-09-07", "2027-06-30")[:10], "/O")
    assert max(marks) == D("2026-09-18")
    assert judged(TX, "stages:court-referral", kept(marks), D("2027-03-06")) is True
    assert judged(TX, "stages:court-referral", kept(marks), D("2027-03-08")) is False
    before = missed(12, "O", "2026-06-22", until="2026-07-03")
    after = missed(12, "O", "2026-09-07")
    assert judged(TX, "stages:court-referral", kept({**before, **after}), last_of(after)) is False
    there = replace(kept(after), elsewhere=kept(missed(12, "O", "2026-09-21")).sessions)
    assert judged(TX, "stages:court-referral", there, D("2026-09-30")) is False


WHOLE = 360
"""Minutes of a missed day."""


@pytest.mark.parametrize("name", [OLD, NEW])
@pytest.mark.parametrize(("minutes", "habitual"), [(-1, False), (0, True), (1, True)])
def test_ohio_counts_hours_in_a_row_over_a_holiday(name: str, minutes: int, habitual: bool) -> None:  # noqa: FBT001
    run = missed(10, "O", "2026-12-16")
    assert last_of(run) > CHRISTMAS[1]
    sessions = kept(run).sessions
    at = next(n for n, one in enumerate(sessions) if one.day == last_of(run))
    shorter = [*sessions[:at], replace(sessions[at], minutes_missed=180 + minutes), *sessions[at + 1 :]]
    history = replace(kept(run), sessions=tuple(shorter))
    assert judged(name, "entry:", history, last_of(run)) is habitual


@pytest.mark.parametrize(("minutes", "habitual"), [(-1, False), (0, True), (1, True)])
def test_ohio_counts_hours_of_a_school_month_and_of_the_year(minutes: int, habitual: bool) -> None:  # noqa: FBT001
    """Seven whole days, one in two: 42 hours in four school weeks; twelve of them, two a month: 72 in the year."""
    month = _on(school_days("2026-12-07", "2027-06-30")[:14:2], minutes)
    assert judged(NEW, "entry:", month, D("2027-01-08")) is habitual
    assert judged(NEW, "entry:", month, D("2027-01-18")) is False, "four school weeks later"
    year = _on(school_days("2026-09-07", "2027-06-30")[:120:10], minutes)
    assert judged(NEW, "entry:", year, D("2027-06-25")) is habitual
    assert judged(OLD, "entry:", year, D("2027-06-25")) is habitual


def _on(days: list[date], minutes: int) -> History:
    """Whole days missed, the last session of them by so many minutes more or less."""
    history = kept(dict.fromkeys(days, "OO"))
    at = max(n for n, one in enumerate(history.sessions) if one.day == max(days))
    sessions = list(history.sessions)
    sessions[at] = replace(sessions[at], minutes_missed=180 + minutes)
    return replace(history, sessions=tuple(sessions))


def test_ohioan_hours_of_last_year_and_of_another_school_do_not_count() -> None:
    before, after = missed(10, "O", "2026-06-22", until="2026-07-03"), missed(8, "O", "2026-09-07")
    assert judged(NEW, "entry:", kept({**before, **after}), last_of(after)) is False
    there = replace(kept(after), elsewhere=kept(missed(10, "O", "2026-09-21")).sessions)
    assert judged(NEW, "entry:", there, D("2026-09-30")) is False
    newcomer = missed(10, "O", "2027-02-01")
    assert judged(NEW, "entry:", kept(newcomer, first="2027-01-04"), last_of(newcomer)) is True


@pytest.mark.parametrize(("day", "due"), [("2025-09-29", True), ("2025-09-30", False)])
def test_ohio_takes_no_excessive_absence_from_the_day_it_was_removed(day: str, due: bool) -> None:  # noqa: FBT001
    days = [D("2025-09-01") + timedelta(days=n) for n in range(30)]
    open_days = [one for one in days if one.weekday() < 5]
    sessions = tuple(_session(one, name, "I", None) for one in open_days for name in SessionName)
    history = History(SchoolSettings(), SchoolCalendar.of(open_days), sessions)
    assert judged(OLD, "duties:excessive", history, D(day)) is due


@pytest.mark.parametrize("name", ["ie-ewa-2000", "gb-eng-2024", "us-ca", "us-tx", "us-oh-hb96"])
def test_a_student_who_is_always_there_starts_nothing(name: str) -> None:
    pack, day = load_pack(name), D("2027-03-01")
    metrics = measures(kept({}), pack.metric_keys(), day)
    assert evaluate(pack.entry, metrics, FACTS) is False
    beside: list[Duty | Watch] = [*pack.duties, *pack.watch]
    assert [rule.key for rule in beside if rule.when and evaluate(rule.when, metrics, FACTS)] == []
