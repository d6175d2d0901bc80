"""The ladder for many students at once, day by day: the vector form of `rules/rulesets/simulation.py`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bulk.conditions import Column, Truths, holds
from bulk.vocabulary import Flags, Ids, Ints, Small
from bulk.windows import monday
from rules.rulesets.comparisons import FactKey, FactName, Key
from rules.rulesets.conditions import Condition, fact_keys, metric_keys
from rules.rulesets.decision import rules_of
from rules.rulesets.metrics import At, MetricKey, WindowKind
from rules.rulesets.model import RuleSet
from rules.rulesets.parameters import Leaf
from rules.rulesets.simulation import ASSESSABLE_SESSIONS, Happened

WHAT = tuple(Happened)
"""What happened, by number."""
_NUMBER = {what: at for at, what in enumerate(WHAT)}
NONE = -1
"""No step, stage, rule or day."""
NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class Happenings:
    """One row per thing that would have happened; days as positions among the school's open days."""

    student: Ids
    day: Ids
    what: Small
    stage: Small
    rule: Ids
    """Which of `rules_of` decided; NONE where no rule of the ladder did."""
    acts: Ids
    """The day it is carried out; NONE beyond the calendar."""

    def take(self, at: "Ints | Flags | slice") -> "Happenings":
        return Happenings(*(getattr(self, name)[at] for name in self.__slots__))

    @classmethod
    def joined(cls, parts: "list[Happenings]") -> "Happenings":
        """All rows, by student, then in order of time."""
        empty = np.zeros(0, np.int32)
        none = cls(empty, empty, empty.astype(np.int8), empty.astype(np.int8), empty, empty)
        columns = (np.concatenate([getattr(part, name) for part in [none, *parts]]) for name in cls.__slots__)
        whole = cls(*columns)
        return whole.take(np.argsort(whole.student, kind="stable"))


@dataclass(frozen=True, slots=True)
class Grounds:
    """Everything a walk of some students of one school rests on; every grid is [student, day]."""

    days: Ints
    columns: Mapping[Key, Column]
    """Metrics and facts; metrics told from a step as `bulk/measures.py` leaves them."""
    possible: Ints
    """Possible sessions up to and with each day."""
    in_scope: Flags
    """Where a walk may begin."""
    enrolled_until: Ints
    """The last day of each student's last enrolment."""
    span: tuple[int, int]
    """The first and the last day that is looked at."""
    approval_school_days: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        students, days = self.in_scope.shape
        return students, days


def walk(ruleset: RuleSet, grounds: Grounds) -> Happenings:
    """Every step of every student."""
    walks = _Walks(ruleset, grounds)
    first, last = np.searchsorted(grounds.days, [grounds.span[0], grounds.span[1] + 1]).tolist()
    for day in range(first, last):
        walks.live(day)
    return Happenings.joined(walks.found)


def needs_a_step(key: Key) -> bool:
    """Whether an integer is told from the last step of the walk itself."""
    if isinstance(key, MetricKey):
        return key.window.kind is WindowKind.STEP or key.at is At.BEFORE_STEP
    return key.name is FactName.STAGE_AGE


def _keys(tree: Condition | Leaf) -> tuple[Key, ...]:
    return (*metric_keys(tree), *fact_keys(tree))


