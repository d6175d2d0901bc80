"""A decision as it is written down, and the same decision taken again: whatever differs is told (rules.md).

Pure: everything it rests on lies in the record itself, so it can be taken again when the register is long gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from rules.rulesets.comparisons import FactKey
from rules.rulesets.conditions import Condition
from rules.rulesets.decision import Decision, Position, condition_named, decide, unless_muted
from rules.rulesets.evaluation import Bitmap
from rules.rulesets.explanation import LeafExplanation, Span, Wording, explain
from rules.rulesets.messages import SOURCE
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import digest


@dataclass(frozen=True, slots=True)
class Grounds:
    """Everything a decision rests on beside its rule-set version."""

    position: Position
    muted: frozenset[str]
    """Rules whose recommended exit a person has rejected: the next thing that holds is asked instead."""
    metrics: Mapping[MetricKey, int | None]
    facts: Mapping[FactKey, int | None]
    spans: Mapping[MetricKey, Span]
    """The first and the last day behind a metric, for the sentence."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was decided, with the sentence that says why."""

    decision: Decision
    sentence: str
    leaves: tuple[LeafExplanation, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not come out as it was written down."""

    what: str
    recorded: Any
    now: Any


def taken(ruleset: RuleSet, grounds: Grounds) -> Taken:
    """The reference decision on these grounds, explained."""
    muted = unless_muted(
        lambda position: decide(ruleset, position, grounds.metrics, grounds.facts), grounds.position, grounds.muted
    )
    return told(ruleset, grounds, muted)


def told(ruleset: RuleSet, grounds: Grounds, decision: Decision, language: str = SOURCE) -> Taken:
    """A decision, by whichever engine, with its words."""
    tree = explained_by(ruleset, grounds.position, decision)
    if tree is None:
        return Taken(decision, "")
    leaves = explain(tree, grounds.metrics, grounds.facts, Wording(language, grounds.spans))
    return Taken(decision, sentence(leaves), leaves)


def sentence(found: tuple[LeafExplanation, ...]) -> str:
    """The leaves that hold, in words; if none does, how far away each is. Never a code or a reason."""
    holding = [leaf.sentence for leaf in found if leaf.truth]
    return "; ".join(dict.fromkeys(holding or [leaf.sentence for leaf in found]))


def explained_by(ruleset: RuleSet, position: Position, decision: Decision) -> Condition | None:
    """The condition that decided; while nothing does, that of the stage which would come next."""
    if decision.by is not None:
        return condition_named(ruleset, (decision.by,))
    after = position.stage_index + 1
    return ruleset.condition_of(ruleset.stages[after]) if after < len(ruleset.stages) else None


_COMPARED: Final = ("action", "stage", "by", "fired", "held_back")


def differences(ruleset: RuleSet, named: str, grounds: Grounds, recorded: Taken) -> tuple[Difference, ...]:
    """What comes out otherwise than recorded, the rule set's own digest first; none is how it must be."""
    now = taken(ruleset, grounds)
    pairs: list[tuple[str, Any, Any]] = [("digest", named, digest(ruleset))]
    pairs += [(name, getattr(recorded.decision, name), getattr(now.decision, name)) for name in _COMPARED]
    pairs += [(name, *_bits(name, recorded.decision.leaves, now.decision.leaves)) for name in ("true", "known")]
    pairs.append(("sentence", recorded.sentence, now.sentence))
    return tuple(Difference(what, before, after) for what, before, after in pairs if before != after)


def _bits(name: str, recorded: Bitmap, now: Bitmap) -> tuple[str, str]:
    return getattr(recorded, name), getattr(now, name)


def day_span(texts: list[str]) -> Span:
    """Two dates as they are stored."""
    first, last = map(date.fromisoformat, texts)
    return first, last
