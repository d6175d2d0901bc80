"""Conditions are read from JSON; what is wrong is named by its place in the document."""

from typing import Any

import pytest

from rules.errors import Invalid
from rules.rulesets.comparisons import FactKey
from rules.rulesets.conditions import (
    LEAF_TYPES,
    AllOf,
    children,
    depth,
    dump_condition,
    fact_keys,
    leaves,
    metric_keys,
    parse_condition,
)

LEAVES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "AbsenceCountThreshold": ({"count": 4.5, "window": 30}, ["absent_half_days/calendar:30/all"]),
    "AttendancePercentThreshold": (
        {"below": 90},
        ["attended_sessions/ytd", "possible_days/ytd", "possible_sessions/ytd"],
    ),
    "ConsecutiveAbsenceDays": ({"n": 3, "exclude_codes": "CODE_SET"}, ["consecutive_days/all/exclude=CODE_SET"]),
    "TardyCountThreshold": (
        {"count": 5, "window": 20, "unit": "SCHOOL", "include_after_close": True},
        ["late_or_after_close_sessions/school:20"],
    ),
    "UnauthorisedSessionsThreshold": ({}, ["unauthorised_sessions/weeks:10"]),
    "OccasionCountThreshold": ({"count": 3}, ["occasions:30/ytd"]),
    "DaysOrPartsThreshold": ({"count": 3, "window": 4, "unit": "WEEKS"}, ["days_or_parts/weeks:4"]),
    "HoursMissedThreshold": (
        {"hours": 30, "window": "CONSECUTIVE", "kinds": "UNAUTHORISED"},
        ["minutes_missed/run/unauthorised"],
    ),
    "DateWindow": ({"from": "2026-09-01", "to": "2026-12-18"}, ["evaluation_day"]),
    "MonthsIntoYear": ({"at_least": 2}, ["months_into_year"]),
    "NewAbsencesSinceStep": ({"at_least": 1, "codes": ["O", "G", "O"]}, ["absent_sessions/step/all/codes=G,O"]),
    "PossibleSessionsSinceStep": ({"at_least": 10}, ["counted_sessions/step"]),
    "Improvement": (
        {"points": 5, "over_school_days": 20},
        [
            "attended_sessions/school:20",
            "attended_sessions/school:20@before_step",
            "counted_sessions/school:20",
            "counted_sessions/school:20@before_step",
            "possible_sessions/school:20",
            "possible_sessions/school:20@before_step",
        ],
    ),
    "PriorYear": (
        {"leaf": {"type": "AbsenceCountThreshold", "params": {"count": 10, "window": "YTD", "count_unit": "SESSIONS"}}},
        ["absent_sessions/ytd/all@prior_year"],
    ),
    "StageAge": ({"school_days": 10}, ["stage_age"]),
    "PriorEvents": (
        {"kind": "penalty_notice", "within": {"value": 3, "unit": "year"}},
        ["prior_events/penalty_notice/3:year"],
    ),
    "Artifact": ({"kind": "support_offered", "done": False}, ["artifact/support_offered"]),
    "ProtectedStatus": ({"kinds": ["homeless", "bereaved"]}, ["protected/bereaved/homeless"]),
    "AgeBetween": ({"from": 6, "to": 16}, ["age"]),
    "CompulsorySchoolAge": ({"jurisdiction": "GB-ENG"}, ["compulsory_age/GB-ENG"]),
    "YearGroupIn": ({"in": ["8", "7"]}, ["year_group/7/8"]),
    "ExemptionActive": ({}, ["exemption"]),
    "GuardianReasonAccepted": ({}, ["reason_accepted"]),
    "CaseResolved": ({}, ["case_resolved"]),
    "ScoreBelow": ({"measure": "oral_reading", "value": 42.5}, ["score/oral_reading"]),
    "ConsecutiveProficient": ({"n": 3}, ["consecutive_proficient"]),
    "GoalReached": ({"checks": 2}, ["goal_checks"]),
    "FacilitatorRecommends": ({}, ["facilitator_recommends"]),
    "TrendBelowAimline": ({"points": 4, "min_points": 8}, ["measured_points", "points_below_aimline"]),
}


@pytest.mark.parametrize("name", LEAVES)
def test_each_leaf_names_what_it_needs_and_reads_back(name: str) -> None:
    params, needs = LEAVES[name]
    leaf = parse_condition({"type": name, "params": params} if params else {"type": name})
    assert [*map(str, metric_keys(leaf)), *map(str, fact_keys(leaf))] == needs
    assert parse_condition(dump_condition(leaf)) == leaf
    assert all(FactKey.parse(str(key)) == key for key in fact_keys(leaf))


def test_every_leaf_of_the_language_has_its_example() -> None:
    assert set(LEAVES) == set(LEAF_TYPES)


