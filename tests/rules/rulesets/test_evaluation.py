"""Three-valued logic: unknown never advances and never stops, under `not` too."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.rulesets.comparisons import Comparison, FactKey, FactName, Term
from rules.rulesets.conditions import AnyOf, Condition, leaves, metric_keys, parse_condition
from rules.rulesets.evaluation import Bitmap, Truth, evaluate, every, leaf_truths, negated, some, within
from rules.rulesets.metrics import MetricKey
from rules.rulesets.parameters import Leaf
from tests.rules.rulesets.generating import TREES

KEY = MetricKey.parse("absent_half_days/calendar:30/all")
COUNT = {"type": "AbsenceCountThreshold", "params": {"count": 4.5, "window": 30}}
RESOLVED: dict[str, Any] = {"type": "CaseResolved"}
BELOW: dict[str, Any] = {"type": "TrendBelowAimline", "params": {"points": 4, "min_points": 8}}
PERCENT = {"type": "AttendancePercentThreshold", "params": {"below": 90}}


def percent(attended: int, possible: int, days: int) -> dict[MetricKey, int | None]:
    names = ("attended_sessions/ytd", "possible_sessions/ytd", "possible_days/ytd")
    return dict(zip(map(MetricKey.parse, names), (attended, possible, days), strict=True))


@pytest.mark.parametrize(("half_days", "truth"), [(8, False), (9, True), (10, True), (None, None)])
def test_four_and_a_half_days_are_nine_half_days(half_days: int | None, truth: Truth) -> None:
    assert evaluate(parse_condition(COUNT), {KEY: half_days}) is truth


@pytest.mark.parametrize(
    ("leaf", "facts", "truth"),
    [
        ({"type": "ScoreBelow", "params": {"measure": "reading", "value": 42.5}}, {"score/reading": 4249}, True),
        ({"type": "ScoreBelow", "params": {"measure": "reading", "value": 42.5}}, {"score/reading": 4250}, False),
        ({"type": "ScoreBelow", "params": {"measure": "reading", "value": 42.5}}, {}, None),
        ({"type": "ConsecutiveProficient", "params": {"n": 3}}, {"consecutive_proficient": 3}, True),
        ({"type": "ConsecutiveProficient", "params": {"n": 3}}, {"consecutive_proficient": 2}, False),
        ({"type": "GoalReached", "params": {"checks": 2}}, {"goal_checks": 2}, True),
        ({"type": "GoalReached", "params": {"checks": 2}}, {"goal_checks": 1}, False),
        ({"type": "FacilitatorRecommends"}, {"facilitator_recommends": 1}, True),
        ({"type": "FacilitatorRecommends"}, {"facilitator_recommends": 0}, False),
        (BELOW, {"points_below_aimline": 4, "measured_points": 8}, True),
        (BELOW, {"points_below_aimline": 3, "measured_points": 8}, False),
        (BELOW, {"points_below_aimline": 4, "measured_points": 7}, None),
    ],
)
def test_progress_is_judged_at_its_threshold(leaf: dict[str, Any], facts: dict[str, int], truth: Truth) -> None:
    known = {FactKey.parse(text): value for text, value in facts.items()}
    assert evaluate(parse_condition(leaf), {}, known) is truth


@pytest.mark.parametrize(
    ("attended", "possible", "days", "inclusive", "truth"),
    [
        (90, 100, 50, False, False),
        (90, 100, 50, True, True),
        (89, 100, 50, False, True),
        (899999, 1000000, 50, False, True),
        (0, 10, 9, False, None),
        (0, 0, 50, False, None),
    ],
)
def test_percentages_are_compared_exactly(
    attended: int, possible: int, days: int, inclusive: Truth, truth: Truth
) -> None:
    leaf = parse_condition({"type": "AttendancePercentThreshold", "params": {"below": 90, "inclusive": inclusive}})
    assert evaluate(leaf, percent(attended, possible, days)) is truth


@pytest.mark.parametrize(
    ("given", "conjunction", "disjunction"),
    [
        ([True, True], True, True),
        ([True, None], None, True),
        ([False, None], False, None),
        ([None], None, None),
        ([False, False], False, False),
    ],
)
def test_kleene_logic(given: list[Truth], conjunction: Truth, disjunction: Truth) -> None:
    assert (every(given), some(given)) == (conjunction, disjunction)


def test_not_keeps_unknown() -> None:
    assert [negated(truth) for truth in (True, False, None)] == [False, True, None]
    assert evaluate(parse_condition({"not": RESOLVED}), {}) is None


def test_facts_may_come_as_the_mapping_that_was_stored() -> None:
    assert evaluate(parse_condition(RESOLVED), {}, {FactKey(FactName.CASE_RESOLVED): 1}) is True


def test_improvement_compares_two_percentages_without_dividing() -> None:
    leaf = parse_condition({"type": "Improvement", "params": {"points": 5, "over_school_days": 20}})
    names = ["attended_sessions", "possible_sessions", "counted_sessions"]
    now = [MetricKey.parse(f"{name}/school:20") for name in names]
    then = [MetricKey.parse(f"{name}/school:20@before_step") for name in names]

    def after(attended: int) -> Truth:
        return evaluate(leaf, dict(zip([*now, *then], [attended, 40, 40, 34, 40, 40], strict=True)))

    assert [after(35), after(36)] == [False, True]
    assert evaluate(leaf, dict(zip([*now, *then], [40, 40, 40, 10, 19, 19], strict=True))) is None


def test_an_open_bound_is_no_bound() -> None:
    assert within(5, Comparison((Term(1, (KEY,)),), high=4)) is False
    assert within(5, Comparison((Term(1, (KEY,)),))) is True


def test_bitmaps_tell_unknown_from_false() -> None:
    tree = parse_condition(
        {"any": [COUNT, PERCENT, {"type": "TardyCountThreshold", "params": {"count": 1, "window": 5}}]}
    )
    index = tuple(leaves(tree))
    assert Bitmap.of(index, {KEY: 9, MetricKey.parse("late_sessions/calendar:5"): 0}) == Bitmap("100", "101")


def test_leaf_truths_come_in_the_order_they_are_written() -> None:
    tree = parse_condition({"all": [RESOLVED, {"not": COUNT}]})
    assert [(type(leaf).__name__, truth) for leaf, truth in leaf_truths(tree, {KEY: 1})] == [
        ("CaseResolved", None),
        ("AbsenceCountThreshold", False),
    ]


@given(TREES, st.data())
def test_more_knowledge_never_turns_true_into_false(tree: Condition, data: st.DataObject) -> None:
    keys = metric_keys(tree)
    full: dict[MetricKey, int | None] = {key: data.draw(st.integers(0, 60)) for key in keys}
    kept = data.draw(st.sets(st.sampled_from(keys))) if keys else set()
    partly = evaluate(tree, {key: full[key] for key in kept})
    assert partly is None or partly is evaluate(tree, full)


def test_a_leaf_says_whether_the_register_decides_it() -> None:
    tree = parse_condition({"any": [COUNT, RESOLVED]})
    assert isinstance(tree, AnyOf)
    assert [leaf.is_metric() for leaf in tree.children if isinstance(leaf, Leaf)] == [True, False]
