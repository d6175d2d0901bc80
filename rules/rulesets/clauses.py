"""A condition as flat alternatives: `not` pushed down, every clause a conjunction of one-sided integer comparisons."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final

from rules.errors import Invalid
from rules.rulesets.comparisons import Comparison
from rules.rulesets.conditions import AllOf, AnyOf, Condition, NotOf, children
from rules.rulesets.parameters import Leaf

MAX_CLAUSES: Final = 32
"""Per condition; durable-rules is only safe with few, flat clauses."""
MAX_CLAUSES_OF_SET: Final = 200


@dataclass(frozen=True, slots=True)
class Atom:
    """`leaf's amount >= bound`, or `<= bound`."""

    leaf: Leaf
    bound: int
    at_least: bool


Clause = tuple[Atom, ...]
Clauses = tuple[Clause, ...]


def clauses(tree: Condition | Leaf, *, negated: bool = False) -> Clauses:
    """The alternatives that make the tree true; Invalid beyond the cap."""
    if isinstance(tree, NotOf):
        return clauses(tree.child, negated=not negated)
    if isinstance(tree, AllOf | AnyOf):
        parts = [clauses(child, negated=negated) for child in children(tree)]
        return _product(parts) if isinstance(tree, AllOf) is not negated else _capped(chain.from_iterable(parts))
    return _outside(tree) if negated else (_inside(tree),)


def _inside(leaf: Leaf) -> Clause:
    comparison = leaf.comparison()
    return tuple(Atom(leaf, bound, at_least) for bound, at_least in _bounds(comparison))


def _outside(leaf: Leaf) -> Clauses:
    """All amounts are whole numbers, so not (>= n) is (<= n - 1)."""
    comparison = leaf.comparison()
    return tuple(
        (Atom(leaf, bound - 1 if at_least else bound + 1, not at_least),) for bound, at_least in _bounds(comparison)
    )


def _bounds(comparison: Comparison) -> list[tuple[int, bool]]:
    pairs = ((comparison.low, True), (comparison.high, False))
    return [(bound, at_least) for bound, at_least in pairs if bound is not None]


def _product(parts: Iterable[Clauses]) -> Clauses:
    out: Clauses = ((),)
    for part in parts:
        out = _capped(tuple(dict.fromkeys((*one, *two))) for one in out for two in part)
    return out


def _capped(found: Iterable[Clause]) -> Clauses:
    kept = dict.fromkeys(found)
    if len(kept) > MAX_CLAUSES:
        raise Invalid("ruleset_too_large", f"The condition has more than {MAX_CLAUSES} alternatives: simplify it.")
    return tuple(kept)


def count_clauses(tree: Condition) -> int | None:
    """How many alternatives a tree has; None beyond the cap."""
    try:
        return len(clauses(tree))
    except Invalid:
        return None
