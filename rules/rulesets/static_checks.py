"""Static checks: what is wrong with a rule set whoever the student is (rules.md, Governance)."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rules.ladder.stages import StageType
from rules.rulesets.case_leaves import ProtectedStatus
from rules.rulesets.comparisons import FactKey, FactName
from rules.rulesets.conditions import AllOf, Condition, NotOf, children
from rules.rulesets.describing import described
from rules.rulesets.law import LAW
from rules.rulesets.metrics import Measure, MetricKey
from rules.rulesets.model import RuleSet, StageRule, StopRule, Waiver
from rules.rulesets.parameters import epoch_day
from rules.rulesets.problems import Flaw, Problem
from rules.rulesets.reasoning import Domains, Interval, always_holds, between, can_hold, implies

LEGAL_STEPS: Final = frozenset({StageType.NOTICE, StageType.REFERRAL})
NEVER_WAIVED: Final = frozenset({Flaw.CARE_FLAG})
"""Safeguards bind whatever reason is given."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, and the waiver that lets it stand, if one does."""

    problem: Problem
    waiver: Waiver | None


def static_problems(ruleset: RuleSet) -> Iterator[Problem]:
    """What stands in the way of approval: every finding that is not waived."""
    return (finding.problem for finding in findings(ruleset) if finding.waiver is None)


def findings(ruleset: RuleSet) -> Iterator[Finding]:
    """Every finding in document order of its kind; a waiver names the flaw, and perhaps the stage."""
    for problem in _found(ruleset):
        fitting = (waiver for waiver in ruleset.waivers if _waives(ruleset, waiver, problem))
        yield Finding(problem, next(fitting, None))


def _waives(ruleset: RuleSet, waiver: Waiver, problem: Problem) -> bool:
    if waiver.check != problem.flaw or problem.flaw in NEVER_WAIVED:
        return False
    within = problem.steps[:1] == ("stages",)
    return waiver.stage is None or (within and ruleset.stages[int(problem.steps[1])].key == waiver.stage)


def _found(ruleset: RuleSet) -> Iterator[Problem]:
    domains = _domains(ruleset)
    yield from _impossible(ruleset, domains)
    yield from _unreachable(ruleset, domains)
    yield from _easier(ruleset, domains)
    yield from _covering(ruleset, domains)
    yield from _care_flags(ruleset)
    yield from _uncited(ruleset)


def _domains(ruleset: RuleSet) -> Domains:
    """What the scope and the dates of the rule set leave to its quantities."""
    known: dict[Hashable, Interval] = {}
    if ruleset.scope.ages is not None:
        known[FactKey(FactName.AGE)] = between(*ruleset.scope.ages)
    first, last = (None if day is None else epoch_day(day) for day in (ruleset.effective_from, ruleset.effective_to))
    known[MetricKey(Measure.EVALUATION_DAY)] = between(first, last)
    return known


def _impossible(ruleset: RuleSet, domains: Domains) -> Iterator[Problem]:
    for place, tree in ruleset.conditions():
        said = described(tree)
        if not can_hold(tree):
            wrong = f"contradicts itself, nobody could ever meet all of: {said}"
            yield Problem.at(place, Flaw.CONTRADICTION, wrong, "take away one of the sides that clash")
        elif not can_hold(tree, domains):
            wrong = f"can never hold: {said}"
            yield Problem.at(place, Flaw.NEVER_FIRES, wrong, "mend the threshold, or the rule set's ages and dates")
        elif always_holds(tree, domains):
            yield Problem.at(place, Flaw.ALWAYS_TRUE, f"holds for everybody: {said}", "ask for something")


def _unreachable(ruleset: RuleSet, domains: Domains) -> Iterator[Problem]:
    """Stages whose condition could hold, but never together with the built-in conditions of entering them."""
    for at, stage in enumerate(ruleset.stages):
        tree, guards = ruleset.condition_of(stage), ruleset.guards(stage)
        if can_hold(tree, domains) and not can_hold(AllOf(children=(tree, *guards)), domains):
            asked = ", and ".join(map(described, guards))
            wrong = f"can never be entered: {described(tree)}, while every later stage also asks for {asked}"
            yield Problem.at(_of_stage(at, stage), Flaw.NEVER_FIRES, wrong, "change the condition")


def _easier(ruleset: RuleSet, domains: Domains) -> Iterator[Problem]:
    for at, (before, stage) in enumerate(zip(ruleset.stages, ruleset.stages[1:], strict=False), 1):
        lower, higher = ruleset.condition_of(before), ruleset.condition_of(stage)
        if not can_hold(lower, domains) or not implies(lower, higher, domains) or implies(higher, lower, domains):
            continue
        wrong = f"is easier than the stage before it: {described(higher)}, where {before.key} asks: {described(lower)}"
        yield Problem.at(_of_stage(at, stage), Flaw.EASIER_RUNG, wrong, "ask for as much as the stage before, or more")


def _of_stage(at: int, stage: StageRule) -> str:
    return f"stages[{at}]" if stage.when is None else f"stages[{at}].when"


def _covering(ruleset: RuleSet, domains: Domains) -> Iterator[Problem]:
    """Stops that hold whenever a step is due: the step would be taken and the case ended at once."""
    for at, stage in enumerate(ruleset.stages):
        own = {f"stage {stage.key}": ruleset.condition_of(stage)}
        for i, rule in enumerate(stage.stop):
            yield from _covers(f"stages[{at}].stop[{i}].when", rule, own, domains)
    due = {"entry": ruleset.entry}
    due |= {f"stage {stage.key}": stage.when for stage in ruleset.stages if stage.when is not None}
    for i, rule in enumerate(ruleset.stop):
        yield from _covers(f"stop[{i}].when", rule, due, domains)


def _covers(place: str, rule: StopRule, due: Mapping[str, Condition], domains: Domains) -> Iterator[Problem]:
    for name, tree in due.items():
        if can_hold(tree, domains) and implies(tree, rule.when, domains):
            wrong = f"holds whenever {name} does, so that every case it starts ends at once: {described(rule.when)}"
            yield Problem.at(place, Flaw.STOP_COVERS, wrong, "let it hold only once something has changed")
            return


def _care_flags(ruleset: RuleSet) -> Iterator[Problem]:
    for place, tree in ruleset.conditions():
        if place.startswith(("watch", "duties")):
            continue
        ends_the_case = place.startswith("stop") or ".stop[" in place
        if care_flag_used(tree, where_true=not ends_the_case):
            wrong = "a care flag may block, slow or redirect, never start or harden a step"
            yield Problem.at(place, Flaw.CARE_FLAG, wrong, "use it under 'not'")


def care_flag_used(tree: Condition, *, where_true: bool) -> bool:
    """Whether a care flag being set can help to make the tree true (or, `where_true` off, false)."""
    if isinstance(tree, ProtectedStatus):
        return where_true
    return any(care_flag_used(child, where_true=where_true is not isinstance(tree, NotOf)) for child in children(tree))


def _uncited(ruleset: RuleSet) -> Iterator[Problem]:
    if any(citation.authority in LAW for citation in ruleset.citations):
        return
    for at, stage in enumerate(ruleset.stages):
        if (stage.statutory or stage.type in LEGAL_STEPS) and stage.cite is None:
            wrong = "looks like a step of law and cites none"
            yield Problem.at(f"stages[{at}]", Flaw.NO_CITATION, wrong, "cite the law with its source and date")
