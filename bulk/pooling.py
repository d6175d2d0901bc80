"""Metrics across the tenant: a student's sessions at other schools count beside those of the school that asks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bulk.district import NOT_SCHEDULED, Cohort, District, cohort_of
from bulk.evenings import News, evenings
from bulk.layers import HALF_DAYS, LAST_POSSIBLE
from bulk.measures import Following, Measured, Plan, totals
from bulk.resolution import CodeTable, States, final_states, winners
from bulk.vocabulary import Flags, Ints
from rules.rulesets.metrics import MetricKey


@dataclass(frozen=True, slots=True)
class Companion:
    """Some students of a cohort at another school: `local` says whose pairs these are, `slot` which of their others."""

    cohort: Cohort
    local: Ints
    slot: int


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where else the students of a district go."""

    district: District
    pairs: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, district: District) -> "Elsewhere":
        pairs: dict[str, list[int]] = {}
        for pair, student in enumerate(district.pair_student):
            pairs.setdefault(student, []).append(pair)
        return cls(district, pairs)

    def companions(self, cohort: Cohort) -> list[Companion]:
        """The other pairs of a cohort's students, school by school."""
        found: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for local, pair in enumerate(cohort.pairs.tolist()):
            others = [other for other in self.pairs[self.district.pair_student[pair]] if other != pair]
            for slot, other in enumerate(others, 1):
                found.setdefault((int(self.district.pair_school[other]), slot), []).append((other, local))
        return [self._companion(school, slot, sorted(pairs)) for (school, slot), pairs in found.items()]

    def _companion(self, school: int, slot: int, pairs: list[tuple[int, int]]) -> Companion:
        other, local = np.array(pairs, np.int64).T
        return Companion(cohort_of(self.district, self.district.schools[school], other), local, slot)


@dataclass(frozen=True, slots=True)
class _Pool:
    """Every session of a cohort's students on the days of all their schools; half days of each school side by side."""

    cohort: Cohort
    axis: Ints
    states: States

    @classmethod
    def of(cls, cohort: Cohort, companions: Sequence[Companion]) -> "_Pool":
        days = [each.cohort.school.calendar.days for each in companions]
        axis = np.unique(np.concatenate([cohort.school.calendar.days, *days]))
        halves = HALF_DAYS * (1 + max((each.slot for each in companions), default=0))
        shape = (len(cohort.pairs), len(axis), halves)
        nothing = np.zeros(shape, np.int32)
        status = np.full(shape, NOT_SCHEDULED, np.int8)
        return cls(cohort, axis, States(status, nothing.copy(), np.zeros(shape, np.bool_), nothing))

    def put(self, source: Companion, at: tuple[Ints, Ints], states: States) -> tuple[Ints, Ints]:
        """Overwrite student-days of one school; where they stand in the pool."""
        days = np.searchsorted(self.axis, source.cohort.school.calendar.days)
        pair, day = source.local[at[0]], days[at[1]]
        half = slice(HALF_DAYS * source.slot, HALF_DAYS * (source.slot + 1))
        for name in States.__slots__:
            getattr(self.states, name)[pair, day, half] = getattr(states, name)
        return pair, day

    def fill(self, source: Companion, states: States) -> None:
        """Everything of one school."""
        pairs, days = source.cohort.shape
        at = np.divmod(np.arange(pairs * days), max(1, days))
        self.put(source, at, states.reshape(pairs * days, HALF_DAYS))


def _sources(cohort: Cohort, companions: Sequence[Companion]) -> list[Companion]:
    return [Companion(cohort, np.arange(len(cohort.pairs)), 0), *companions]


def pooled_final(
    cohort: Cohort, companions: Sequence[Companion], keys: Iterable[MetricKey], codes: Sequence[str], until: int | None
) -> Measured:
    """Every metric on every day of the asking school, all marks up to an instant known."""
    pool = _Pool.of(cohort, companions)
    for source in _sources(cohort, companions):
        table = CodeTable.of(codes, source.cohort.school.code_map)
        pool.fill(source, final_states(source.cohort, table, winners(source.cohort.marks.known_at(until), table)))
    plans = {key: Plan.of(key, cohort, codes, pool.axis) for key in keys}
    values = {key: totals(plan, pool.states) for key, plan in plans.items()}
    return Measured(values, {key: plan.knows(pool.states) for key, plan in plans.items()}, pool.states)


def pooled_nightly(
    cohort: Cohort, companions: Sequence[Companion], keys: Iterable[MetricKey], codes: Sequence[str]
) -> Measured:
    """Every metric on every day of the asking school from what was known that evening, at whatever school."""
    days, pool, heard = cohort.school.calendar.days, _Pool.of(cohort, companions), []
    for source in _sources(cohort, companions):
        known = evenings(source.cohort, CodeTable.of(codes, source.cohort.school.code_map), days)
        pool.fill(source, known.unmarked)
        heard.append((source, known.news))
    plans = {key: Plan.of(key, cohort, codes, pool.axis) for key in keys}
    following = {key: Following.of(plan, pool.states) for key, plan in plans.items()}
    sure = {key: plan.knows(pool.states).copy() for key, plan in plans.items()}
    for at in range(len(days)):
        for source, news in heard:
            pair, day = pool.put(source, (news[at].pair, news[at].day), news[at].states)
            for each in following.values():
                each.hear(News(pair, day, pool.states.take((pair, day))))
        for key, each in following.items():
            each.measure(at)
            sure[key][:, at] = _known_on(plans[key], pool.states, at)
    return Measured({key: each.values for key, each in following.items()}, sure, pool.states)


def _known_on(plan: Plan, states: States, at: int) -> Flags:
    """Whether a metric is known on one evening; a year before in which nothing was possible says nothing."""
    if plan.prior_year is None:
        return np.full(len(states.status), plan.known[at])
    span = slice(int(plan.prior_year.low[at]), int(plan.prior_year.high[at]))
    possible = (states.status[:, span] <= LAST_POSSIBLE).any(axis=(1, 2))
    return np.asarray(plan.known[at] & possible, np.bool_)


def together(here: Measured, everywhere: Measured) -> Measured:
    """The metrics of one school and those across schools."""
    return replace(here, values={**here.values, **everywhere.values}, known={**here.known, **everywhere.known})
