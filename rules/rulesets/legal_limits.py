"""What a tenant's layer may not do to a pack of law: start against a family sooner, or do less than the law asks."""

from collections.abc import Iterator
from typing import Final

from rules.ladder.stages import Approval
from rules.rulesets.conditions import Condition
from rules.rulesets.describing import described
from rules.rulesets.model import RuleSet, StageRule
from rules.rulesets.reasoning import implies
from rules.rulesets.static_checks import LEGAL_STEPS

Found = Iterator[tuple[str, str]]
_RANK: Final = {approval: rank for rank, approval in enumerate(Approval)}


def looser(pack: RuleSet, content: RuleSet) -> Found:
    """Every place of a layer, as an override names it, where the law is made looser, and what is wrong there."""
    yield from _steps(pack, content)
    yield from _duties(pack, content)
    yield from _watches(pack, content)


def _steps(pack: RuleSet, content: RuleSet) -> Found:
    for before in pack.stages:
        if not legal(before):
            continue
        after = content.stages[content.index_of(before.key)]
        at = "entry" if after.when is None else f"stages/{before.key}/when"
        if not _within(content.condition_of(after), pack.condition_of(before)):
            wrong = (
                f"{before.key} would be taken where the law does not allow it yet; {_law(pack.condition_of(before))}"
            )
            yield at, wrong
        if after.wait_school_days < before.wait_school_days:
            wait = f"{before.key} gives the family {before.wait_school_days} school days, not fewer"
            yield f"stages/{before.key}/wait_school_days", wait
        if (after.period_school_weeks or 0) < (before.period_school_weeks or 0):
            period = f"{before.key} gives the family {before.period_school_weeks} school weeks, not fewer"
            yield f"stages/{before.key}/period_school_weeks", period
        if _RANK[after.approval] < _RANK[before.approval]:
            yield f"stages/{before.key}/approval", f"{before.key} is a step of law: {before.approval} agrees, or higher"


def legal(stage: StageRule) -> bool:
    """Whether a stage is a step of law against or towards a family."""
    return stage.statutory or stage.type in LEGAL_STEPS


def _duties(pack: RuleSet, content: RuleSet) -> Found:
    now = {duty.key: duty for duty in content.duties}
    renamed = {item.names for item in pack.verify} - {item.names for item in content.verify}
    for before in pack.duties:
        after = now[before.key]
        if before.key not in renamed:
            yield from _of_a_duty(before.key, before.effect, before.when, after.when)
        if after.deadline.n > before.deadline.n:
            said = f"the duty {before.key} is due within {before.deadline.n} {before.deadline.unit}, not later"
            yield f"duties/{before.key}/deadline/n", said


def _of_a_duty(key: str, effect: str, before: Condition | None, after: Condition | None) -> Found:
    """What opens by an event has no condition, and gets none: a rule set refuses both."""
    if before is not None and after is not None and not _as_much(effect, before, after):
        yield f"duties/{key}/when", f"the duty {key} would not be what the law asks; {_law(before)}"


def _as_much(effect: str, before: Condition, after: Condition) -> bool:
    """A report is made when the law says, no sooner; a task or a block may come sooner, never later."""
    return _within(before, after) and (effect != "REPORT" or _within(after, before))


def _watches(pack: RuleSet, content: RuleSet) -> Found:
    now = {watch.key: watch for watch in content.watch}
    for before in pack.watch:
        if before.authority != "policy" and now[before.key].when != before.when:
            yield f"watch/{before.key}/when", f"{before.key} is defined by its source; {_law(before.when)}"


def _within(narrow: Condition, wide: Condition) -> bool:
    """Whether one holds only where the other does; what cannot be shown is not taken."""
    return narrow == wide or implies(narrow, wide)


def _law(when: Condition) -> str:
    return f"it says: {described(when)}"
