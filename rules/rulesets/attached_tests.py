"""Tests that travel with a rule set: metrics and facts in, decision out; failing one bars activation."""

from collections.abc import Iterator, Sequence
from typing import Any

from rules.rulesets.comparisons import FactKey
from rules.rulesets.decision import BEFORE_THE_LADDER, Position, decide
from rules.rulesets.evaluation import Metrics, evaluate
from rules.rulesets.facts import Facts
from rules.rulesets.law import Duty, Watch
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
    came: dict[str, Any] = {
        "decision": str(decision.action),
        "stage": decision.stage,
        "fired": decision.fired,
        "duties": _open(ruleset.duties, metrics, facts),
        "watch": _open(ruleset.watch, metrics, facts),
    }
    wanted = {name: getattr(expected, name) for name in came}
    wrong = [f"{name} is {came[name]!r}" for name, value in wanted.items() if value not in (None, came[name])]
    return ", ".join(wrong) or None


def _open(rules: Sequence[Duty | Watch], metrics: Metrics, facts: Facts) -> tuple[str, ...]:
    """The rules beside the ladder whose condition holds."""
    return tuple(rule.key for rule in rules if rule.when is not None and evaluate(rule.when, metrics, facts) is True)


def _given(test: AttachedTest) -> tuple[dict[MetricKey, int | None], dict[FactKey, int | None]]:
    metrics: dict[MetricKey, int | None] = {}
    facts: dict[FactKey, int | None] = {}
    for text, value in test.given.items():
        try:
            facts[FactKey.parse(text)] = value
        except ValueError:
            metrics[MetricKey.parse(text)] = value
    return metrics, facts
