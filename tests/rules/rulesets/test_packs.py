"""Every shipped pack is whole: cited, tested at its thresholds, sound, and honest about what nobody has confirmed."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulk.conditions import Column, holds
from rules.engine.durable_rules import engine_for
from rules.engine.protocol import ReferenceEngine
from rules.rulesets.activation import activation_problems
from rules.rulesets.attached_tests import failing_tests
from rules.rulesets.boundaries import boundary_cases, boundary_problems
from rules.rulesets.comparisons import Key
from rules.rulesets.conditions import LEAF_TYPES, leaves
from rules.rulesets.evaluation import Truth, evaluate
from rules.rulesets.leaves import DateWindow, PriorYear
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import RuleSet
from rules.rulesets.problems import Flaw
from rules.rulesets.progress_leaves import PROGRESS_LEAVES
from rules.rulesets.ruleset import PACKS, digest, dump_ruleset, load_pack, parse_ruleset
from rules.rulesets.static_checks import findings
from tests.rules.rulesets.generating import POSITIONS
from tests.rules.rulesets.near import near

OF_LAW = tuple(name for name in PACKS if name != "general")
packs = pytest.mark.parametrize("pack", [load_pack(name) for name in PACKS], ids=PACKS)
packs_of_law = pytest.mark.parametrize("pack", [load_pack(name) for name in OF_LAW], ids=OF_LAW)


@packs
def test_a_pack_passes_its_tests_and_checks(pack: RuleSet) -> None:
    assert list(failing_tests(pack)) == []
    assert list(boundary_problems(pack)) == []
    assert list(findings(pack)) == []


@packs
def test_a_pack_reads_back_as_it_was_written(pack: RuleSet) -> None:
    assert parse_ruleset(dump_ruleset(pack)) == pack
    assert digest(parse_ruleset(dump_ruleset(pack))) == digest(pack)


@packs_of_law
def test_every_rule_of_law_names_its_source_and_the_day_it_was_checked(pack: RuleSet) -> None:
    assert pack.jurisdiction
    assert all(citation.source and citation.checked_on for citation in pack.citations)
    cited = [*(stage.cite for stage in pack.stages if stage.cite), *(duty.cite for duty in pack.duties)]
    cited += [watch.cite for watch in pack.watch if watch.cite]
    assert cited
    assert [text for text in cited if pack.citation(text) is None] == []


@packs_of_law
def test_every_condition_of_law_is_tried_below_at_and_above_its_thresholds(pack: RuleSet) -> None:
    """The attached tests give every count of a duty, a watch and a legal stage all three, and every fact both."""
    legal = [duty.when for duty in pack.duties if duty.when] + [watch.when for watch in pack.watch]
    legal += [pack.condition_of(stage) for stage in pack.stages if stage.statutory]
    for leaf in {leaf for tree in legal for leaf in leaves(tree)}:
        comparison = leaf.comparison()
        first, low = comparison.terms[0].keys[0], comparison.low
        given = {value for test in pack.tests for name, value in test.given.items() if name == str(first)} - {None}
        counted = isinstance(first, MetricKey) and len(comparison.terms) == 1 and not isinstance(leaf, DateWindow)
        wanted = {low - 1, low, low + 1} if counted and low is not None else set()
        assert wanted <= given, f"{first} is given {given}, not {wanted}"
        assert len(given) >= (1 if isinstance(leaf, PriorYear) else 2), f"{first} is given {given}"


def test_every_leaf_of_attendance_stands_in_a_pack() -> None:
    """But for progress in a programme, which nothing records before the tables of programmes are there."""
    used = {type(leaf).__name__ for name in PACKS for leaf in load_pack(name).leaf_index()}
    progress = {leaf.__name__ for leaf in PROGRESS_LEAVES}
    plain = {"TardyCountThreshold"}
    assert used == set(LEAF_TYPES) - progress - plain


@packs_of_law
def test_what_nobody_has_confirmed_is_shown_and_not_in_force(pack: RuleSet) -> None:
    assert all(item.note for item in pack.verify)
    in_force = {duty.key for duty in pack.duties} | {watch.key for watch in pack.watch}
    asleep = {held.key for item in pack.verify for held in (item.duty, item.watch) if held}
    assert in_force.isdisjoint(asleep)


@pytest.mark.parametrize(("name", "waits"), [("ie-ewa-2000", True), ("us-tx", True), ("gb-eng-2024", False)])
def test_a_pack_whose_first_day_is_not_confirmed_cannot_be_activated(name: str, waits: bool) -> None:  # noqa: FBT001
    pack = load_pack(name)
    told = [problem for problem in activation_problems(pack) if problem.flaw is Flaw.UNCONFIRMED]
    assert bool(told) is waits
    assert all(re.search(r"from memory: confirm it .*: confirm it by an override", one.sentence) for one in told)
    assert (pack.effective_from is None) is waits


@packs
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_both_engines_decide_alike_on_every_pack(pack: RuleSet, data: st.DataObject) -> None:
    (metrics, facts), position = data.draw(near(pack)), data.draw(POSITIONS)
    assert engine_for(pack).decide(position, metrics, facts) == ReferenceEngine(pack).decide(position, metrics, facts)


STUDENTS = 12


@packs
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_vector_form_is_the_reference_on_every_pack(pack: RuleSet, data: st.DataObject) -> None:
    students = data.draw(st.lists(near(pack), min_size=STUDENTS, max_size=STUDENTS))
    columns: dict[Key, Column] = {}
    for at, keys in ((0, pack.metric_keys()), (1, pack.fact_keys())):
        for key in keys:
            values = [student[at][key] for student in students]  # type: ignore[index]  # metrics and facts alike
            known = np.array([value is not None for value in values])
            columns[key] = Column(np.array([0 if value is None else value for value in values], np.int64), known)
    for place, tree in pack.conditions():
        found = holds(tree, columns, (STUDENTS,))
        truths: list[Truth] = [
            True if t else False if f else None for t, f in zip(found.true, found.false, strict=True)
        ]
        assert truths == [evaluate(tree, metrics, facts) for metrics, facts in students], place


def test_the_values_near_a_threshold_meet_it_and_miss_it() -> None:
    """The property tests above are worth nothing if their values never come near."""
    pack = load_pack("gb-eng-2024")
    for leaf in pack.metric_leaves():
        assert {case.expected for case in boundary_cases(leaf)} >= {True, False}
