"""What keeps a well-formed rule set from becoming active: what a step lacks, and what nothing records yet."""

from collections.abc import Iterator
from typing import Final

from rules.duties.words import RegisterEvent
from rules.ladder.stages import LEADERS, StageType
from rules.rulesets.conditions import leaves
from rules.rulesets.model import RuleSet, StageRule
from rules.rulesets.problems import Flaw, Problem
from rules.rulesets.progress_leaves import PROGRESS_LEAVES

REFERRED: Final = ("recipient", "referred_to")


def activation_problems(ruleset: RuleSet) -> Iterator[Problem]:
    """What must go before the version may be activated."""
    yield from _notices(ruleset)
    yield from _referrals(ruleset)
    yield from _unheard(ruleset)
    yield from _unconfirmed(ruleset)
    yield from _without_data(ruleset)


def _notices(ruleset: RuleSet) -> Iterator[Problem]:
    """A notice says for how long it runs and what improvement is sufficient; nothing else has a period."""
    for at, stage in enumerate(ruleset.stages):
        if stage.type is not StageType.NOTICE:
            if stage.period_school_weeks is not None:
                wrong = f"is for notices only, this is a {stage.type}"
                yield Problem.at(f"stages[{at}].period_school_weeks", Flaw.CONFLICT, wrong, "leave it out")
            continue
        if stage.period_school_weeks is None:
            remedy = "say for how many school weeks the notice runs"
            yield Problem.at(f"stages[{at}].period_school_weeks", Flaw.MISSING, "is missing", remedy)
        if not any(rule.then == "EXIT_REVIEW" for rule in stage.stop):
            wrong = "does not say what sufficient improvement is"
            yield Problem.at(f"stages[{at}].stop", Flaw.MISSING, wrong, "add a stop that leads to the exit review")
        yield from _unsaid(at, stage)


def _unsaid(at: int, stage: StageRule) -> Iterator[Problem]:
    """What a notice tells the family is said in its words, not in the rule's."""
    silent = [f"stop[{i}]" for i, one in enumerate(stage.stop) if one.then == "EXIT_REVIEW" and one.says is None]
    silent += [f"escalate[{i}]" for i, one in enumerate(stage.escalate) if one.says is None]
    for place in silent:
        remedy = "say it in words that a family reads"
        yield Problem.at(f"stages[{at}].{place}.says", Flaw.MISSING, "is missing", remedy)


def _referrals(ruleset: RuleSet) -> Iterator[Problem]:
    """A referral says to whom it goes, and a leader agrees to it; nothing else goes to anybody outside."""
    for at, stage in enumerate(ruleset.stages):
        if stage.type is not StageType.REFERRAL:
            for name in sorted(stage.model_fields_set.intersection(REFERRED)):
                wrong = f"is for referrals only, this is a {stage.type}"
                yield Problem.at(f"stages[{at}].{name}", Flaw.CONFLICT, wrong, "leave it out")
            continue
        if stage.recipient is None:
            yield Problem.at(f"stages[{at}].recipient", Flaw.MISSING, "is missing", "say to whom the referral goes")
        if stage.approval not in LEADERS:
            wrong = f"is {stage.approval}, but a leader agrees to a referral"
            yield Problem.at(f"stages[{at}].approval", Flaw.CONFLICT, wrong, "use LEADER or DISTRICT")


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
