"""What-if for one student: the steps a rule set would have taken, day by day, by the reference forms.

Every step counts as approved, taken and delivered on the day it is proposed; a recommended exit as confirmed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from rules.attendance.history import History
from rules.rulesets.conditions import Condition
from rules.rulesets.decision import BEFORE_THE_LADDER, Action, Decision, Position, decide, rules_of
from rules.rulesets.evaluation import Metrics, evaluate
from rules.rulesets.facts import CaseFacts
from rules.rulesets.measuring import measures
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import RuleSet
from rules.school_calendar import monday_of

ASSESSABLE_SESSIONS: Final = 4
FactsOn = Callable[[date, int | None], CaseFacts]


class Happened(StrEnum):
    """What a simulated day brought."""

    STEP = "STEP"
    ESCALATED = "ESCALATED"
    STOPPED = "STOPPED"
    EXIT = "EXIT"
    RELAPSE = "RELAPSE"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True, slots=True)
class SimulatedStep:
    """One thing that would have happened, and what it rested on."""

    on: date
    what: Happened
    stage: str | None
    by: str | None
    fired: tuple[str, ...]
    condition: Condition | None
    metrics: Metrics
    facts: CaseFacts
    since: date | None


@dataclass(frozen=True, slots=True)
class _Walk:
    """Where the simulated case stands. `may_open`: entry was false since the last walk began."""

    open: bool = False
    index: int = BEFORE_THE_LADDER
    step_on: date | None = None
    wait_until: date | None = None
    left_on: date | None = None
    weeks: int = 0
    may_open: bool = True


@dataclass(frozen=True, slots=True)
class _Day:
    """One day's measurements."""

    on: date
    metrics: dict[MetricKey, int | None]
    facts: CaseFacts


def everybody(_on: date) -> bool:
    """No scope."""
    return True


def simulate(
    ruleset: RuleSet,
    history: History,
    facts_on: FactsOn,
    span: tuple[date, date],
    in_scope: Callable[[date], bool] = everybody,
) -> list[SimulatedStep]:
    """Every step between two days, both inclusive; the register is taken as it is known now.

    Outside the scope nothing starts; a case that is open goes on, as every case keeps to its version.
    """
    steps: list[SimulatedStep] = []
    walk = _Walk()
    for on in (day for day in history.calendar.open_days if span[0] <= day <= span[1]):
        if not walk.open and not in_scope(on):
            continue
        day = measured(ruleset, history, facts_on, on, walk.step_on)
        walk, found = _next(ruleset, history, walk, day)
        if found is not None:
            steps.append(found)
    return steps


def measured(ruleset: RuleSet, history: History, facts_on: FactsOn, on: date, since: date | None) -> _Day:
    """All metrics and facts of a day; `since` is the day of the last step."""
    age = None if since is None else history.calendar.count(since, on)
    return _Day(on, measures(history, ruleset.metric_keys(), on, step=since), facts_on(on, age))


def _next(ruleset: RuleSet, history: History, walk: _Walk, day: _Day) -> tuple[_Walk, SimulatedStep | None]:
    if not walk.open:
        return _closed(ruleset, walk, day, history)
    if walk.left_on is not None:
        return _following(ruleset, history, walk, day)
    return _laddered(ruleset, history, walk, day)


def _closed(ruleset: RuleSet, walk: _Walk, day: _Day, history: History) -> tuple[_Walk, SimulatedStep | None]:
    """The start rule: entry true, and false at some run since the last walk began; unknown changes nothing."""
    entered = evaluate(ruleset.entry, day.metrics, day.facts)
    if entered is False:
        return replace(walk, may_open=True), None
    if entered is None or not walk.may_open:
        return walk, None
    return _laddered(ruleset, history, _Walk(open=True, may_open=False), day)


def _laddered(ruleset: RuleSet, history: History, walk: _Walk, day: _Day) -> tuple[_Walk, SimulatedStep | None]:
    waited = walk.wait_until is None or day.on >= walk.wait_until
    position = Position(stage_index=walk.index, wait_elapsed=waited, previous_reached=True)
    found = decide(ruleset, position, day.metrics, day.facts)
    match found.action:
        case Action.ADVANCE | Action.ESCALATE:
            what = Happened.STEP if found.action is Action.ADVANCE else Happened.ESCALATED
            return _stepped(ruleset, history, walk, day, found.stage or ""), _told(ruleset, what, walk, day, found)
        case Action.STOP:
            return _Walk(may_open=False), _told(ruleset, Happened.STOPPED, walk, day, found)
        case Action.EXIT_REVIEW:
            return replace(walk, left_on=day.on), _told(ruleset, Happened.EXIT, walk, day, found)
        case _:
            return walk, None


def _stepped(ruleset: RuleSet, history: History, walk: _Walk, day: _Day, stage: str) -> _Walk:
    index = ruleset.index_of(stage)
    wait = ruleset.stages[index].wait_school_days
    until = history.calendar.after(day.on, wait) if wait else None
    beyond = date.max if wait and until is None else until
    return replace(walk, index=index, step_on=day.on, wait_until=beyond)


def _following(ruleset: RuleSet, history: History, walk: _Walk, day: _Day) -> tuple[_Walk, SimulatedStep | None]:
    """The weekly check on the last school day of each school week after the one that was left in."""
    monday = monday_of(day.on)
    after = history.calendar.next_open(day.on + timedelta(days=1))
    last_of_week = after is None or monday_of(after) > monday
    assert walk.left_on is not None
    possible = sum(session.possible for session in history.between(monday, day.on))
    if monday <= monday_of(walk.left_on) or not last_of_week or possible < ASSESSABLE_SESSIONS:
        return walk, None
    if evaluate(ruleset.follow_up.relapse, day.metrics, day.facts) is True:
        return _relapsed(ruleset, history, walk, day)
    weeks = walk.weeks + 1
    if weeks < ruleset.follow_up.weeks:
        return replace(walk, weeks=weeks), None
    return _Walk(may_open=False), _step(Happened.COMPLETED, day, walk, condition=None)


def _relapsed(ruleset: RuleSet, history: History, walk: _Walk, day: _Day) -> tuple[_Walk, SimulatedStep]:
    stage = ruleset.follow_up.relapse_to or ruleset.stages[max(walk.index, 0)].key
    back = _stepped(ruleset, history, replace(walk, left_on=None, weeks=0), day, stage)
    told = _step(Happened.RELAPSE, day, walk, condition=ruleset.follow_up.relapse)
    return back, replace(told, stage=stage)


def _told(ruleset: RuleSet, what: Happened, walk: _Walk, day: _Day, found: Decision) -> SimulatedStep:
    told = _step(what, day, walk, condition=_condition(ruleset, found))
    return replace(told, stage=found.stage, by=found.by, fired=found.fired)


def _step(what: Happened, day: _Day, walk: _Walk, *, condition: Condition | None) -> SimulatedStep:
    return SimulatedStep(day.on, what, None, None, (), condition, day.metrics, day.facts, walk.step_on)


def _condition(ruleset: RuleSet, found: Decision) -> Condition | None:
    """The condition of the rule that decided."""
    return next((rule.when for rule in rules_of(ruleset) if rule.name == found.by), None)
