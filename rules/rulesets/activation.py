"""What keeps a well-formed rule set from becoming active: steps and leaves that nothing carries out or records yet."""

from collections.abc import Iterator
from typing import Final

from rules.duties.words import RegisterEvent
from rules.ladder.stages import StageType
from rules.rulesets.conditions import leaves
from rules.rulesets.model import RuleSet
from rules.rulesets.problems import Flaw, Problem
from rules.rulesets.progress_leaves import PROGRESS_LEAVES

LATER: Final = frozenset({StageType.NOTICE, StageType.REFERRAL})


def activation_problems(ruleset: RuleSet) -> Iterator[Problem]:
    """What must go before the version may be activated."""
    for at, stage in enumerate(ruleset.stages):
        if stage.type in LATER:
            wrong = f"{stage.type} steps are not carried out yet (later)"
            yield Problem.at(f"stages[{at}].type", Flaw.NOT_BUILT, wrong, "leave the stage out")
    yield from _unheard(ruleset)
    yield from _unconfirmed(ruleset)
    yield from _without_data(ruleset)


def _unheard(ruleset: RuleSet) -> Iterator[Problem]:
    """Duties that wait for an event nobody records: they would never arise."""
    known = [event.value for event in RegisterEvent]
    for at, duty in enumerate(ruleset.duties):
        if duty.on_event is not None and duty.on_event not in known:
            wrong = f"no event of the register is called {duty.on_event!r}"
            yield Problem.at(f"duties[{at}].on_event", Flaw.UNKNOWN_EVENT, wrong, f"use one of: {', '.join(known)}")


def _unconfirmed(ruleset: RuleSet) -> Iterator[Problem]:
    """Law whose first day nobody has checked: to look at and to try out, never to act on."""
    for at, item in enumerate(ruleset.verify):
        if item.holds_up:
            wrong = f"{item.key} is not confirmed: {item.note}"
            remedy = "confirm it by an override with the source you read"
            yield Problem.at(f"verify[{at}]", Flaw.UNCONFIRMED, wrong, remedy)


def _without_data(ruleset: RuleSet) -> Iterator[Problem]:
    """Leaves that nothing is recorded for yet: they would stay unknown for ever."""
    for place, tree in ruleset.conditions():
        for name in sorted({type(leaf).__name__ for leaf in leaves(tree) if isinstance(leaf, PROGRESS_LEAVES)}):
            yield Problem.at(place, Flaw.NOT_BUILT, f"{name} has nothing recorded to go by yet (later)", "leave it out")
