"""What a case does next: stop before escalate before advance, one rung at most, unknown never decides."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from rules.rulesets.conditions import Condition
from rules.rulesets.evaluation import Bitmap, Metrics, evaluate
from rules.rulesets.facts import NO_FACTS, Facts
from rules.rulesets.guards import PREVIOUS_STEP_REACHED
from rules.rulesets.model import EscalateRule, RuleSet, StopRule


class Action(StrEnum):
    """The five outcomes."""

    WAIT = "WAIT"
    ADVANCE = "ADVANCE"
    STOP = "STOP"
    ESCALATE = "ESCALATE"
    EXIT_REVIEW = "EXIT_REVIEW"


BEFORE_THE_LADDER: Final = -1
NO_BITS: Final = Bitmap("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a case stands, and what of it conditions do not know."""

    stage_index: int = BEFORE_THE_LADDER
    wait_elapsed: bool = True
    previous_reached: bool = False
    """The last step reached somebody; asked from the second stage on."""
    exit_review_suppressed: bool = False
    """A person rejected this recommendation and it may not return yet (ladder.md)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome with everything that led to it."""

    action: Action
    stage: str | None = None
    """Key of the stage to enter."""
    by: str | None = None
    """The deciding rule: the first in rule-set order among those that hold."""
    fired: tuple[str, ...] = ()
    """Every condition that holds and applies here, in rule-set order: `stop:improved`, `stage:letter-1`."""
    held_back: tuple[str, ...] = ()
    """Why the next stage was not entered: `wait`, `condition`, or the name of a built-in check."""
    leaves: Bitmap = NO_BITS


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition of a rule set by the name it fires under; `stage_index` limits a stage's own list."""

    name: str
    when: Condition
    stage_index: int | None = None
    stop: StopRule | None = None
    escalate: EscalateRule | None = None

    def applies_at(self, stage_index: int) -> bool:
        return self.stage_index is None or self.stage_index == stage_index


def rules_of(ruleset: RuleSet) -> tuple[Rule, ...]:
    """Every deciding condition, a stage's own lists before the rule set's, stops before escalations before stages."""
    return (*_stops(ruleset), *_escalations(ruleset), *_entries(ruleset))


def _stops(ruleset: RuleSet) -> Iterator[Rule]:
    for at, stage in enumerate(ruleset.stages):
        yield from (Rule(f"stop:{rule.key}", ruleset.to_stop(stage, rule), at, stop=rule) for rule in stage.stop)
    yield from (Rule(f"stop:{rule.key}", rule.when, stop=rule) for rule in ruleset.stop)


def _escalations(ruleset: RuleSet) -> Iterator[Rule]:
    for at, stage in enumerate(ruleset.stages):
        yield from (
            Rule(f"escalate:{rule.key}", ruleset.to_escalate(rule), at, escalate=rule) for rule in stage.escalate
        )
    yield from (Rule(f"escalate:{rule.key}", ruleset.to_escalate(rule), escalate=rule) for rule in ruleset.escalate)


def _entries(ruleset: RuleSet) -> Iterator[Rule]:
    for stage in ruleset.stages:
        yield Rule(f"stage:{stage.key}", ruleset.condition_of(stage))


RELAPSE: Final = "follow_up:relapse"


def condition_named(ruleset: RuleSet, fired: Collection[str]) -> Condition | None:
    """The condition of the first rule, or of the relapse, that is among those that fired."""
    named = [*((rule.name, rule.when) for rule in rules_of(ruleset)), (RELAPSE, ruleset.follow_up.relapse)]
    return next((when for name, when in named if name in fired), None)


def decide(ruleset: RuleSet, position: Position, metrics: Metrics, facts: Facts = NO_FACTS) -> Decision:
    """The reference decision for one student on one day."""
    here = [rule for rule in rules_of(ruleset) if rule.applies_at(position.stage_index)]
    fired = [rule for rule in here if evaluate(rule.when, metrics, facts) is True]
    action, stage, by = _outcome(ruleset, position, fired)
    held_back = () if action is not Action.WAIT else tuple(why_held_back(ruleset, position, metrics, facts))
    if action is Action.WAIT and not held_back:
        target = ruleset.stages[position.stage_index + 1].key
        action, stage, by = Action.ADVANCE, target, f"stage:{target}"
    bits = Bitmap.of(ruleset.metric_leaves(), metrics)
    return Decision(action, stage, by, tuple(rule.name for rule in fired), held_back, bits)


def unless_muted(ask: Callable[[Position], Decision], position: Position, muted: Collection[str]) -> Decision:
    """A rejected exit stays silent while it is muted: the next thing that holds is asked instead."""
    decided = ask(position)
    if decided.action is Action.EXIT_REVIEW and decided.by in muted:
        return ask(replace(position, exit_review_suppressed=True))
    return decided


def _outcome(ruleset: RuleSet, position: Position, fired: list[Rule]) -> tuple[Action, str | None, str | None]:
    """Stops, then exit review, then escalations; what a person has entered outranks a recommendation."""
    for rule in fired:
        if rule.stop and rule.stop.then == "STOPPED":
            return Action.STOP, None, rule.name
    for rule in fired:
        if rule.stop and rule.stop.then == "EXIT_REVIEW" and not position.exit_review_suppressed:
            return Action.EXIT_REVIEW, None, rule.name
    for rule in fired:
        if rule.escalate and 0 <= position.stage_index < ruleset.index_of(rule.escalate.to):
            return Action.ESCALATE, rule.escalate.to, rule.name
    return Action.WAIT, None, None


END_OF_LADDER: Final = "end_of_ladder"
NO_CONDITION: Final = "condition"
NOT_ELAPSED: Final = "wait"


def why_held_back(ruleset: RuleSet, position: Position, metrics: Metrics, facts: Facts) -> Iterator[str]:
    """Why the next stage may not be entered today."""
    after = position.stage_index + 1
    if after >= len(ruleset.stages):
        yield END_OF_LADDER
        return
    stage = ruleset.stages[after]
    if evaluate(ruleset.condition_of(stage), metrics, facts) is not True:
        yield NO_CONDITION
    if not position.wait_elapsed:
        yield NOT_ELAPSED
    for leaf in ruleset.guards(stage):
        if evaluate(leaf, metrics, facts) is not True:
            yield type(leaf).__name__
    if needs_reached(ruleset, after) and not position.previous_reached:
        yield PREVIOUS_STEP_REACHED


def needs_reached(ruleset: RuleSet, stage_index: int) -> bool:
    """Whether entering a stage asks that the step before it reached somebody."""
    return stage_index > 0 and not ruleset.waived(PREVIOUS_STEP_REACHED, ruleset.stages[stage_index])
