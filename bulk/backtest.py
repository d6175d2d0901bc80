"""A rule set over a whole district: what would have happened to every student, cohort by cohort (rules.md, Simulation).

The register counts as it is known now. Each walk is what `rules/rulesets/simulation.py` says, event for event.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bulk.conditions import Column
from bulk.district import Cohort, District, cohorts
from bulk.layers import LAST_POSSIBLE
from bulk.measures import Measured, final
from bulk.people import NOBODY_KNOWN, Profile
from bulk.pooling import Elsewhere, pooled_final
from bulk.profiles import ages_grid, fact_columns
from bulk.resolution import CodeTable, States, final_states, winners
from bulk.vocabulary import Flags, Ints, as_date
from bulk.walking import WHAT, Grounds, Happenings, walk
from rules.errors import Invalid
from rules.rulesets.backtest_figures import Event
from rules.rulesets.comparisons import Key
from rules.rulesets.model import RuleSet, Scope

Progress = Callable[[int], None]
"""Told how many more students at a school are done."""


def nobody_listens(_done: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the district's pairs beside the register; `who` says which profile a pair has."""

    profiles: Sequence[Profile]
    who: Ints

    @classmethod
    def nothing(cls, district: District) -> "Known":
        return cls((NOBODY_KNOWN,), np.zeros(len(district.pair_student), np.int64))


@dataclass(frozen=True, slots=True)
class Backtest:
    """What to replay: one or two rule sets over the same days, both inclusive, in days since 1970."""

    rulesets: Sequence[RuleSet]
    first: int
    last: int
    approval_school_days: int = 0
    schools: frozenset[str] | None = None
    """Walk the students of these schools only; the others are there for what they tell of the same students."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What happened under one rule set; `pair` numbers the district's pairs, days since 1970, -1 is none."""

    pair: Ints
    day: Ints
    what: Ints
    stage: Ints
    rule: Ints
    acts: Ints

    @classmethod
    def of(cls, cohort: Cohort, found: Happenings) -> "Replayed":
        days = np.append(cohort.school.calendar.days, -1)
        what, stage, rule = (each.astype(np.int64) for each in (found.what, found.stage, found.rule))
        return cls(cohort.pairs[found.student], days[found.day], what, stage, rule, days[found.acts])

    @classmethod
    def joined(cls, parts: "Sequence[Replayed]") -> "Replayed":
        """All rows by pair, each pair's in order of time."""
        none = np.zeros(0, np.int64)
        columns = [np.concatenate([none, *(getattr(part, name) for part in parts)]) for name in cls.__slots__]
        order = np.argsort(columns[0], kind="stable")
        return cls(*(column[order] for column in columns))


@dataclass(slots=True)
class Outcome:
    """All walks, rule set by rule set, and how many student-days were looked at."""

    replayed: list[Replayed] = field(default_factory=list)
    student_days: int = 0


def backtest(district: District, known: Known, asked: Backtest, tell: Progress = nobody_listens) -> Outcome:
    """Walk every student of the district under each rule set."""
    parts: list[list[Replayed]] = [[] for _ in asked.rulesets]
    outcome = Outcome()
    for cohort, measured in _measured(district, asked):
        inside = (cohort.school.calendar.days >= asked.first) & (cohort.school.calendar.days <= asked.last)
        outcome.student_days += int(_on_school_days(cohort)[:, inside].sum())
        for number, ruleset in enumerate(asked.rulesets):
            found = walk(ruleset, _grounds(district, known, asked, ruleset, (cohort, measured)))
            parts[number].append(Replayed.of(cohort, found))
        tell(len(cohort.pairs))
    outcome.replayed = [Replayed.joined(part) for part in parts]
    return outcome


