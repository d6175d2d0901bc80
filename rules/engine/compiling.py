"""A rule set as flat durable rules: integers and enumerated words only, no nesting, one priority each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from rules.rulesets.clauses import Atom, Clause, clauses
from rules.rulesets.comparisons import Comparison
from rules.rulesets.decision import Rule, needs_reached, rules_of
from rules.rulesets.evaluation import comparison_of
from rules.rulesets.model import RuleSet
from rules.rulesets.parameters import Leaf

Definition = dict[str, Any]
MAX_RULES: Final = 450
"""durable-rules hangs while compiling some 700 rules on one property; 500 are safe."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The definitions, and what the names in them stand for."""

    definitions: Definition
    rules: tuple[Rule, ...]
    leaves: tuple[Leaf, ...]
    columns: dict[Comparison, str] = field(default_factory=dict)
    """The integer fact each different left side travels as."""


def compile_ruleset(ruleset: RuleSet) -> Compiled:
    """Rules `rule:N#C` per clause, `leaf:N` per metric leaf, `guard:N` per stage, and the four of the ladder."""
    leaves, rules = ruleset.metric_leaves(), rules_of(ruleset)
    columns = _columns(ruleset.leaf_index())
    found = [
        *_of_rules(rules, columns),
        *_of_leaves(leaves, columns),
        *_of_guards(ruleset, columns),
        *_of_the_ladder(),
    ]
    definitions = {name: {"all": body, "pri": pri, "run": name} for pri, (name, body) in enumerate(found, 1)}
    if len(definitions) > MAX_RULES:
        raise ValueError(f"{len(definitions)} compiled rules, at most {MAX_RULES}")
    return Compiled(definitions, rules, leaves, columns)


def left_side(comparison: Comparison) -> Comparison:
    """A comparison without its bounds: leaves that differ in the threshold alone share one fact."""
    return Comparison(comparison.terms, guards=comparison.guards)


def _columns(index: tuple[Leaf, ...]) -> dict[Comparison, str]:
    sides = dict.fromkeys(left_side(comparison_of(leaf)) for leaf in index)
    return {side: f"v{number}" for number, side in enumerate(sides)}


def _of_rules(rules: tuple[Rule, ...], columns: dict[Comparison, str]) -> Iterator[tuple[str, list[Definition]]]:
    for number, rule in enumerate(rules):
        for at, clause in enumerate(clauses(rule.when)):
            body = [{"m": _summary(clause, columns)}]
            if rule.stage_index is not None:
                body.append({"i": _instance({"at": rule.stage_index + 1})})
            yield f"rule:{number}#{at}", body


def _of_leaves(leaves: tuple[Leaf, ...], columns: dict[Comparison, str]) -> Iterator[tuple[str, list[Definition]]]:
    for number, leaf in enumerate(leaves):
        yield f"leaf:{number}", [{"m": _summary(clauses(leaf)[0], columns)}]


def _of_guards(ruleset: RuleSet, columns: dict[Comparison, str]) -> Iterator[tuple[str, list[Definition]]]:
    for number, stage in enumerate(ruleset.stages):
        atoms = tuple(atom for leaf in ruleset.guards(stage) for atom in clauses(leaf)[0])
        asked = [{"reached": 1}] if needs_reached(ruleset, number) else []
        yield f"guard:{number}", [{"m": _summary(atoms, columns)}, {"i": _instance({"at": number}, *asked)}]


def _of_the_ladder() -> Iterator[tuple[str, list[Definition]]]:
    yield "ladder:STOP", [{"i": _instance()}, {"s": {"kind": "stop"}}]
    yield "ladder:EXIT_REVIEW", [{"i": _instance({"review": 1})}, {"s": {"kind": "review"}}]
    yield (
        "ladder:ESCALATE",
        [{"i": _instance({"$gte": {"at": 1}})}, {"e": {"$and": [{"kind": "escalate"}, _joined("$gt", "to", 0)]}}],
    )
    yield (
        "ladder:ADVANCE",
        [
            {"i": _instance()},
            {"e": {"$and": [{"kind": "eligible"}, _joined("", "to", 1)]}},
            {"g": {"$and": [{"kind": "guard"}, _joined("", "to", 1)]}},
            {"w": {"$and": [{"kind": "wait"}, {"elapsed": 1}]}},
            {"x$not": {"kind": "stop"}},
        ],
    )


def _joined(operator: str, name: str, more: int) -> Definition:
    """A property told from the instance's place on the ladder."""
    place = {"$add": {"$l": {"i": "at"}, "$r": more}}
    return {operator: {name: place}} if operator else {name: place}


def _instance(*more: Definition) -> Definition:
    return {"$and": [{"kind": "instance"}, {"status": "ACTIVE"}, *more]}


def _summary(clause: Clause, columns: dict[Comparison, str]) -> Definition:
    atoms = [_atom(atom, columns) for atom in clause]
    return {"$and": [{"kind": "summary"}, *atoms]} if atoms else {"kind": "summary"}


def _atom(atom: Atom, columns: dict[Comparison, str]) -> Definition:
    column = columns[left_side(comparison_of(atom.leaf))]
    return {"$gte" if atom.at_least else "$lte": {column: atom.bound}}
