"""What follows from conditions whatever the student: which can never hold, and which hold whenever another does.

Every leaf is a bound on one quantity, so an alternative (a clause) is a box of intervals; it can hold unless one of
them is empty. Quantities know the values they can take, and which of them is never more than another.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from rules.errors import Invalid
from rules.rulesets.clauses import Atom, clauses
from rules.rulesets.comparisons import FactKey, FactName
from rules.rulesets.conditions import Condition
from rules.rulesets.evaluation import comparison_of
from rules.rulesets.leaves import AttendancePercentThreshold, Improvement, PriorYear
from rules.rulesets.metrics import Kinds, Measure, MetricKey, Window, WindowKind
from rules.rulesets.parameters import Leaf

Domains = Mapping[Hashable, "Interval"]
LONGEST_YEAR: Final = 366


@dataclass(frozen=True, slots=True)
class Interval:
    """The values between two bounds; a bound that is None is open, a strict one does not belong to it."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_strict: bool = False
    high_strict: bool = False

    def empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.low_strict or self.high_strict))

    def met(self, other: "Interval") -> "Interval":
        """What lies in both."""
        low, low_strict = max(_lower(self), _lower(other), key=lambda b: (b[0] is not None, b[0] or 0, b[1]))
        high, high_strict = min(_upper(self), _upper(other), key=lambda b: (b[0] is None, b[0] or 0, not b[1]))
        return Interval(low, high, low_strict, high_strict)


def _lower(one: Interval) -> tuple[Fraction | None, bool]:
    return one.low, one.low_strict


def _upper(one: Interval) -> tuple[Fraction | None, bool]:
    return one.high, one.high_strict


EVERYTHING: Final = Interval()


def between(low: int | None, high: int | None) -> Interval:
    """Whole bounds, both inclusive."""
    return Interval(None if low is None else Fraction(low), None if high is None else Fraction(high))


def can_hold(tree: Condition | Leaf, domains: Domains | None = None) -> bool:
    """Whether any student at all could make it true; what is too large to tell could."""
    try:
        found = clauses(tree)
    except Invalid:
        return True
    return any(_possible(clause, domains) for clause in found)


def implies(one: Condition | Leaf, other: Condition | Leaf, domains: Domains | None = None) -> bool:
    """Whether the other holds for everybody for whom the first does; what is too large to tell does not."""
    try:
        first, against = clauses(one), clauses(other, negated=True)
    except Invalid:
        return False
    return not any(_possible((*a, *b), domains) for a in first for b in against)


def always_holds(tree: Condition | Leaf, domains: Domains) -> bool:
    """Whether it holds for everybody of whom enough is known."""
    try:
        against = clauses(tree, negated=True)
    except Invalid:
        return False
    return not any(_possible(clause, domains) for clause in against)


def _possible(clause: Iterable[Atom], domains: Domains | None) -> bool:
    box: dict[Hashable, Interval] = {}
    for atom in clause:
        quantity, limit = bound_of(atom)
        start = box.get(quantity) or (EVERYTHING if domains is None else domain_of(quantity, domains))
        box[quantity] = start.met(limit)
    return not any(each.empty() for each in box.values()) and not _crossed(box)


def _crossed(box: Mapping[Hashable, Interval]) -> bool:
    """Whether a quantity must be less than one that is never more."""
    keys = [key for key in box if isinstance(key, MetricKey)]
    pairs = ((less, more) for less in keys for more in keys if less != more and never_more(less, more))
    return any(replace(box[more], low=box[less].low, low_strict=box[less].low_strict).empty() for less, more in pairs)


def bound_of(atom: Atom) -> tuple[Hashable, Interval]:
    """Which quantity an atom bounds, and how; a percent is a ratio, an improvement a difference of two."""
    leaf = atom.leaf.params.leaf if isinstance(atom.leaf, PriorYear) else atom.leaf
    terms = comparison_of(atom.leaf).terms
    if isinstance(leaf, AttendancePercentThreshold | Improvement):
        limit = Fraction(leaf.params.below if isinstance(leaf, AttendancePercentThreshold) else leaf.params.points)
        quantity: Hashable = (type(leaf).__name__, *(key for term in terms for key in term.keys))
        return quantity, _side(limit, atom, strict=atom.bound == (1 if atom.at_least else -1))
    return terms[0].keys[0], _side(Fraction(atom.bound), atom, strict=False)


