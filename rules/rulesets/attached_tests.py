"""Tests that travel with a rule set: metrics and facts in, decision out; failing one bars activation."""

from collections.abc import Iterator
from typing import Any

from rules.rulesets.comparisons import FactKey
from rules.rulesets.decision import BEFORE_THE_LADDER, Position, decide
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import AttachedTest, RuleSet
from rules.rulesets.problems import Flaw, Problem


def failing_tests(ruleset: RuleSet) -> Iterator[Problem]:
    """The tests that do not pass, and what came out instead."""
    for at, test in enumerate(ruleset.tests):
        if reason := failure(ruleset, test):
            wrong = f"{test.name!r} fails: {reason}"
            yield Problem.at(f"tests[{at}]", Flaw.TEST_FAILS, wrong, "correct the rule set or the test")


def failure(ruleset: RuleSet, test: AttachedTest) -> str | None:
    """Why one test does not pass; None if it does."""
    try:
        metrics, facts = _given(test)
    except ValueError as error:
        return str(error)
    position = Position(
        stage_index=BEFORE_THE_LADDER if test.at_stage is None else ruleset.index_of(test.at_stage),
        wait_elapsed=test.wait_elapsed,
        previous_reached=test.previous_reached,
    )
    decision, expected = decide(ruleset, position, metrics, facts), test.expect
    came: dict[str, Any] = {"decision": str(decision.action), "stage": decision.stage, "fired": decision.fired}
    wanted = {"decision": expected.decision, "stage": expected.stage, "fired": expected.fired}
    wrong = [f"{name} is {came[name]!r}" for name, value in wanted.items() if value not in (None, came[name])]
    return ", ".join(wrong) or None


def _given(test: AttachedTest) -> tuple[dict[MetricKey, int | None], dict[FactKey, int | None]]:
    metrics: dict[MetricKey, int | None] = {}
    facts: dict[FactKey, int | None] = {}
    for text, value in test.given.items():
        try:
            facts[FactKey.parse(text)] = value
        except ValueError:
            metrics[MetricKey.parse(text)] = value
    return metrics, facts
