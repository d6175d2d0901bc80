"""A rule-set version as one compiled SQL statement over metric rows: truths, the conditions that fire, bitmaps.

SQL's null is our unknown: `coalesce(.., false)` stands only at the top of a condition that acts. Names and numbers come
from our own enumerations and checked integers; nothing a user wrote reaches the text.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rules.rulesets.comparisons import Comparison, FactKey, Key
from rules.rulesets.conditions import AllOf, Condition, NotOf, children
from rules.rulesets.decision import rules_of
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import RuleSet
from rules.rulesets.parameters import Leaf

NO_FACTS: Final[Mapping[FactKey, str]] = {}
_CHUNK: Final = 60
"""Leaves per bigint of a bitmap."""


@dataclass(frozen=True, slots=True)
class DecisionColumns:
    """Columns of the compiled statement beside those of the source.

    `entry` is null where unknown (the start rule keeps its previous value then); `fired` has one bit per name;
    `duties_true` and `duties_false` one per duty with a condition, and neither where it is unknown.
    """

    sql: str
    names: tuple[str, ...]

    def fired(self, bits: int) -> tuple[str, ...]:
        """The conditions behind a `fired` value."""
        return tuple(name for at, name in enumerate(self.names) if bits >> at & 1)


def decision_query(
    ruleset: RuleSet,
    source: str,
    columns: Mapping[MetricKey, str],
    *,
    facts: Mapping[FactKey, str] = NO_FACTS,
    bitmaps: bool = True,
) -> DecisionColumns:
    """Every row of `source` with entry, fired, leaves_true, leaves_known and `ageing` (the same two bitmaps of the
    leaves that dates and facts decide); facts without a column are unknown.

    `bitmaps` cost four times the rest: leave them out of the scan of a district, ask for them where a row is stored.
    """
    index = ruleset.leaf_index()
    names = {leaf: f"l{number}" for number, leaf in enumerate(index)}
    named = {rule.name: rule.when for rule in rules_of(ruleset)}
    named |= {f"watch:{watch.key}": watch.when for watch in ruleset.watch}
    leaves = ",\n        ".join(f"{leaf_sql(leaf, columns, facts)} as {name}" for leaf, name in names.items())
    bits = [names[leaf] for leaf in ruleset.metric_leaves()]
    aged = [names[leaf] for leaf in ruleset.ageing_leaves()]
    drawn = (
        f",\n    {_bitmap(bits, '{} is true')} as leaves_true,\n    {_bitmap(bits, '{} is not null')} as leaves_known"
        f",\n    {_bitmap(aged, '{} is true')} || '|' || {_bitmap(aged, '{} is not null')} as ageing"
    )
    owed = [duty.when for duty in ruleset.duties if duty.when is not None]
    sql = f"""
select decided.*, {tree_sql(ruleset.entry, names)} as entry,
    {_fired(list(named.values()), names)} as fired,
    {_fired(owed, names)} as duties_true,
    {_fired([NotOf(child=tree) for tree in owed], names)} as duties_false{drawn if bitmaps else ""}
from (
    select row.*,
        {leaves}
    from ({source}) row
) decided
"""
    return DecisionColumns(sql, tuple(named))


def tree_sql(tree: Condition, names: Mapping[Leaf, str]) -> str:
    """A condition over leaf columns; null is unknown."""
    if isinstance(tree, Leaf):
        return names[tree]
    if isinstance(tree, NotOf):
        return f"(not {tree_sql(tree.child, names)})"
    word = " and " if isinstance(tree, AllOf) else " or "
    return "(" + word.join(tree_sql(child, names) for child in children(tree)) + ")"


def leaf_sql(leaf: Leaf, columns: Mapping[MetricKey, str], facts: Mapping[FactKey, str]) -> str:
    """One leaf over metric columns: null while an integer is missing or a guard does not hold."""

    def column(key: Key) -> str:
        found = columns.get(key) if isinstance(key, MetricKey) else facts.get(key)
        return f"row.{found}" if found else "cast(null as int)"

    comparison = leaf.comparison()
    truth = _between(_sum(comparison, column), comparison)
    guards = " and ".join(f"{column(key)} >= {int(least)}" for key, least in comparison.guards)
    return f"(case when {guards} then {truth} end)" if guards else truth


def _sum(comparison: Comparison, column: Callable[[Key], str]) -> str:
    plain = len(comparison.terms) == 1 and comparison.terms[0].coefficient == 1 and len(comparison.terms[0].keys) == 1
    if plain:
        return column(comparison.terms[0].keys[0])
    terms = (
        " * ".join([f"({int(term.coefficient)})::bigint", *(column(key) for key in term.keys)])
        for term in comparison.terms
    )
    return f"({' + '.join(terms)})"


def _between(total: str, comparison: Comparison) -> str:
    bounds = [(">=", comparison.low), ("<=", comparison.high)]
    return "(" + " and ".join(f"{total} {sign} {int(bound)}" for sign, bound in bounds if bound is not None) + ")"


def _fired(trees: Sequence[Condition], names: Mapping[Leaf, str]) -> str:
    bits = (f"(coalesce({tree_sql(tree, names)}, false))::int::bigint << {at}" for at, tree in enumerate(trees))
    return "(" + (" | ".join(f"({bit})" for bit in bits) or "0::bigint") + ")"


def _bitmap(columns: Sequence[str], condition: str) -> str:
    """`1` or `0` per leaf in the stable order, as text."""
    chunks = [columns[at : at + _CHUNK] for at in range(0, len(columns), _CHUNK)]
    return " || ".join(_bits(chunk, condition) for chunk in chunks) or "''"


def _bits(columns: Sequence[str], condition: str) -> str:
    bits = (f"((({condition.format(name)})::int::bigint) << {at})" for at, name in enumerate(columns))
    return f"reverse(({' | '.join(bits)})::bit({len(columns)})::text)"
