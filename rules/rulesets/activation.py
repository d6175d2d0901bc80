"""What keeps a well-formed rule set from becoming active: steps not built yet, and care flags used against a child."""

from collections.abc import Iterator
from typing import Final

from rules.ladder.stages import StageType
from rules.rulesets.case_leaves import ProtectedStatus
from rules.rulesets.conditions import Condition, NotOf, children
from rules.rulesets.model import RuleSet
from rules.rulesets.problems import Flaw, Problem

LATER: Final = frozenset({StageType.PLAN, StageType.NOTICE, StageType.REFERRAL})


def activation_problems(ruleset: RuleSet) -> Iterator[Problem]:
    """What must go before the version may be activated."""
    for at, stage in enumerate(ruleset.stages):
        if stage.type in LATER:
            wrong = f"{stage.type} steps are not carried out yet (later)"
            yield Problem.at(f"stages[{at}].type", Flaw.NOT_BUILT, wrong, "leave the stage out")
    if ruleset.duties:
        yield Problem.at("duties", Flaw.NOT_BUILT, "duties are not carried out yet (later)", "leave them out")
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
