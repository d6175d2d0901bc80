"""The tests that come with a rule set: metrics and facts in, decision out; approval asks that all of them pass."""

from collections.abc import Iterator
from datetime import date

from rules.rulesets.comparisons import FactKey, FactName
from rules.rulesets.decision import BEFORE_THE_LADDER, Decision, Position, decide
from rules.rulesets.evaluation import Metrics
from rules.rulesets.facts import CaseFacts
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import AttachedTest, RuleSet

_FACT_NAMES = frozenset(name.value for name in FactName)


def failing_tests(ruleset: RuleSet) -> Iterator[tuple[str, str]]:
    """Place in the document -> what was expected and what came out."""
    for at, test in enumerate(ruleset.tests):
        try:
            found = _decided(ruleset, test)
        except ValueError as error:
            yield f"tests[{at}].given", str(error)
            continue
        if said := _difference(test, found):
            yield f"tests[{at}].expect", f"{test.name}: {said}"


def _decided(ruleset: RuleSet, test: AttachedTest) -> Decision:
    metrics, facts = _given(test)
    index = BEFORE_THE_LADDER if test.at_stage is None else ruleset.index_of(test.at_stage)
    position = Position(stage_index=index, wait_elapsed=test.wait_elapsed, previous_reached=test.previous_reached)
    return decide(ruleset, position, metrics, facts)


def _given(test: AttachedTest) -> tuple[Metrics, CaseFacts]:
    metrics: dict[MetricKey, int | None] = {}
    known: dict[FactKey, int] = {}
    for text, value in test.given.items():
        if text.split("/")[0] not in _FACT_NAMES:
            metrics[MetricKey.parse(text)] = value
        elif value is not None:
            known[FactKey.parse(text)] = value
    return metrics, CaseFacts(day=date(1970, 1, 1), known=known)


def _difference(test: AttachedTest, found: Decision) -> str:
    wanted = test.expect
    if found.action != wanted.decision:
        return f"expected {wanted.decision}, came out {found.action}"
    if wanted.stage is not None and found.stage != wanted.stage:
        return f"expected stage {wanted.stage}, came out {found.stage}"
    if wanted.fired is not None and set(wanted.fired) != set(found.fired):
        return f"expected fired {sorted(wanted.fired)}, came out {sorted(found.fired)}"
    return ""
