"""The reference form of a condition: three-valued truth over metrics and facts, and bitmaps of its leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod

from rules.rulesets.comparisons import Comparison, Key
from rules.rulesets.conditions import AllOf, AnyOf, Condition, NotOf, leaves
from rules.rulesets.facts import NO_FACTS, Facts
from rules.rulesets.metrics import MetricKey
from rules.rulesets.parameters import Leaf

Truth = bool | None
"""True, false or unknown (None); unknown never advances and never stops anybody, under `not` too."""
Metrics = Mapping[MetricKey, int | None]


def evaluate(tree: Condition | Leaf, metrics: Metrics, facts: Facts = NO_FACTS) -> Truth:
    """Kleene's three-valued logic over the tree."""
    if isinstance(tree, AllOf):
        return every([evaluate(child, metrics, facts) for child in tree.children])
    if isinstance(tree, AnyOf):
        return some([evaluate(child, metrics, facts) for child in tree.children])
    if isinstance(tree, NotOf):
        return negated(evaluate(tree.child, metrics, facts))
    return holds(comparison_of(tree), metrics, facts)


def every(truths: Sequence[Truth]) -> Truth:
    """`all`: one false decides, then one unknown."""
    return False if False in truths else None if None in truths else True


def some(truths: Sequence[Truth]) -> Truth:
    """`any`: one true decides, then one unknown."""
    return True if True in truths else None if None in truths else False


def negated(truth: Truth) -> Truth:
    """`not`: unknown stays unknown."""
    return None if truth is None else not truth


@lru_cache(maxsize=4096)
def comparison_of(leaf: Leaf) -> Comparison:
    """A leaf's comparison; leaves are immutable, so it is derived once."""
    return leaf.comparison()


def amount(comparison: Comparison, metrics: Metrics, facts: Facts) -> int | None:
    """The exact left side, or None while an integer is missing or a guard does not hold."""
    values: dict[Key, int] = {}
    for key in comparison.keys():  # noqa: SIM118 - a method of ours, no mapping
        value = metrics.get(key) if isinstance(key, MetricKey) else facts.get(key)
        if value is None:
            return None
        values[key] = value
    if any(values[key] < least for key, least in comparison.guards):
        return None
    return sum(term.coefficient * prod(values[key] for key in term.keys) for term in comparison.terms)


def within(value: int | None, comparison: Comparison) -> Truth:
    """Whether a left side lies between the bounds."""
    if value is None:
        return None
    above = comparison.low is None or value >= comparison.low
    return above and (comparison.high is None or value <= comparison.high)


def holds(comparison: Comparison, metrics: Metrics, facts: Facts = NO_FACTS) -> Truth:
    """One leaf's truth."""
    return within(amount(comparison, metrics, facts), comparison)


@dataclass(frozen=True, slots=True)
class Bitmap:
    """Truth of the metric leaves in their stable order: `1` or `0` per leaf, as stored with an evaluation."""

    true: str
    known: str

    @classmethod
    def of(cls, index: Sequence[Leaf], metrics: Metrics) -> "Bitmap":
        """Bits of `index` (see `RuleSet.leaf_index`)."""
        truths = [holds(comparison_of(leaf), metrics) for leaf in index]
        return cls(
            "".join("1" if truth else "0" for truth in truths),
            "".join("0" if truth is None else "1" for truth in truths),
        )


def leaf_truths(tree: Condition, metrics: Metrics, facts: Facts = NO_FACTS) -> tuple[tuple[Leaf, Truth], ...]:
    """Every leaf with its truth, in the order they are written."""
    return tuple((leaf, holds(comparison_of(leaf), metrics, facts)) for leaf in leaves(tree))
