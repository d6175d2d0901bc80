"""What must hold of a rule set as a whole: sizes, keys, targets, and what may never be automatic."""

from collections.abc import Iterator

from rules.ladder.stages import NEVER_AUTO, Approval, StageType
from rules.rulesets.case_leaves import PERSON_ENTERED
from rules.rulesets.clauses import MAX_CLAUSES, MAX_CLAUSES_OF_SET, count_clauses
from rules.rulesets.conditions import MAX_LEAVES_OF_SET, leaves, too_big
from rules.rulesets.model import RuleSet, StopRule


def problems_of(ruleset: RuleSet) -> Iterator[tuple[str, str]]:
    """Place -> what to do."""
    yield from _sizes(ruleset)
    yield from _repeats(ruleset)
    yield from _stages(ruleset)
    yield from _targets(ruleset)
    if ruleset.effective_from and ruleset.effective_to and ruleset.effective_to < ruleset.effective_from:
        yield "effective_to", "is before effective_from: swap them"
    for at, duty in enumerate(ruleset.duties):
        if (duty.when is None) is (duty.on_event is None):
            yield f"duties[{at}]", "give either 'when' or 'on_event'"


def _sizes(ruleset: RuleSet) -> Iterator[tuple[str, str]]:
    total = 0
    for place, tree in ruleset.conditions():
        counted = None if too_big(tree) else count_clauses(tree)
        total += counted or 0
        if counted is None:
            yield place, too_big(tree) or f"more than {MAX_CLAUSES} alternatives: simplify it"
    if total > MAX_CLAUSES_OF_SET:
        yield "entry", f"the rule set has {total} alternatives, at most {MAX_CLAUSES_OF_SET}: simplify it"
    elif (many := len(ruleset.leaf_index())) > MAX_LEAVES_OF_SET:
        yield "entry", f"the rule set has {many} different leaves, at most {MAX_LEAVES_OF_SET}: simplify it"


def _repeats(ruleset: RuleSet) -> Iterator[tuple[str, str]]:
    lists: dict[str, list[str]] = {
        "stages": [stage.key for stage in ruleset.stages],
        "stop": [rule.key for stage in ruleset.stages for rule in stage.stop] + [rule.key for rule in ruleset.stop],
        "escalate": [rule.key for stage in ruleset.stages for rule in stage.escalate]
        + [rule.key for rule in ruleset.escalate],
        "duties": [duty.key for duty in ruleset.duties],
        "watch": [watch.key for watch in ruleset.watch],
    }
    for name, keys in lists.items():
        if repeated := sorted({key for key in keys if keys.count(key) > 1}):
            yield name, f"key {repeated[0]!r} is used twice: give each its own"


def _stages(ruleset: RuleSet) -> Iterator[tuple[str, str]]:
    for at, stage in enumerate(ruleset.stages):
        if stage.type in {StageType.LETTER, StageType.NOTICE} and stage.template is None:
            yield f"stages[{at}].template", "is missing: name the letter template"
        if stage.approval is Approval.AUTO and (stage.statutory or stage.type in NEVER_AUTO):
            yield f"stages[{at}].approval", "is AUTO, but statutory and escalating steps need a person: use LEADER"


def _targets(ruleset: RuleSet) -> Iterator[tuple[str, str]]:
    for at, stage in enumerate(ruleset.stages):
        for i, rule in enumerate(stage.escalate):
            if ruleset.index_of(rule.to) <= at:
                yield f"stages[{at}].escalate[{i}].to", f"no later stage has the key {rule.to!r}"
        yield from _stop_problems(f"stages[{at}].stop", stage.stop)
    for i, rule in enumerate(ruleset.escalate):
        if ruleset.index_of(rule.to) < 1:
            yield f"escalate[{i}].to", f"no stage after the first has the key {rule.to!r}"
    yield from _stop_problems("stop", ruleset.stop)
    yield from _unknown_stages(ruleset)


def _unknown_stages(ruleset: RuleSet) -> Iterator[tuple[str, str]]:
    named = {"follow_up.relapse_to": ruleset.follow_up.relapse_to}
    named |= {f"waivers[{i}].stage": waiver.stage for i, waiver in enumerate(ruleset.waivers)}
    named |= {f"tests[{i}].at_stage": test.at_stage for i, test in enumerate(ruleset.tests)}
    for place, key in named.items():
        if key is not None and ruleset.index_of(key) < 0:
            yield place, f"no stage has the key {key!r}"


def _stop_problems(place: str, rules: tuple[StopRule, ...]) -> Iterator[tuple[str, str]]:
    for i, rule in enumerate(rules):
        if rule.then == "STOPPED" and not all(isinstance(leaf, PERSON_ENTERED) for leaf in leaves(rule.when)):
            yield f"{place}[{i}].then", "STOPPED is for facts a person has entered: use EXIT_REVIEW"
