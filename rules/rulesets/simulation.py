"""What-if for one student: the steps a rule set would have taken, day by day, by the reference forms.

Every step counts as approved, taken and delivered, and a recommended exit as confirmed, on the day it is proposed or a
set number of school days later; meanwhile nothing else is decided.
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
    LEFT = "LEFT"
    """The student was no longer enrolled: an open case closes, whatever its rules say."""


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
    acts_on: date | None = None
    """The day it is carried out, which a person's approval may put off; None beyond the calendar that is loaded."""


@dataclass(frozen=True, slots=True)
class _Walk:
    """Where the simulated case stands. `may_open`: entry was false since the last walk began. A day that lies beyond
    the calendar is `date.max`.
    """

    open: bool = False
    index: int = BEFORE_THE_LADDER
    step_on: date | None = None
    wait_until: date | None = None
    left_on: date | None = None
    weeks: int = 0
    may_open: bool = True
    acts_on: date = date.min
    """When what was decided last is carried out: nothing is decided until then."""


@dataclass(frozen=True, slots=True)
class _Day:
    """One day's measurements."""

    on: date
    metrics: dict[MetricKey, int | None]
    facts: CaseFacts


def everybody(_on: date) -> bool:
    """No scope."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """What is taken for granted around the rules: who may start, how long people take, when the student left."""

    in_scope: Callable[[date], bool] = everybody
    """Outside it nothing starts; a case that is open goes on, as every case keeps to its version."""
    approval_school_days: int = 0
    enrolled_until: date = date.max


@dataclass(frozen=True, slots=True)
class _Under:
    """What a walk is held against: the rules, the register, and how long people take to approve."""

    ruleset: RuleSet
    history: History
    assumed: Assumed

    def acted(self, on: date) -> date:
        """When something decided on a day is carried out."""
        days = self.assumed.approval_school_days
        return (self.history.calendar.after(on, days) or date.max) if days else on

    def passes_over(self, walk: _Walk, on: date) -> bool:
        """A day on which nothing is asked: outside the scope, or before the last decision is carried out."""
        return on <= walk.acts_on if walk.open else not self.assumed.in_scope(on)


def simulate(
    ruleset: RuleSet, history: History, facts_on: FactsOn, span: tuple[date, date], assumed: Assumed = Assumed()
) -> list[SimulatedStep]:
    """Every step between two days, both inclusive; the register is taken as it is known now."""
    steps: list[SimulatedStep] = []
    walk, under = _Walk(), _Under(ruleset, history, assumed)
    for on in (day for day in history.calendar.open_days if span[0] <= day <= span[1]):
        if on > assumed.enrolled_until:
            return [*steps, _left(on, walk)] if walk.open else steps
        if under.passes_over(walk, on):
            continue
        day = measured(ruleset, history, facts_on, on, walk.step_on)
        walk, found = _next(under, walk, day)
        if found is not None:
            steps.append(found)
    return steps


def _left(on: date, walk: _Walk) -> SimulatedStep:
    nothing = _Day(on, {}, CaseFacts(day=on))
    return replace(_step(Happened.LEFT, nothing, walk, condition=None), acts_on=on)


def measured(ruleset: RuleSet, history: History, facts_on: FactsOn, on: date, since: date | None) -> _Day:
    """All metrics and facts of a day; `since` is the day of the last step."""
    age = None if since is None else history.calendar.count(since, on)
    return _Day(on, measures(history, ruleset.metric_keys(), on, step=since), facts_on(on, age))


def _next(under: _Under, walk: _Walk, day: _Day) -> tuple[_Walk, SimulatedStep | None]:
    if not walk.open:
        return _closed(under, walk, day)
    if walk.left_on is not None:
        return _following(under, walk, day)
    return _laddered(under, walk, day)


def _closed(under: _Under, walk: _Walk, day: _Day) -> tuple[_Walk, SimulatedStep | None]:
    """The start rule: entry true, and false at some run since the last walk began; unknown changes nothing."""
    entered = evaluate(under.ruleset.entry, day.metrics, day.facts)
    if entered is False:
        return replace(walk, may_open=True), None
    if entered is None or not walk.may_open:
        return walk, None
    return _laddered(under, _Walk(open=True, may_open=False), day)


def _laddered(under: _Under, walk: _Walk, day: _Day) -> tuple[_Walk, SimulatedStep | None]:
    waited = walk.wait_until is None or day.on >= walk.wait_until
    position = Position(stage_index=walk.index, wait_elapsed=waited, previous_reached=True)
    found = decide(under.ruleset, position, day.metrics, day.facts)
    match found.action:
        case Action.ADVANCE | Action.ESCALATE:
            what = Happened.STEP if found.action is Action.ADVANCE else Happened.ESCALATED
            return _stepped(under, walk, day, found.stage or ""), _told(under, what, walk, day, found)
        case Action.STOP:
            told = _told(under, Happened.STOPPED, walk, day, found)
            return _Walk(may_open=False), replace(told, acts_on=day.on)
        case Action.EXIT_REVIEW:
            acted = under.acted(day.on)
            return replace(walk, left_on=acted, acts_on=acted), _told(under, Happened.EXIT, walk, day, found)
        case _:
            return walk, None


def _stepped(under: _Under, walk: _Walk, day: _Day, stage: str) -> _Walk:
    index, acted = under.ruleset.index_of(stage), under.acted(day.on)
    wait = under.ruleset.stages[index].waits
    until = (under.history.calendar.after(acted, wait) or date.max) if wait else None
    return replace(walk, index=index, step_on=acted, wait_until=until, acts_on=acted)


def _following(under: _Under, walk: _Walk, day: _Day) -> tuple[_Walk, SimulatedStep | None]:
    """The weekly check on the last school day of each school week after the one that was left in."""
    monday = monday_of(day.on)
    after = under.history.calendar.next_open(day.on + timedelta(days=1))
    last_of_week = after is None or monday_of(after) > monday
    assert walk.left_on is not None
    possible = sum(session.possible for session in under.history.between(monday, day.on))
    if monday <= monday_of(walk.left_on) or not last_of_week or possible < ASSESSABLE_SESSIONS:
        return walk, None
    if evaluate(under.ruleset.follow_up.relapse, day.metrics, day.facts) is True:
        return _relapsed(under, walk, day)
    weeks = walk.weeks + 1
    if weeks < under.ruleset.follow_up.weeks:
        return replace(walk, weeks=weeks), None
    told = _step(Happened.COMPLETED, day, walk, condition=None)
    return _Walk(may_open=False), replace(told, acts_on=day.on)


def _relapsed(under: _Under, walk: _Walk, day: _Day) -> tuple[_Walk, SimulatedStep]:
    ruleset = under.ruleset
    stage = ruleset.follow_up.relapse_to or ruleset.stages[max(walk.index, 0)].key
    back = _stepped(under, replace(walk, left_on=None, weeks=0), day, stage)
    told = _step(Happened.RELAPSE, day, walk, condition=ruleset.follow_up.relapse)
    return back, replace(told, stage=stage, acts_on=_loaded(back.acts_on))


def _told(under: _Under, what: Happened, walk: _Walk, day: _Day, found: Decision) -> SimulatedStep:
    told = _step(what, day, walk, condition=_condition(under.ruleset, found))
    acts_on = _loaded(under.acted(day.on))
    return replace(told, stage=found.stage, by=found.by, fired=found.fired, acts_on=acts_on)


def _loaded(day: date) -> date | None:
    return None if day == date.max else day


def _step(what: Happened, day: _Day, walk: _Walk, *, condition: Condition | None) -> SimulatedStep:
    return SimulatedStep(day.on, what, None, None, (), condition, day.metrics, day.facts, walk.step_on)


def _condition(ruleset: RuleSet, found: Decision) -> Condition | None:
    """The condition of the rule that decided."""
    return next((rule.when for rule in rules_of(ruleset) if rule.name == found.by), None)