def _side(limit: Fraction, atom: Atom, *, strict: bool) -> Interval:
    if atom.at_least:
        return Interval(low=limit, low_strict=strict)
    return Interval(high=limit, high_strict=strict)


FLAGS: Final = frozenset(
    {
        FactName.COMPULSORY_AGE,
        FactName.YEAR_GROUP,
        FactName.PROTECTED,
        FactName.EXEMPTION,
        FactName.REASON_ACCEPTED,
        FactName.CASE_RESOLVED,
        FactName.ARTIFACT,
        FactName.FACILITATOR_RECOMMENDS,
    }
)


def domain_of(quantity: Hashable, known: Domains) -> Interval:
    """The values a quantity can take at all; `known` narrows some."""
    natural = _natural(quantity)
    return natural.met(known[quantity]) if quantity in known else natural


def _natural(quantity: Hashable) -> Interval:
    if isinstance(quantity, FactKey):
        if quantity.name is FactName.SCORE:
            return EVERYTHING
        return between(0, 1 if quantity.name in FLAGS else None)
    if not isinstance(quantity, MetricKey):
        percent = isinstance(quantity, tuple) and quantity[0] == AttendancePercentThreshold.__name__
        return between(0 if percent else -100, 100)
    if quantity.measure is Measure.EVALUATION_DAY:
        return EVERYTHING
    return between(0, _most(quantity))


def _most(key: MetricKey) -> int | None:
    """The most a count can come to in its window; across schools there is no telling."""
    if key.measure is Measure.MONTHS_INTO_YEAR:
        return 11
    days = _days(key.window)
    each = _A_DAY.get(key.measure)
    return None if key.pooled or days is None or each is None else days * each


_A_DAY: Final[Mapping[Measure, int]] = {
    Measure.ABSENT_HALF_DAYS: 2,
    Measure.ABSENT_SESSIONS: 2,
    Measure.UNAUTHORISED_SESSIONS: 2,
    Measure.LATE_SESSIONS: 2,
    Measure.LATE_OR_AFTER_CLOSE_SESSIONS: 2,
    Measure.COUNTED_SESSIONS: 2,
    Measure.OCCASIONS: 2,
    Measure.DAYS_OR_PARTS: 1,
    Measure.POSSIBLE_DAYS: 1,
    Measure.CONSECUTIVE_DAYS: 1,
}


def _days(window: Window) -> int | None:
    match window.kind:
        case WindowKind.CALENDAR | WindowKind.SCHOOL:
            return min(window.n, LONGEST_YEAR)
        case WindowKind.WEEKS:
            return 7 * window.n
        case WindowKind.MONTHS:
            return min(31 * window.n, LONGEST_YEAR)
        case WindowKind.YTD | WindowKind.RUN:
            return LONGEST_YEAR
        case _:
            return None


_ADDED_UP: Final = frozenset(_A_DAY) - {Measure.CONSECUTIVE_DAYS} | {Measure.MINUTES_MISSED}


def never_more(less: MetricKey, more: MetricKey) -> bool:
    """Whether one count is part of another: a shorter window, or one kind of absence among all."""
    same = replace(less, window=more.window, kinds=more.kinds) == more
    kinds = less.kinds is more.kinds or more.kinds is Kinds.ALL
    return same and kinds and less.measure in _ADDED_UP and _inside(less, more)


def _inside(less: MetricKey, more: MetricKey) -> bool:
    inner, outer = less.window, more.window
    if inner == outer:
        return True
    if inner.kind is outer.kind:
        return inner.kind in _SIZED and inner.n <= outer.n
    if outer.kind is WindowKind.YTD:  # every window of days is cut at the school year, but for S7.5
        return inner.kind in _SIZED and less.measure is not Measure.UNAUTHORISED_SESSIONS
    return inner.kind is WindowKind.CALENDAR and outer.kind is WindowKind.SCHOOL and inner.n <= outer.n


_SIZED: Final = frozenset({WindowKind.CALENDAR, WindowKind.SCHOOL, WindowKind.WEEKS, WindowKind.MONTHS})
