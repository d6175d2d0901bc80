"""What is said to follow for everybody does follow: no student that can be drawn contradicts it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.rulesets.conditions import AllOf, AnyOf, Condition, NotOf, fact_keys, metric_keys, parse_condition
from rules.rulesets.evaluation import evaluate
from rules.rulesets.reasoning import always_holds, can_hold, implies
from tests.rules.rulesets.generating import TREES, fact_values, metric_values


def truths(tree: Condition, data: st.DataObject) -> bool | None:
    return evaluate(tree, data.draw(metric_values(metric_keys(tree))), data.draw(fact_values(fact_keys(tree))))


@settings(max_examples=300, deadline=None)
@given(TREES, st.data())
def test_nobody_meets_a_condition_that_is_said_to_contradict_itself(tree: Condition, data: st.DataObject) -> None:
    truth = truths(tree, data)
    assert can_hold(tree) or truth is not True
    assert not always_holds(tree, {}) or truth is not False or not natural(tree)


def natural(tree: Condition) -> bool:
    """The drawn values keep to what the quantities can be: percents of drawn numbers need not."""
    return not any("sessions" in str(key) for key in metric_keys(tree))


@settings(max_examples=300, deadline=None)
@given(TREES, TREES, st.data())
def test_what_is_implied_is_never_false_where_the_first_is_true(
    one: Condition, two: Condition, data: st.DataObject
) -> None:
    for first, second in ((one, two), (AllOf(children=(one, two)), one), (one, AnyOf(children=(one, two)))):
        both = AllOf(children=(first, second))
        metrics, facts = data.draw(metric_values(metric_keys(both))), data.draw(fact_values(fact_keys(both)))
        if implies(first, second) and evaluate(first, metrics, facts) is True:
            assert evaluate(second, metrics, facts) is not False


def count(days: float, window: Any, **params: Any) -> Condition:
    return parse_condition({"type": "AbsenceCountThreshold", "params": {"count": days, "window": window, **params}})


@pytest.mark.parametrize(
    ("one", "two", "follows"),
    [
        (count(5, 30), count(5, 60), True),
        (count(5, 30), count(5, "YTD"), True),
        (count(5, 30), count(5, 30, unit="SCHOOL"), True),
        (count(5, 30, unit="SCHOOL"), count(5, 30), False),
        (count(5, 30, kinds="UNAUTHORISED"), count(5, 30), True),
        (count(5, 30), count(5, 30, kinds="UNAUTHORISED"), False),
        (count(5, 60), count(5, 30), False),
        (count(5, 30, across="TENANT"), count(5, 30), False),
        (count(5, {"from": "2026-09-01", "to": "2026-10-01"}), count(5, "YTD"), False),
    ],
)
def test_a_count_is_part_of_a_wider_count(one: Condition, two: Condition, follows: bool) -> None:  # noqa: FBT001
    assert implies(one, two) is follows


def test_last_years_count_is_no_part_of_this_years() -> None:
    leaf = {"type": "AbsenceCountThreshold", "params": {"count": 5, "window": "YTD"}}
    before = parse_condition({"type": "PriorYear", "params": {"leaf": leaf}})
    assert not implies(before, parse_condition(leaf))
    assert implies(before, before)


def test_what_is_too_large_to_tell_is_not_claimed() -> None:
    wide = AnyOf(children=tuple(AllOf(children=(count(n, 30), count(n, 60))) for n in range(1, 8)))
    large = AllOf(children=(wide, wide, wide))
    assert can_hold(large)
    assert not implies(large, large)
    assert not always_holds(NotOf(child=large), {})