def events_of(ruleset: RuleSet, replayed: Replayed) -> list[Event]:
    """The rows as the figures take them; a person's number is the pair's."""
    dates = {day: as_date(day) for day in np.unique(np.concatenate([replayed.day, replayed.acts])).tolist() if day >= 0}
    columns = (getattr(replayed, name).tolist() for name in ("pair", "day", "what", "stage", "acts"))
    keys = [*(stage.key for stage in ruleset.stages), None]
    return [
        Event(pair, dates[day], WHAT[what], keys[stage], dates.get(acts))
        for pair, day, what, stage, acts in zip(*columns, strict=True)
    ]


def _measured(district: District, asked: Backtest) -> Iterator[tuple[Cohort, Measured]]:
    """Every metric of every rule set, cohort by cohort."""
    keys = tuple(dict.fromkeys(key for ruleset in asked.rulesets for key in ruleset.metric_keys()))
    own, pooled = [key for key in keys if not key.pooled], [key for key in keys if key.pooled]
    elsewhere = Elsewhere.of(district) if pooled else None
    for cohort in cohorts(district):
        if asked.schools is not None and cohort.school.school_id not in asked.schools:
            continue
        table = CodeTable.of(district.codes, cohort.school.code_map)
        measured = final(cohort, final_states(cohort, table, winners(cohort.marks, table)), own, district.codes)
        if elsewhere:
            across = pooled_final(cohort, elsewhere.companions(cohort), pooled, district.codes, None)
            measured = replace(
                measured, values={**measured.values, **across.values}, known={**measured.known, **across.known}
            )
        yield cohort, measured


def _grounds(
    district: District, known: Known, asked: Backtest, ruleset: RuleSet, here: tuple[Cohort, Measured]
) -> Grounds:
    cohort, measured = here
    days, who = cohort.school.calendar.days, known.who[cohort.pairs]
    columns: dict[Key, Column] = {
        key: Column(measured.values[key], measured.known[key]) for key in ruleset.metric_keys()
    }
    columns.update(fact_columns(known.profiles, who, ruleset.fact_keys(), days))
    return Grounds(
        days,
        columns,
        _possible(measured.today),
        _on_school_days(cohort) & _scope(ruleset.scope, cohort, known),
        _enrolled_until(district, cohort),
        (asked.first, asked.last),
        asked.approval_school_days,
    )


def _on_school_days(cohort: Cohort) -> Flags:
    """On which days each student is expected at all."""
    return np.asarray(cohort.scheduled.any(axis=2), np.bool_)


def _possible(states: States) -> Ints:
    """Possible sessions up to and with each day."""
    return np.cumsum((states.status <= LAST_POSSIBLE).sum(axis=2), axis=1)


def _scope(scope: Scope, cohort: Cohort, known: Known) -> Flags:
    """Whom the rule set is for on which day; a school is named by the text of its id."""
    shape, who = cohort.shape, known.who[cohort.pairs]
    if scope.schools is not None and cohort.school.school_id not in {str(school) for school in scope.schools}:
        return np.zeros(shape, np.bool_)
    inside = np.ones(shape, np.bool_)
    if scope.year_groups is not None:
        groups = [profile.year_group in scope.year_groups for profile in known.profiles]
        inside &= np.array(groups, np.bool_)[who, None]
    if scope.ages is not None:
        inside &= ages_grid(known.profiles, who, scope.ages, cohort.school.calendar.days)
    return inside


def _enrolled_until(district: District, cohort: Cohort) -> Ints:
    """The last day of each student's last enrolment at the school."""
    last = np.full(len(district.pair_student), -1, np.int64)
    np.maximum.at(last, district.spans.pair, district.spans.last)
    return last[cohort.pairs]


def refuse_strange_schools(ruleset: RuleSet, district: District) -> None:
    """Raise Invalid when a scope names schools of which the district has none."""
    named = {str(school) for school in ruleset.scope.schools or ()}
    if named and not named & {school.school_id for school in district.schools}:
        advice = "name schools of this district by their ids, or leave `schools` out"
        raise Invalid(
            "scope_without_schools", "None of the rule set's schools is in the data.", fields={"scope.schools": advice}
        )
