"""What must hold of a rule set as a whole: sizes, keys, targets, and what may never be automatic."""

from collections.abc import Iterator

from rules.ladder.stages import NEVER_AUTO, WRITTEN, Approval
from rules.rulesets.case_leaves import PERSON_ENTERED
from rules.rulesets.clauses import MAX_CLAUSES, MAX_CLAUSES_OF_SET, count_clauses
from rules.rulesets.conditions import MAX_LEAVES_OF_SET, leaves, too_big
from rules.rulesets.model import RuleSet, StopRule
from rules.rulesets.problems import Flaw, Problem


def problems_of(ruleset: RuleSet) -> Iterator[Problem]:
    """What keeps a document that reads well from being a rule set."""
    yield from _sizes(ruleset)
    yield from _repeats(ruleset)
    yield from _stages(ruleset)
    yield from _targets(ruleset)
    if ruleset.effective_from and ruleset.effective_to and ruleset.effective_to < ruleset.effective_from:
        yield Problem.at("effective_to", Flaw.CONFLICT, "is before effective_from", "swap them")
    if ruleset.scope.ages and ruleset.scope.ages[1] < ruleset.scope.ages[0]:
        yield Problem.at("scope.ages", Flaw.CONFLICT, "the oldest is younger than the youngest: nobody", "swap them")
    yield from _duties(ruleset)


def _duties(ruleset: RuleSet) -> Iterator[Problem]:
    held = ((f"verify[{at}].duty", item.duty) for at, item in enumerate(ruleset.verify) if item.duty is not None)
    for place, duty in (*((f"duties[{at}]", duty) for at, duty in enumerate(ruleset.duties)), *held):
        if (duty.when is None) is (duty.on_event is None):
            wrong = "has both 'when' and 'on_event'" if duty.when else "has neither 'when' nor 'on_event'"
            yield Problem.at(place, Flaw.CONFLICT, wrong, "give either 'when' or 'on_event'")
    for at, item in enumerate(ruleset.verify):
        if sum(part is not None for part in (item.duty, item.watch, item.effective_from)) > 1:
            wrong = "holds more than one thing to confirm"
            yield Problem.at(f"verify[{at}]", Flaw.CONFLICT, wrong, "give each its own entry")


def _sizes(ruleset: RuleSet) -> Iterator[Problem]:
    total = 0
    for place, tree in ruleset.dormant():
        if found := too_big(tree):
            yield Problem.at(place, *found)
    for place, tree in ruleset.conditions():
        counted = None if too_big(tree) else count_clauses(tree)
        total += counted or 0
        if counted is None:
            yield Problem.at(place, *(too_big(tree) or _large(f"more than {MAX_CLAUSES} alternatives")))
    if total > MAX_CLAUSES_OF_SET:
        yield Problem.at("entry", *_large(f"the rule set has {total} alternatives, at most {MAX_CLAUSES_OF_SET}"))
    elif (many := len(ruleset.leaf_index())) > MAX_LEAVES_OF_SET:
        yield Problem.at("entry", *_large(f"the rule set has {many} different leaves, at most {MAX_LEAVES_OF_SET}"))


def _large(wrong: str) -> tuple[Flaw, str, str]:
    return Flaw.TOO_LARGE, wrong, "simplify it"


def _repeats(ruleset: RuleSet) -> Iterator[Problem]:
    lists: dict[str, list[str]] = {
        "stages": [stage.key for stage in ruleset.stages],
        "stop": [rule.key for stage in ruleset.stages for rule in stage.stop] + [rule.key for rule in ruleset.stop],
        "escalate": [rule.key for stage in ruleset.stages for rule in stage.escalate]
        + [rule.key for rule in ruleset.escalate],
        "duties": [duty.key for duty in ruleset.duties],
        "watch": [watch.key for watch in ruleset.watch],
        "verify": [item.key for item in ruleset.verify],
    }
    for name, keys in lists.items():
        if repeated := sorted({key for key in keys if keys.count(key) > 1}):
            yield Problem.at(name, Flaw.REPEATED_KEY, f"key {repeated[0]!r} is used twice", "give each its own")


def _stages(ruleset: RuleSet) -> Iterator[Problem]:
    for at, stage in enumerate(ruleset.stages):
        if stage.type in WRITTEN and stage.template is None:
            yield Problem.at(f"stages[{at}].template", Flaw.MISSING, "is missing", "name the letter template")
        if stage.approval is Approval.AUTO and (stage.statutory or stage.type in NEVER_AUTO):
            wrong = "is AUTO, but statutory and escalating steps need a person"
            yield Problem.at(f"stages[{at}].approval", Flaw.NEEDS_A_PERSON, wrong, "use LEADER")


def _targets(ruleset: RuleSet) -> Iterator[Problem]:
    for at, stage in enumerate(ruleset.stages):
        for i, rule in enumerate(stage.escalate):
            if ruleset.index_of(rule.to) <= at:
                wrong = f"no later stage has the key {rule.to!r}"
                yield Problem.at(
                    f"stages[{at}].escalate[{i}].to", Flaw.UNKNOWN_STAGE, wrong, "name one after this stage"
                )
        yield from _stop_problems(f"stages[{at}].stop", stage.stop)
    for i, rule in enumerate(ruleset.escalate):
        if ruleset.index_of(rule.to) < 1:
            wrong = f"no stage after the first has the key {rule.to!r}"
            yield Problem.at(f"escalate[{i}].to", Flaw.UNKNOWN_STAGE, wrong, "name one of those")
    yield from _stop_problems("stop", ruleset.stop)
    yield from _unknown_stages(ruleset)


def _unknown_stages(ruleset: RuleSet) -> Iterator[Problem]:
    named = {"follow_up.relapse_to": ruleset.follow_up.relapse_to}
    named |= {f"waivers[{i}].stage": waiver.stage for i, waiver in enumerate(ruleset.waivers)}
    named |= {f"tests[{i}].at_stage": test.at_stage for i, test in enumerate(ruleset.tests)}
    for place, key in named.items():
        if key is not None and ruleset.index_of(key) < 0:
            yield Problem.at(place, Flaw.UNKNOWN_STAGE, f"no stage has the key {key!r}", "name one that is there")


def _stop_problems(place: str, rules: tuple[StopRule, ...]) -> Iterator[Problem]:
    for i, rule in enumerate(rules):
        if rule.then == "STOPPED" and not all(isinstance(leaf, PERSON_ENTERED) for leaf in leaves(rule.when)):
            wrong = "STOPPED is for facts a person has entered"
            yield Problem.at(f"{place}[{i}].then", Flaw.NEEDS_A_PERSON, wrong, "use EXIT_REVIEW")
