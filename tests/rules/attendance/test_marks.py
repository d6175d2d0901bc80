"""From marks to statuses: each rule of S2, S3, S4, S5 and S9.1 by one example."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from rules.attendance.codes import EDFI, UK, Meaning, Status, family_exclusions, meaning
from rules.attendance.history import DayBasis, MissingMarkPolicy, SchoolSettings, SessionName
from rules.attendance.marks import Mark, MarkedSession, School, Span, history
from rules.attendance.quality import ADVICE, IssueKind, printable, structural, together
from rules.attendance.summary import shown, summary

DAY = date(2024, 9, 3)
AM, PM = SessionName
NOON = datetime(2024, 9, 3, 12, tzinfo=UTC)
OPEN = {(DAY + timedelta(days=n), name): 180 for n in range(4) for name in SessionName}
SCHOOL = School(SchoolSettings(), UK, OPEN)
ALWAYS = (Span(DAY),)


def mark(session: str, code: str, *, after: int = 0, minutes: int | None = None, **more: object) -> Mark:
    recorded = NOON + timedelta(hours=after)
    return Mark(DAY, MarkedSession(session), code, recorded, minutes_missed=minutes, **more)  # type: ignore[arg-type]  # spelled out by each test


def first_day(*marks: Mark, school: School = SCHOOL, known_at: datetime | None = None) -> list[tuple[str, str, int]]:
    past = history(school, ALWAYS, marks, known_at)
    return [(item.status, item.code, item.minutes_missed) for item in past.between(DAY, DAY)]


NOTHING = (Status.NO_MARK, "", 0)
CASES = [
    ("no mark is no mark", (), [NOTHING, NOTHING]),
    ("blanks are trimmed", (mark("AM", " I "),), [(Status.AUTHORISED_ABSENT, "I", 180), NOTHING]),
    ("case matters", (mark("AM", "i"),), [(Status.UNKNOWN, "i", 0), NOTHING]),
    (
        "the latest recorded wins",
        (mark("AM", "I", after=2), mark("AM", "/")),
        [(Status.AUTHORISED_ABSENT, "I", 180), NOTHING],
    ),
    ("at equal times the later row wins", (mark("AM", "I"), mark("AM", "/")), [(Status.PRESENT, "/", 0), NOTHING]),
    ("a tombstone is no mark", (mark("AM", "I"), mark("AM", "I", after=1, deleted=True)), [NOTHING, NOTHING]),
    (
        "the best register wins",
        (mark("AM", "O", register="a"), mark("AM", "L", register="b")),
        [(Status.LATE, "L", 0), NOTHING],
    ),
    ("late all day is late once", (mark("DAY", "L"),), [(Status.LATE, "L", 0), (Status.PRESENT, "L", 0)]),
    (
        "a session mark beats a day mark",
        (mark("DAY", "I", after=5), mark("PM", "/")),
        [(Status.AUTHORISED_ABSENT, "I", 180), (Status.PRESENT, "/", 0)],
    ),
    (
        "a session left open beats a day mark too",
        (mark("DAY", "I"), mark("PM", "-")),
        [(Status.AUTHORISED_ABSENT, "I", 180), NOTHING],
    ),
    (
        "a day's minutes fill the first half day first",
        (mark("DAY", "O", minutes=200),),
        [(Status.UNAUTHORISED_ABSENT, "O", 180), (Status.UNAUTHORISED_ABSENT, "O", 20)],
    ),
]


@pytest.mark.parametrize(("marks", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_marks_become_statuses(marks: tuple[Mark, ...], expected: list[tuple[str, str, int]]) -> None:
    assert first_day(*marks) == expected


def test_later_marks_are_not_known_yet() -> None:
    assert first_day(mark("AM", "/"), mark("AM", "I", after=3), known_at=NOON)[0][0] is Status.PRESENT


def test_a_source_of_exceptions_means_present_by_silence() -> None:
    exceptions = School(SchoolSettings(missing_mark_policy=MissingMarkPolicy.PRESENT), EDFI, OPEN)
    assert [status for status, _, _ in first_day(mark("AM", "Partial"), school=exceptions)] == [
        Status.UNKNOWN,
        Status.PRESENT,
    ]


def test_only_sessions_open_and_enrolled_exist() -> None:
    past = history(SCHOOL, (Span(DAY, DAY, frozenset({AM})),), [mark("PM", "I")])
    assert [(item.day, item.session) for item in past.sessions] == [(DAY, AM)]


@pytest.mark.parametrize(
    ("basis", "expected"), [(DayBasis.SESSIONS, (4, 8, 1, 4)), (DayBasis.DAYS_50PCT, (2, 4, 1, 4))]
)
def test_a_summary_adds_up_the_year(basis: DayBasis, expected: tuple[int, int, int, int]) -> None:
    school = School(SchoolSettings(day_basis=basis), UK, OPEN)
    codes = [("/", "\\"), ("I", "I"), ("L", "\\"), ("O", "O")]
    marks = [
        Mark(DAY + timedelta(days=n), MarkedSession(half), code, NOON)
        for n, pair in enumerate(codes)
        for half, code in zip(("AM", "PM"), pair, strict=True)
    ]
    told = summary(history(school, ALWAYS, marks), DAY + timedelta(days=3))
    assert (told.attended, told.possible, told.consecutive_absence_days, told.absent_half_days) == expected
    assert (told.percent, told.percent_text) == (Fraction(50), "50.00")


def test_a_run_of_absence_may_be_the_whole_year() -> None:
    told = summary(history(SCHOOL, ALWAYS, [mark("DAY", "I")]), DAY)
    assert (told.consecutive_absence_days, told.percent_text) == (1, "0.00")


@pytest.mark.parametrize(
    ("percent", "text"),
    [(None, ""), (Fraction(800, 9), "88.89"), (Fraction(175, 2), "87.50"), (Fraction(1, 200), "0.01")],
)
def test_percentages_are_rounded_half_up_for_show_only(percent: Fraction | None, text: str) -> None:
    assert shown(percent) == text


def test_codes_mean_what_their_set_says() -> None:
    assert meaning(UK, "U") == Meaning(Status.UNAUTHORISED_ABSENT, is_tardy=True)
    assert family_exclusions("UK") == {"C2", "E", "C1", "J1", "S", "T", "R", "M"}
    assert family_exclusions("EDFI") == frozenset()


def test_every_issue_says_what_to_do_and_quotes_safely() -> None:
    assert set(ADVICE) == set(IssueKind)
    assert printable("a\x00b" + "c" * 60) == "a\N{REPLACEMENT CHARACTER}b" + "c" * 37 + "..."
    whole = together([structural("f.csv", 2, "date", "write it"), structural("g.csv", 0, "", "send it")])
    assert whole.fields == {"f.csv, row 2, column date": "write it", "g.csv": "send it"}