def test_events_per_guardian_are_counted_apart() -> None:
    params = {"kind": "penalty_notice", "within": {"value": 3, "unit": "year"}, "per": "guardian"}
    leaf = parse_condition({"type": "PriorEvents", "params": params})
    assert [str(key) for key in fact_keys(leaf)] == ["guardian_events/penalty_notice/3:year"]


def test_a_tree_keeps_the_order_of_its_leaves() -> None:
    days = {"type": "ConsecutiveAbsenceDays", "params": {"n": 3}}
    tree = parse_condition({"all": [days, {"not": {"any": [{"type": "CaseResolved"}, days]}}]})
    assert [type(leaf).__name__ for leaf in leaves(tree)] == [
        "ConsecutiveAbsenceDays",
        "CaseResolved",
        "ConsecutiveAbsenceDays",
    ]
    assert (depth(tree), len(children(tree))) == (4, 2)
    assert isinstance(tree, AllOf)
    assert AllOf.model_validate({"all": list(tree.children)}) == tree


def test_numbers_of_one_value_have_one_written_form() -> None:
    forms = [{"type": "AbsenceCountThreshold", "params": {"count": count, "window": 30}} for count in (5, 5.0, "5.00")]
    assert len({str(dump_condition(parse_condition(form))) for form in forms}) == 1


def nested(levels: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"type": "CaseResolved"}
    for _ in range(levels - 1):
        tree = {"not": tree}
    return tree


COUNT: dict[str, Any] = {"type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30}}


@pytest.mark.parametrize(
    ("document", "place", "reason"),
    [
        (
            {"any": [COUNT, {"type": "AbsenceCountThreshold", "params": {"window": 30}}]},
            "entry.any[1].params.count",
            "add it",
        ),
        ({"any": [{"type": "AbsenceCount", "params": {}}]}, "entry.any[0]", "type 'AbsenceCount'"),
        ({"any": [3]}, "entry.any[0]", "no type"),
        ({"type": 7}, "entry", "type 7"),
        ({"all": []}, "entry.all", "at least one"),
        ({"all": [COUNT], "any": [COUNT]}, "entry.any", "not known here"),
        ({"type": "CaseResolved", "params": {"x": 1}}, "entry.params.x", "not known here"),
        ({"not": {"type": "ConsecutiveAbsenceDays", "params": {"n": True}}}, "entry.not.params.n", "integer"),
        ({"type": "ConsecutiveAbsenceDays", "params": {"n": 0}}, "entry.params.n", "got 0"),
        ({**COUNT, "params": {**COUNT["params"], "window": {"term": "autumn"}}}, "entry.params", "not yet supported"),
        ({**COUNT, "params": {**COUNT["params"], "window": "CONSECUTIVE"}}, "entry.params", "HoursMissedThreshold"),
        (
            {**COUNT, "params": {**COUNT["params"], "window": {"from": "2026-02-02", "to": "2026-02-01"}}},
            "entry.params.window",
            "swap them",
        ),
        (
            {"type": "AttendancePercentThreshold", "params": {"below": 90, "codes": ["G"]}},
            "entry.params.codes",
            "leave it out",
        ),
        ({"type": "AgeBetween", "params": {"from": 16, "to": 6}}, "entry.params", "swap them"),
        (nested(9), "entry", "at most 8"),
        (nested(80), "entry", "8 levels"),
        ({"any": [COUNT] * 61}, "entry", "at most 60"),
    ],
)
def test_a_problem_is_named_by_its_place(document: Any, place: str, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_condition(document, at="entry")
    assert caught.value.code == "ruleset_invalid"
    assert reason in caught.value.fields[place]


def test_several_problems_are_counted_in_the_message() -> None:
    with pytest.raises(Invalid, match=r"\(1 more\)"):
        parse_condition({"type": "AbsenceCountThreshold", "params": {}})


def test_a_problem_of_the_whole_document_has_a_place_too() -> None:
    with pytest.raises(Invalid) as caught:
        parse_condition([])
    assert list(caught.value.fields) == ["."]


def test_fixed_dates_make_a_window() -> None:
    leaf = parse_condition({**COUNT, "params": {"count": 5, "window": {"from": "2026-09-01", "to": "2026-10-31"}}})
    assert [str(key) for key in metric_keys(leaf)] == ["absent_half_days/2026-09-01..2026-10-31/all"]


def test_a_percent_without_a_minimum_needs_no_day_count() -> None:
    leaf = parse_condition({"type": "AttendancePercentThreshold", "params": {"below": 90, "min_school_days": 0}})
    assert [str(key) for key in metric_keys(leaf)] == ["attended_sessions/ytd", "possible_sessions/ytd"]
