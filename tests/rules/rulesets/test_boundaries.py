"""Every leaf is tried around its thresholds before anybody approves it."""

from typing import Any

import pytest
from hypothesis import given

from rules.errors import Invalid
from rules.rulesets.boundaries import Side, boundary_cases, boundary_problems
from rules.rulesets.clauses import clauses
from rules.rulesets.conditions import LEAF_TYPES, Condition, leaves, parse_condition
from rules.rulesets.parameters import Leaf
from rules.rulesets.problems import Flaw
from rules.rulesets.ruleset import PACKS, load_pack, parse_ruleset, refuse_activation
from tests.rules.rulesets.generating import TREES
from tests.rules.rulesets.test_conditions import LEAVES

CONTACT: dict[str, Any] = {"key": "contact", "type": "CONTACT"}


def leaf_of(name: str, params: dict[str, Any]) -> Leaf:
    (leaf,) = leaves(parse_condition({"type": name, "params": params} if params else {"type": name}))
    return leaf


def told(name: str, **params: Any) -> list[tuple[str, list[int], bool | None]]:
    return [(case.side, list(case.given.values()), case.expected) for case in boundary_cases(leaf_of(name, params))]


def test_a_count_is_tried_a_half_day_to_either_side() -> None:
    assert told("AbsenceCountThreshold", count=5, window=30) == [
        (Side.BELOW, [9], False),
        (Side.AT, [10], True),
        (Side.ABOVE, [11], True),
        (Side.MISSING, [], None),
    ]


@pytest.mark.parametrize(("inclusive", "at"), [(False, False), (True, True)])
def test_a_percent_is_tried_exactly_at_its_limit(inclusive: bool, at: bool) -> None:  # noqa: FBT001
    assert told("AttendancePercentThreshold", below=92.5, inclusive=inclusive) == [
        (Side.BELOW, [200, 10, 184], True),
        (Side.AT, [200, 10, 185], at),
        (Side.ABOVE, [200, 10, 186], False),
        (Side.TOO_FEW, [0, 10, 184], None),
        (Side.TOO_FEW, [200, 9, 184], None),
        (Side.MISSING, [], None),
    ]


def test_an_improvement_is_tried_around_its_points() -> None:
    found = told("Improvement", points=0, over_school_days=20)
    assert [(side, expected) for side, _, expected in found] == [
        (Side.BELOW, False),
        (Side.AT, True),
        (Side.ABOVE, True),
        (Side.TOO_FEW, None),
        (Side.TOO_FEW, None),
        (Side.MISSING, None),
    ]


def test_both_ends_of_a_range_are_tried_and_a_flag_is_only_nought_or_one() -> None:
    assert told("AgeBetween", **{"from": 6, "to": 16})[:6] == [
        (Side.BELOW, [5], False),
        (Side.BELOW, [15], True),
        (Side.AT, [6], True),
        (Side.AT, [16], True),
        (Side.ABOVE, [7], True),
        (Side.ABOVE, [17], False),
    ]
    assert [values for _, values, _ in told("ExemptionActive")] == [[0], [1], []]
    assert told("Artifact", kind="support_offered", done=False)[:2] == [(Side.AT, [0], True), (Side.ABOVE, [1], False)]


@pytest.mark.parametrize("name", LEAF_TYPES)
def test_every_leaf_type_is_seen_true_false_and_unknown(name: str) -> None:
    params, _ = LEAVES[name]
    cases = boundary_cases(leaf_of(name, params))
    assert {case.expected for case in cases} == {True, False, None}
    assert [case.came() for case in cases] == [case.expected for case in cases]


@given(TREES)
def test_any_leaf_comes_out_as_its_own_numbers_say(tree: Condition) -> None:
    assert [case for leaf in leaves(tree) for case in boundary_cases(leaf) if case.came() is not case.expected] == []


@pytest.mark.parametrize("name", PACKS)
def test_the_shipped_packs_pass(name: str) -> None:
    assert list(boundary_problems(load_pack(name))) == []


def small(entry: dict[str, Any]) -> dict[str, Any]:
    return {"key": "small", "title": "Small", "entry": entry, "stages": [CONTACT]}


COUNT: dict[str, Any] = {"type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30}}


@pytest.mark.parametrize(
    ("leaf", "words"),
    [
        ({"type": "MonthsIntoYear", "params": {"at_least": 0}}, "is always true"),
        ({"type": "AttendancePercentThreshold", "params": {"below": 100, "inclusive": True}}, "is always true"),
        ({"type": "AttendancePercentThreshold", "params": {"below": 0}}, "is never true"),
    ],
)
def test_a_leaf_that_is_never_seen_on_both_sides_bars_activation(leaf: dict[str, Any], words: str) -> None:
    ruleset = parse_ruleset(small({"any": [COUNT, {"all": [COUNT, leaf]}]}))
    (problem,) = boundary_problems(ruleset)
    assert (problem.pointer, problem.flaw) == ("/entry", Flaw.BOUNDARY)
    assert words in problem.sentence
    with pytest.raises(Invalid) as caught:
        refuse_activation(ruleset)
    assert caught.value.code == "ruleset_not_ready"


def test_a_form_that_parts_from_the_others_is_named() -> None:
    """The control: were the flat form to lose an alternative, the boundary cases would see it."""
    ruleset = parse_ruleset(small({"all": [COUNT]}))
    lossy = boundary_problems(ruleset, lambda tree: clauses(tree) if isinstance(tree, Leaf) else ())
    assert "is judged in two ways with one leaf at its threshold" in next(lossy).wrong
    deaf = boundary_problems(ruleset, lambda _: ())
    assert "comes out wrong at its threshold" in next(deaf).wrong
