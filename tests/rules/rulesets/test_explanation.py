"""Explanations: what fired and what did not, in words a parent could read, and as data."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from rules.attendance.history import SchoolSettings
from rules.rulesets.comparisons import FactKey
from rules.rulesets.conditions import fact_keys, leaves, metric_keys, parse_condition
from rules.rulesets.explanation import LeafExplanation, Wording, explain
from rules.rulesets.facts import CaseFacts
from rules.rulesets.makeup import AbsenceKind, Part, made_up_of, spoken_make_up
from rules.rulesets.messages import spoken_day, spoken_number
from rules.rulesets.metrics import MetricKey
from rules.rulesets.parameters import Leaf
from rules.rulesets.ruleset import load_pack
from tests.rules.rulesets.test_measuring import MONDAY, last_day, register

Named = dict[str, int | None]


def said(name: str, params: dict[str, Any], values: Named, **wording: Any) -> LeafExplanation:
    tree = parse_condition({"type": name, "params": params})
    metrics = {MetricKey.parse(text): value for text, value in values.items()}
    (explanation,) = explain(tree, metrics, {}, Wording(**wording))
    return explanation


SCORED = "oral reading: 40; threshold below 42.5"
PERCENT: dict[str, Any] = {"below": 90}
NO_DAYS: Named = {"attended_sessions/ytd": 9, "possible_sessions/ytd": 10, "possible_days/ytd": 5}
HALF_DAYS: dict[str, Any] = {"count": 5, "window": 30, "count_unit": "SESSIONS"}
BETTER: dict[str, Any] = {"points": 5, "over_school_days": 20}


def schooling(attended: int, possible: int) -> Named:
    return {"attended_sessions/ytd": attended, "possible_sessions/ytd": possible, "possible_days/ytd": 30}


def improving(now: int, then: int, counted: int = 40) -> dict[str, int | None]:
    names = ["attended_sessions", "possible_sessions", "counted_sessions"]
    after: Named = dict(zip(names, (now, 40, counted), strict=True))
    before: Named = dict(zip(names, (then, 40, counted), strict=True))
    return {f"{n}/school:20": v for n, v in after.items()} | {
        f"{n}/school:20@before_step": v for n, v in before.items()
    }


@pytest.mark.parametrize(
    ("name", "params", "values", "sentence"),
    [
        (
            "AbsenceCountThreshold",
            {"count": 5, "window": 30},
            {"absent_half_days/calendar:30/all": 10},
            "5 absences in 30 calendar days; threshold 5",
        ),
        (
            "AbsenceCountThreshold",
            {"count": 5, "window": 20, "unit": "SCHOOL", "kinds": "UNAUTHORISED"},
            {"absent_half_days/school:20/unauthorised": 2},
            "1 unauthorised absence in 20 school days; threshold 5; 4 more would reach it",
        ),
        (
            "AbsenceCountThreshold",
            HALF_DAYS,
            {"absent_sessions/calendar:30/all": 4},
            "4 half days missed in 30 calendar days; threshold 5; 1 more would reach it",
        ),
        (
            "AbsenceCountThreshold",
            {**HALF_DAYS, "kinds": "AUTHORISED"},
            {"absent_sessions/calendar:30/authorised": 7},
            "7 authorised absences in 30 calendar days; threshold 5",
        ),
        (
            "AttendancePercentThreshold",
            PERCENT,
            schooling(94, 103),
            "91.3 % attended, threshold at below 90 %; 2 more half days would reach it",
        ),
        (
            "AttendancePercentThreshold",
            PERCENT,
            schooling(90, 100),
            "90 % attended, threshold at below 90 %; 1 more half day would reach it",
        ),
        (
            "AttendancePercentThreshold",
            {**PERCENT, "inclusive": True},
            schooling(90, 100),
            "90 % attended, threshold at or below 90 %",
        ),
        ("AttendancePercentThreshold", {"below": 0}, schooling(90, 100), "90 % attended, threshold at below 0 %"),
        ("AttendancePercentThreshold", PERCENT, NO_DAYS, "not evaluated: fewer than 10 school days so far"),
        ("AttendancePercentThreshold", PERCENT, {}, "not evaluated: no data for AttendancePercentThreshold"),
        ("ConsecutiveAbsenceDays", {"n": 3}, {"consecutive_days/all": 3}, "3 school days missed in a row; threshold 3"),
        (
            "TardyCountThreshold",
            {"count": 5, "window": 30},
            {"late_sessions/calendar:30": 1},
            "1 late arrival in 30 calendar days; threshold 5; 4 more would reach it",
        ),
        (
            "UnauthorisedSessionsThreshold",
            {},
            {"unauthorised_sessions/weeks:10": 10},
            "10 unauthorised half days in 10 school weeks; threshold 10",
        ),
        (
            "OccasionCountThreshold",
            {"count": 3},
            {"occasions:30/ytd": 3},
            "3 unexcused days or occasions in the school year so far; threshold 3",
        ),
        (
            "DaysOrPartsThreshold",
            {"count": 3, "window": 28},
            {"days_or_parts/calendar:28": 3},
            "3 days with an unexcused part in 28 calendar days; threshold 3",
        ),
        (
            "HoursMissedThreshold",
            {"hours": 30, "window": "CONSECUTIVE"},
            {"minutes_missed/run/all": 1830},
            "30.5 hours missed in the present run of absence; threshold 30",
        ),
        (
            "NewAbsencesSinceStep",
            {"at_least": 1},
            {"absent_sessions/step/all": 1},
            "1 absence since the last step; threshold 1",
        ),
        (
            "PossibleSessionsSinceStep",
            {"at_least": 10},
            {"counted_sessions/step": 10},
            "10 half days to come to since the last step; threshold 10",
        ),
        (
            "MonthsIntoYear",
            {"at_least": 2},
            {"months_into_year": 3},
            "3 full months of the school year; threshold 2",
        ),
        (
            "DateWindow",
            {"from": "2026-09-01", "to": "2026-12-18"},
            {"evaluation_day": 20703},
            "the date lies between 1 Sep and 18 Dec",
        ),
        (
            "DateWindow",
            {"from": "2026-10-01", "to": "2026-12-18"},
            {"evaluation_day": 20703},
            "the date lies outside 1 Oct to 18 Dec",
        ),
        (
            "Improvement",
            BETTER,
            improving(36, 32),
            "10 points better over 20 school days (from 80 % to 90 %); threshold 5",
        ),
        ("Improvement", BETTER, improving(36, 32, 19), "not evaluated: fewer than 20 half days to compare"),
        ("Improvement", BETTER, {}, "not evaluated: no data for Improvement"),
        (
            "PriorYear",
            {"leaf": {"type": "ConsecutiveAbsenceDays", "params": {"n": 3}}},
            {"consecutive_days/all@prior_year": 2},
            "last school year: 2 school days missed in a row; threshold 3; 1 more would reach it",
        ),
    ],
)
def test_a_sentence_a_parent_could_read(name: str, params: dict[str, Any], values: Named, sentence: str) -> None:
    assert said(name, params, values).sentence == sentence


def test_dates_stand_behind_the_number_and_the_step_has_its_name() -> None:
    span = {MetricKey.parse("absent_half_days/calendar:30/all"): (date(2026, 10, 2), date(2026, 10, 31))}
    count = said(
        "AbsenceCountThreshold", {"count": 5, "window": 30}, {"absent_half_days/calendar:30/all": 10}, spans=span
    )
    assert count.sentence == "5 absences in 30 calendar days (2 Oct - 31 Oct); threshold 5"
    assert said("AttendancePercentThreshold", PERCENT, schooling(94, 103), step="letter").sentence == (
        "91.3 % attended, letter at below 90 %; 2 more half days would reach it"
    )


def test_a_run_of_absence_is_told_with_its_own_days() -> None:
    run = {MetricKey.parse("consecutive_days/all"): (date(2026, 10, 29), date(2026, 10, 31))}
    told = said("ConsecutiveAbsenceDays", {"n": 3}, {"consecutive_days/all": 3}, spans=run)
    assert told.sentence == "3 school days missed in a row (29 Oct - 31 Oct); threshold 3"
    assert (told.data()["first_day"], told.data()["last_day"]) == ("2026-10-29", "2026-10-31")


def test_a_count_across_schools_says_so() -> None:
    values: Named = {"unauthorised_sessions/weeks:10/across=tenant": 10}
    sentence = said("UnauthorisedSessionsThreshold", {"across": "TENANT"}, values).sentence
    assert sentence == "10 unauthorised half days in 10 school weeks at all schools here; threshold 10"


def test_the_numbers_come_as_data_too() -> None:
    explanation = said("AbsenceCountThreshold", {"count": 5, "window": 30}, {"absent_half_days/calendar:30/all": 7})
    assert (explanation.value, explanation.distance) == (Fraction(7, 2), Fraction(3, 2))
    assert explanation.data() == {
        "leaf": "AbsenceCountThreshold",
        "keys": ["absent_half_days/calendar:30/all"],
        "truth": False,
        "value": "3.5",
        "threshold": "5",
        "distance": "1.5",
        "first_day": None,
        "last_day": None,
        "unknown": [],
        "sentence": "3.5 absences in 30 calendar days; threshold 5; 1.5 more would reach it",
    }
    missing = said("PriorYear", {"leaf": {"type": "ConsecutiveAbsenceDays", "params": {"n": 3}}}, {})
    assert (missing.truth, missing.unknown) == (None, ("consecutive_days/all@prior_year",))


@pytest.mark.parametrize(
    ("leaf", "value", "sentence"),
    [
        ({"type": "ExemptionActive"}, 1, "an exemption is in force"),
        ({"type": "ExemptionActive"}, 0, "no exemption is in force"),
        ({"type": "GuardianReasonAccepted"}, 1, "accepted reasons cover every absence"),
        ({"type": "CaseResolved"}, 0, "the case is not resolved"),
        ({"type": "CompulsorySchoolAge", "params": {"jurisdiction": "IE"}}, 1, "of compulsory school age"),
        ({"type": "YearGroupIn", "params": {"in": ["7"]}}, 0, "in none of the year groups"),
        ({"type": "ProtectedStatus", "params": {"kinds": ["bereaved"]}}, 1, "needs a second look"),
        ({"type": "Artifact", "params": {"kind": "support_offered"}}, 1, "support offered is on file"),
        ({"type": "Artifact", "params": {"kind": "support_offered", "done": False}}, 1, "support offered is on file"),
        ({"type": "AgeBetween", "params": {"from": 6, "to": 16}}, 7, "7 years old; from 6 to 16"),
        ({"type": "StageAge", "params": {"school_days": 10}}, 10, "10 school days in this stage; threshold 10"),
        (
            {"type": "PriorEvents", "params": {"kind": "notice", "within": "school_year"}},
            0,
            "0 earlier events; threshold 1; 1 more would reach it",
        ),
        ({"type": "ScoreBelow", "params": {"measure": "oral_reading", "value": 42.5}}, 4000, SCORED),
        ({"type": "ConsecutiveProficient", "params": {"n": 3}}, 3, "3 proficient sessions in a row; threshold 3"),
        (
            {"type": "GoalReached", "params": {"checks": 2}},
            1,
            "1 check in a row with the goal reached; threshold 2; 1 more would reach it",
        ),
        ({"type": "FacilitatorRecommends"}, 0, "the facilitator does not recommend it"),
    ],
)
def test_facts_about_the_case_are_said_plainly(leaf: dict[str, Any], value: int, sentence: str) -> None:
    tree = parse_condition(leaf)
    (key,) = fact_keys(tree)
    (explanation,) = explain(tree, {}, CaseFacts(day=MONDAY, known={key: value}))
    assert explanation.sentence == sentence
    (unknown,) = explain(tree, {}, CaseFacts(day=MONDAY))
    assert unknown.unknown == (str(key),)


@pytest.mark.parametrize(("score", "distance"), [(4249, 0), (4250, Fraction(1, 100)), (4500, Fraction(251, 100))])
def test_a_score_says_how_far_it_would_have_to_fall(score: int, distance: Fraction) -> None:
    tree = parse_condition({"type": "ScoreBelow", "params": {"measure": "reading", "value": 42.5}})
    (explanation,) = explain(tree, {}, CaseFacts(day=MONDAY, known={FactKey.parse("score/reading"): score}))
    assert (explanation.truth, explanation.distance) == (distance == 0, distance)


def test_a_trend_of_few_points_is_not_judged() -> None:
    tree = parse_condition({"type": "TrendBelowAimline", "params": {"min_points": 8}})
    known = {FactKey.parse("points_below_aimline"): 4, FactKey.parse("measured_points"): 8}
    (enough,) = explain(tree, {}, CaseFacts(day=MONDAY, known=known))
    assert enough.sentence == "4 latest data points in a row below the aimline; threshold 4"
    (few,) = explain(tree, {}, CaseFacts(day=MONDAY, known=known | {FactKey.parse("measured_points"): 7}))
    assert (few.truth, few.sentence) == (None, "not evaluated: fewer than 8 data points")


def test_every_leaf_of_the_general_pack_can_be_explained() -> None:
    pack = load_pack("general")
    metrics: dict[MetricKey, int | None] = dict.fromkeys(pack.metric_keys(), 20)
    facts: dict[FactKey, int | None] = dict.fromkeys(pack.fact_keys(), 0)
    told = [said for leaf in pack.leaf_index() for said in explain(leaf, metrics, facts)]
    assert all(isinstance(leaf, Leaf) for tree in pack.stages for leaf in leaves(pack.condition_of(tree)))
    assert all(one.sentence and "{" not in one.sentence for one in told)


def test_what_a_count_is_made_up_of() -> None:
    history = register("II II II NN N/ G/ SS UO")
    key = MetricKey.parse("absent_half_days/ytd/all/exclude=S,U")
    parts = made_up_of(history, key, last_day(history))
    assert spoken_make_up(parts) == "11: 6 illness, 3 not yet explained, 1 holiday, 1 unauthorised"
    assert parts[0] == Part(AbsenceKind.ILLNESS, 6, tuple(history.calendar.open_days[:3]))


def test_a_code_without_a_kind_of_its_own_is_told_by_its_status() -> None:
    history = register("TO", SchoolSettings(code_set="OTHER"))
    (authorised, unauthorised) = made_up_of(history, MetricKey.parse("absent_sessions/ytd/all"), MONDAY)
    assert (authorised.kind, unauthorised.kind) == (AbsenceKind.AUTHORISED, AbsenceKind.UNAUTHORISED)
    only = made_up_of(history, MetricKey.parse("absent_sessions/ytd/all/codes=O"), MONDAY)
    assert [part.kind for part in only] == [AbsenceKind.UNAUTHORISED]


def test_nothing_is_made_up_before_the_first_step() -> None:
    history = register("OO")
    assert made_up_of(history, MetricKey.parse("absent_sessions/step/all"), MONDAY) == ()
    assert made_up_of(history, MetricKey.parse("absent_sessions/ytd/all@before_step"), MONDAY) == ()
    dated = MetricKey.parse("absent_sessions/2026-09-01..2026-09-03/all")
    assert made_up_of(history, dated, MONDAY) == ()


def test_every_metric_that_is_explained_has_a_window_that_can_be_said() -> None:
    tree = parse_condition(
        {"type": "AbsenceCountThreshold", "params": {"count": 1, "window": {"from": "2026-09-01", "to": "2026-09-30"}}}
    )
    (explanation,) = explain(tree, dict.fromkeys(metric_keys(tree), 2), {})
    assert explanation.sentence == "1 absence in the set dates; threshold 1"


def test_numbers_and_days_are_short() -> None:
    assert spoken_day("en", date(2026, 10, 2)) == "2 Oct"
    numbers = (Fraction(9, 2), Fraction(800, 9), Fraction(-5, 4), Fraction(1, 300), 20)
    assert [spoken_number(number) for number in numbers] == ["4.5", "88.89", "-1.25", "0", "20"]
