"""Generated boundary cases: every leaf just below, at and just above each threshold, with too little and with no data.

What a case should come to is told from the leaf's own numbers; it is then judged by the reference and by the flat form
that the ladder engine runs, and the conditions that hold the leaf are judged by both. Approval needs them to agree.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Final

from rules.rulesets.clauses import Atom, Clauses, clauses
from rules.rulesets.comparisons import FactKey, Key
from rules.rulesets.conditions import Condition, leaves
from rules.rulesets.describing import leaf_words
from rules.rulesets.evaluation import Metrics, Truth, amount, comparison_of, evaluate
from rules.rulesets.facts import Facts
from rules.rulesets.leaves import AttendancePercentThreshold, Improvement, PriorYear
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import RuleSet
from rules.rulesets.parameters import Leaf
from rules.rulesets.problems import Flaw, Problem
from rules.rulesets.reasoning import FLAGS, domain_of

Values = Mapping[Key, int]
Numbers = dict[Key, int]
Flat = Callable[[Condition | Leaf], Clauses]


class Side(StrEnum):
    """Where a case stands to the threshold."""

    BELOW = "below"
    AT = "at"
    ABOVE = "above"
    TOO_FEW = "too_few"
    """Fewer days, half days or data points than the leaf needs to be judged."""
    MISSING = "missing"


_STEPS: Final = ((Side.BELOW, -1), (Side.AT, 0), (Side.ABOVE, 1))


@dataclass(frozen=True, slots=True)
class BoundaryCase:
    """One leaf, what is given, and what it should come to."""

    leaf: Leaf
    side: Side
    given: Values
    expected: Truth

    def came(self) -> Truth:
        """What the reference makes of it."""
        return judged(self.leaf, self.given)


def judged(tree: Condition | Leaf, given: Values) -> Truth:
    """The reference form over plain values."""
    return evaluate(tree, *_parted(given))


def _parted(given: Values) -> tuple[Metrics, Facts]:
    metrics = {key: value for key, value in given.items() if isinstance(key, MetricKey)}
    return metrics, {key: value for key, value in given.items() if isinstance(key, FactKey)}


@lru_cache(maxsize=4096)
def boundary_cases(leaf: Leaf) -> tuple[BoundaryCase, ...]:
    """Every case of one leaf, in order; what no student can be is left out."""
    cases = [*_around(leaf), *_with_too_few(leaf), BoundaryCase(leaf, Side.MISSING, {}, None)]
    return tuple({(case.side, tuple(case.given.items())): case for case in cases}.values())


def _around(leaf: Leaf) -> Iterator[BoundaryCase]:
    inner = leaf.params.leaf if isinstance(leaf, PriorYear) else leaf
    for side, step in _STEPS:
        if isinstance(inner, AttendancePercentThreshold):
            yield from _percent(leaf, inner, side, step)
        elif isinstance(inner, Improvement):
            yield _improvement(inner, side, step)
        else:
            yield from _count(leaf, side, step)


def _enough(leaf: Leaf) -> Numbers:
    return dict(comparison_of(leaf).guards)


def _count(leaf: Leaf, side: Side, step: int) -> Iterator[BoundaryCase]:
    """One integer around each bound."""
    comparison = comparison_of(leaf)
    key = comparison.terms[0].keys[0]
    for bound in (comparison.low, comparison.high):
        if bound is None or not _can_be(key, bound + step):
            continue
        value = bound + step
        above = comparison.low is None or value >= comparison.low
        below = comparison.high is None or value <= comparison.high
        yield BoundaryCase(leaf, side, {**_enough(leaf), key: value}, above and below)


def _can_be(key: Key, value: int) -> bool:
    """Counts are not negative and flags are nought or one; how long a year may be is no matter here."""
    natural = domain_of(key, {})
    flag = isinstance(key, FactKey) and key.name in FLAGS
    return (natural.low is None or value >= natural.low) and (not flag or value <= 1)


def _percent(leaf: Leaf, inner: AttendancePercentThreshold, side: Side, step: int) -> Iterator[BoundaryCase]:
    """As many half days as make the percentage exact, one half day to either side of it."""
    attended, possible = (term.keys[0] for term in comparison_of(leaf).terms)
    limit = Fraction(inner.params.below)
    total, present = 100 * limit.denominator, limit.numerator + step
    if not 0 <= present <= total:
        return
    percent = Fraction(100 * present, total)
    expected = percent < limit or (inner.params.inclusive and percent == limit)
    yield BoundaryCase(leaf, side, {**_enough(leaf), attended: present, possible: total}, expected)


def _improvement(leaf: Improvement, side: Side, step: int) -> BoundaryCase:
    """From nothing attended to just short of, at and just over the points."""
    (attended, possible_then), (attended_then, possible) = (term.keys for term in comparison_of(leaf).terms[:2])
    points = Fraction(leaf.params.points)
    total, gain = 100 * points.denominator, points.numerator + step
    now, then = (gain, 0) if gain >= 0 else (0, -gain)
    given = {**_enough(leaf), attended: now, attended_then: then, possible: total, possible_then: total}
    return BoundaryCase(leaf, side, given, Fraction(100 * (now - then), total) >= points)


def _with_too_few(leaf: Leaf) -> Iterator[BoundaryCase]:
    whole = next(_around(leaf)).given
    for key, least in comparison_of(leaf).guards:
        yield BoundaryCase(leaf, Side.TOO_FEW, {**whole, key: least - 1}, None)


@dataclass(frozen=True, slots=True)
class _Tried:
    """One condition with its flat form, and what its other leaves are given while one is tried."""

    tree: Condition
    alternatives: Clauses
    backgrounds: tuple[Numbers, Numbers]

    @classmethod
    def of(cls, tree: Condition, flat: Flat) -> "_Tried":
        return cls(tree, flat(tree), ({}, _at_thresholds(tree)))

    def differs(self, case: BoundaryCase) -> bool:
        """Whether reference and flat form part, the other leaves unknown or at their thresholds."""
        tries = [{**others, **case.given} for others in self.backgrounds]
        return any((judged(self.tree, given) is True) is not _met(self.alternatives, given) for given in tries)


def boundary_problems(ruleset: RuleSet, flat: Flat = clauses) -> Iterator[Problem]:
    """Leaves that are not seen both true and false, and cases in which a form says otherwise than it should."""
    for place, tree in ruleset.conditions():
        tried = _Tried.of(tree, flat)
        for leaf in dict.fromkeys(leaves(tree)):
            if wrong := next(_wrong(leaf, flat(leaf), tried), None):
                yield Problem.at(place, Flaw.BOUNDARY, wrong, "mend the threshold, or report it where it looks right")


def _wrong(leaf: Leaf, alternatives: Clauses, tried: _Tried) -> Iterator[str]:
    cases, said = boundary_cases(leaf), leaf_words(leaf)
    seen = {case.expected for case in cases}
    if not {True, False} <= seen:
        yield f"is {'always' if True in seen else 'never'} true, however near its threshold: {said}"
    for case in cases:
        if case.came() is not case.expected or _met(alternatives, case.given) is not (case.expected is True):
            yield f"comes out wrong {case.side} its threshold: {said}"
        if tried.differs(case):
            yield f"is judged in two ways with one leaf {case.side} its threshold: {said}"


def _at_thresholds(tree: Condition) -> Numbers:
    found: Numbers = {}
    for leaf in leaves(tree):
        found.update(next((case.given for case in boundary_cases(leaf) if case.side is Side.AT), {}))
    return found


def _met(alternatives: Clauses, given: Values) -> bool:
    """Whether every atom of some alternative holds, as the ladder engine would find."""
    metrics, facts = _parted(given)
    return any(all(_holds(atom, metrics, facts) for atom in clause) for clause in alternatives)


def _holds(atom: Atom, metrics: Metrics, facts: Facts) -> bool:
    value = amount(comparison_of(atom.leaf), metrics, facts)
    return value is not None and (value >= atom.bound if atom.at_least else value <= atom.bound)