class _Sight:
    """Conditions as they are asked in a walk: those of the register alone once for all days, others where it stands.

    They are remembered by identity, which costs nothing every day; whoever asks keeps them alive.
    """

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds
        self._whole: dict[int, Truths] = {}
        self._moving: dict[int, tuple[Key, ...] | None] = {}

    def everywhere(self, tree: Condition | Leaf) -> Truths:
        """On every day, for students without a step."""
        if id(tree) not in self._whole:
            columns = {key: self._grounds.columns[key] for key in _keys(tree) if not needs_a_step(key)}
            self._whole[id(tree)] = holds(tree, columns, self._grounds.shape)
        return self._whole[id(tree)]

    def true(self, tree: Condition | Leaf, who: Ints, day: int, step: Ids) -> Flags:
        """Where it holds for some students on one day, told from the days of their last steps."""
        if id(tree) not in self._moving:
            keys = _keys(tree)
            self._moving[id(tree)] = keys if any(needs_a_step(key) for key in keys) else None
        moving = self._moving[id(tree)]
        if moving is None:
            return np.asarray(self.everywhere(tree).true[who, day], np.bool_)
        columns = {key: self._column(key, who, day, step) for key in moving}
        return np.asarray(holds(tree, columns, (len(who),)).true, np.bool_)

    def _column(self, key: Key, who: Ints, day: int, step: Ids) -> Column:
        stepped = step != NONE
        at = np.where(stepped, step, 0)
        if isinstance(key, FactKey) and key.name is FactName.STAGE_AGE:
            return Column(np.asarray(day - at, np.int32), stepped)
        column = self._grounds.columns[key]
        if isinstance(key, MetricKey) and key.at is At.BEFORE_STEP:
            return Column(column.values[who, at], stepped)
        if isinstance(key, MetricKey) and key.window.kind is WindowKind.STEP:
            return Column(column.values[who, day] - column.values[who, at], stepped)
        return Column(column.values[who, day], column.known[who, day])


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is decided for each of the students asked about."""

    what: Small
    stage: Small
    rule: Ids

    @classmethod
    def nothing(cls, many: int) -> "_Outcome":
        return cls(np.full(many, NONE, np.int8), np.full(many, NONE, np.int8), np.full(many, NONE, np.int32))

    def settle(self, where: Flags, what: Happened, rule: int, stage: int = NONE) -> None:
        self.what[where], self.stage[where], self.rule[where] = _NUMBER[what], stage, rule

    @property
    def open(self) -> Flags:
        return np.equal(self.what, NONE)


class _Walks:
    """Where everybody stands; each day is lived once, in order."""

    def __init__(self, ruleset: RuleSet, grounds: Grounds) -> None:
        students = grounds.shape[0]
        self._ruleset, self._grounds, self._sight = ruleset, grounds, _Sight(grounds)
        self._rules = rules_of(ruleset)
        self._asked = [(ruleset.condition_of(stage), *ruleset.guards(stage)) for stage in ruleset.stages]
        self._waits = np.array([stage.waits for stage in ruleset.stages], np.int32)
        self._open, self._may_open = np.zeros(students, np.bool_), np.ones(students, np.bool_)
        self._index, self._weeks = np.full(students, NONE, np.int8), np.zeros(students, np.int8)
        self._step, self._left = np.full(students, NONE, np.int32), np.full(students, NONE, np.int32)
        self._wait, self._acts = np.zeros(students, np.int32), np.full(students, NONE, np.int32)
        self._gone = np.searchsorted(grounds.days, grounds.enrolled_until, "right")
        self._mondays = monday(grounds.days)
        self.found: list[Happenings] = []

    def live(self, day: int) -> None:
        """One school day for everybody."""
        self._leave(day)
        self._enter(day)
        ready, left = self._open & (self._acts < day), self._left != NONE
        following, climbing = np.flatnonzero(ready & left), np.flatnonzero(ready & ~left)
        self._follow(following, day)
        self._climb(climbing, day)

    def _leave(self, day: int) -> None:
        left = np.flatnonzero(self._open & (self._gone <= day))
        self._tell(left, day, Happened.LEFT, NONE, acts=day)
        self._close(left)

    def _enter(self, day: int) -> None:
        """The start rule: entry true, and false at some day since the last walk began."""
        asked = ~self._open & self._grounds.in_scope[:, day] & (self._gone > day)
        entry = self._sight.everywhere(self._ruleset.entry)
        self._may_open |= asked & entry.false[:, day]
        opened = asked & entry.true[:, day] & self._may_open
        self._open |= opened
        self._may_open &= ~opened

    def _close(self, who: Ints) -> None:
        self._open[who], self._index[who], self._weeks[who] = False, NONE, 0
        for column in (self._step, self._left, self._acts):
            column[who] = NONE
        self._wait[who] = 0

    def _climb(self, who: Ints, day: int) -> None:
        outcome = self._decided(who, day)
        for what in (Happened.STEP, Happened.ESCALATED):
            moved = outcome.what == _NUMBER[what]
            self._tell(who[moved], day, what, outcome.stage[moved], outcome.rule[moved])
            self._move(who[moved], day, outcome.stage[moved])
        stopped, exits = (outcome.what == _NUMBER[what] for what in (Happened.STOPPED, Happened.EXIT))
        self._tell(who[stopped], day, Happened.STOPPED, NONE, outcome.rule[stopped], acts=day)
        self._close(who[stopped])
        self._tell(who[exits], day, Happened.EXIT, NONE, outcome.rule[exits])
        self._left[who[exits]] = self._acts[who[exits]] = self._acted(day)

    def _acted(self, day: int) -> int:
        """When something decided today is carried out."""
        at = day + self._grounds.approval_school_days
        return at if at < len(self._grounds.days) else NEVER

    def _move(self, who: Ints, day: int, stage: Small) -> None:
        acted = self._acted(day)
        self._index[who] = stage
        self._step[who] = self._acts[who] = acted
        self._wait[who] = NEVER if acted == NEVER else acted + self._waits[stage]

    def _decided(self, who: Ints, day: int) -> _Outcome:
        """The vector form of `decide`."""
        outcome, index, step = _Outcome.nothing(len(who)), self._index[who], self._step[who]
        if not len(who):
            return outcome
        for then, what in (("STOPPED", Happened.STOPPED), ("EXIT_REVIEW", Happened.EXIT)):
            for number, rule in enumerate(self._rules):
                if rule.stop and rule.stop.then == then:
                    here = outcome.open & _applies(rule.stage_index, index)
                    outcome.settle(here & self._sight.true(rule.when, who, day, step), what, number)
        for number, rule in enumerate(self._rules):
            if rule.escalate:
                to = self._ruleset.index_of(rule.escalate.to)
                here = outcome.open & _applies(rule.stage_index, index) & (index >= 0) & (index < to)
                here &= self._sight.true(rule.when, who, day, step)
                outcome.settle(here, Happened.ESCALATED, number, to)
        self._advance(who, day, outcome)
        return outcome

    def _advance(self, who: Ints, day: int, outcome: _Outcome) -> None:
        waited = self._wait[who] <= day
        first = len(self._rules) - len(self._asked)
        for at, conditions in enumerate(self._asked):
            here = np.flatnonzero(outcome.open & waited & (self._index[who] == at - 1))
            for asked in conditions:
                if len(here):
                    here = here[self._sight.true(asked, who[here], day, self._step[who[here]])]
            reached = np.zeros(len(who), np.bool_)
            reached[here] = True
            outcome.settle(reached, Happened.STEP, first + at, at)

    def _follow(self, who: Ints, day: int) -> None:
        """The weekly check on the last school day of each assessable school week after the one that was left in."""
        last = day + 1 == len(self._mondays) or self._mondays[day + 1] > self._mondays[day]
        if not last or not len(who):
            return
        begun = int(np.searchsorted(self._mondays, self._mondays[day]))
        before = self._grounds.possible[who, begun - 1] if begun else 0
        assessable = self._grounds.possible[who, day] - before >= ASSESSABLE_SESSIONS
        who = who[assessable & (self._mondays[self._left[who]] < self._mondays[day])]
        relapsed = self._sight.true(self._ruleset.follow_up.relapse, who, day, self._step[who])
        self._relapse(who[relapsed], day)
        clean = who[~relapsed]
        self._weeks[clean] += 1
        done = clean[self._weeks[clean] >= self._ruleset.follow_up.weeks]
        self._tell(done, day, Happened.COMPLETED, NONE, acts=day)
        self._close(done)

    def _relapse(self, who: Ints, day: int) -> None:
        to = self._ruleset.follow_up.relapse_to
        stage = (
            np.maximum(self._index[who], 0) if to is None else np.full(len(who), self._ruleset.index_of(to), np.int8)
        )
        self._tell(who, day, Happened.RELAPSE, stage)
        self._left[who], self._weeks[who] = NONE, 0
        self._move(who, day, stage)

    def _tell(
        self,
        who: Ints,
        day: int,
        what: Happened,
        stage: "Small | int",
        rule: "Ids | int" = NONE,
        acts: int | None = None,
    ) -> None:
        if not len(who):
            return
        acted = self._acted(day) if acts is None else acts
        shape, word = len(who), _NUMBER[what]
        self.found.append(
            Happenings(
                who.astype(np.int32),
                np.full(shape, day, np.int32),
                np.full(shape, word, np.int8),
                np.broadcast_to(np.asarray(stage, np.int8), (shape,)),
                np.broadcast_to(np.asarray(rule, np.int32), (shape,)),
                np.full(shape, NONE if acted == NEVER else acted, np.int32),
            )
        )


def _applies(stage_index: int | None, index: Small) -> Flags:
    return np.ones(len(index), np.bool_) if stage_index is None else np.equal(index, stage_index)
