"""Metrics for many students on every day: as finally known, or as known on the evening of each day (S8.2)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bulk.district import Cohort
from bulk.evenings import Evenings, News
from bulk.layers import BREAK, COUNTED, LAST_POSSIBLE, Layer, Lens
from bulk.resolution import States
from bulk.vocabulary import Flags, Ints
from bulk.windows import Reach, Timeline, months_into_year
from rules.rulesets.metrics import OF_THE_DAY, RUN, YTD, At, Measure, MetricKey, WindowKind

Grid = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Measured:
    """Integers per student and day with, for each metric, where they are known, and the state of each day."""

    values: Mapping[MetricKey, Grid]
    known: Mapping[MetricKey, Flags]
    today: States


@dataclass(frozen=True, slots=True)
class Plan:
    """One metric over one school's days: what a day adds, and how far back each evaluation day looks."""

    key: MetricKey
    amount: Lens
    run: Lens
    reach: Reach
    known: Flags  # [day]
    prior_year: Reach | None

    @classmethod
    def of(cls, key: MetricKey, cohort: Cohort, codes: Sequence[str], axis: Ints | None = None) -> "Plan":
        days, settings = cohort.school.calendar.days, cohort.school.settings
        line = Timeline.of(days, days, settings, axis)
        known = np.full(len(days), not _needs_a_step(key))
        prior_year = None
        if key.at is At.PRIOR_YEAR:
            line = Timeline.of(days, line.year - 1, settings, axis)
            prior_year = line.reach(YTD)
        elif key.at is At.BEFORE_STEP:
            line = Timeline.of(days, days - 1, settings, axis)
        run = MetricKey(Measure.CONSECUTIVE_DAYS, RUN, key.kinds, key.codes, key.exclude_codes)
        lens = Lens.of(key, settings, codes)
        return cls(key, lens, Lens.of(run, settings, codes), line.reach_of(key), known, prior_year)

    def knows(self, states: States) -> Flags:
        """Where the metric is known; a year before in which nothing was possible says nothing."""
        shape = states.status.shape[:2]
        if self.prior_year is None:
            return np.broadcast_to(self.known, (shape[0], len(self.known)))
        total = np.zeros((shape[0], shape[1] + 1), np.int32)
        np.cumsum((states.status <= LAST_POSSIBLE).any(axis=2), axis=1, out=total[:, 1:])
        return self.known & (total[:, self.prior_year.high] > total[:, self.prior_year.low])

    @property
    def follows_run(self) -> bool:
        return self.key.window.kind is WindowKind.RUN

    def added(self, states: States) -> Layer:
        """What each student-day adds to the metric."""
        layer = self.amount.layer(states)
        return (layer == COUNTED).astype(np.int32) if self.key.measure is Measure.CONSECUTIVE_DAYS else layer


def _needs_a_step(key: MetricKey) -> bool:
    """Metrics told from the last executed step: a district folder knows of no steps, so they stay unknown.

    Their values stand ready for a walk that does know (bulk/walking.py): as if each day were that of the step.
    """
    return key.window.kind is WindowKind.STEP or key.at is At.BEFORE_STEP


def final(cohort: Cohort, states: States, keys: Iterable[MetricKey], codes: Sequence[str]) -> Measured:
    """Every metric on every day, all marks known."""
    values: dict[MetricKey, Grid] = {}
    known: dict[MetricKey, Flags] = {}
    for key in keys:
        plan = Plan.of(key, cohort, codes)
        known[key] = plan.knows(states)
        values[key] = _of_the_day(cohort, key) if key.measure in OF_THE_DAY else totals(plan, states)
    return Measured(values, known, states)


def _of_the_day(cohort: Cohort, key: MetricKey) -> Grid:
    """Metrics of the date alone."""
    days = cohort.school.calendar.days
    line = Timeline.of(days, days, cohort.school.settings)
    each = days if key.measure is Measure.EVALUATION_DAY else months_into_year(line)
    return np.broadcast_to(each.astype(np.int32), cohort.shape)


def totals(plan: Plan, states: States) -> Grid:
    """One metric on every day, from states that stand."""
    added = plan.added(states)
    if plan.follows_run:
        return _runs(plan, plan.run.layer(states), added)
    total = np.zeros((added.shape[0], added.shape[1] + 1), np.int32)
    np.cumsum(added, axis=1, out=total[:, 1:])
    return np.asarray(total[:, plan.reach.high] - total[:, plan.reach.low], np.int32)


def _runs(plan: Plan, days: Layer, added: Layer) -> Grid:
    """S5.6 on every day: what the counted days since the last break, or since the year began, add up to."""
    total = np.zeros((days.shape[0], days.shape[1] + 1), np.int32)
    np.cumsum(np.where(days == COUNTED, added, 0), axis=1, out=total[:, 1:])
    since = np.zeros(total.shape, np.int64)
    since[:, 1:] = np.where(days == BREAK, np.arange(1, days.shape[1] + 1), 0)
    np.maximum.accumulate(since, axis=1, out=since)
    low = np.maximum(since[:, plan.reach.high], plan.reach.low)
    return np.asarray(total[:, plan.reach.high] - np.take_along_axis(total, low, axis=1), np.int32)


def _run(days: Layer, added: Layer) -> NDArray[np.int32]:
    """The run at the end of a stretch of days."""
    if not days.shape[1]:
        return np.zeros(days.shape[0], np.int32)
    breaks = days[:, ::-1] == BREAK
    length = np.where(breaks.any(axis=1), breaks.argmax(axis=1), days.shape[1])
    since = np.arange(days.shape[1])[::-1] < length[:, None]
    return np.asarray(np.where(since & (days == COUNTED), added, 0).sum(axis=1), np.int32)


@dataclass(frozen=True, slots=True)
class Following:
    """One metric as knowledge grows: its layers are kept up to date, its window is summed each evening."""

    plan: Plan
    days: Layer
    added: Layer
    values: Grid

    @classmethod
    def of(cls, plan: Plan, states: States) -> "Following":
        days = plan.run.layer(states) if plan.follows_run else np.zeros((0, 0), np.int32)
        return cls(plan, days, plan.added(states), np.zeros((len(states.status), len(plan.known)), np.int32))

    def hear(self, news: News) -> None:
        """Student-days that are different from now on."""
        if self.plan.follows_run:
            self.days[news.pair, news.day] = self.plan.run.layer(news.states)
        self.added[news.pair, news.day] = self.plan.added(news.states)

    def measure(self, at: int) -> None:
        """Sum the window of one day of measurement."""
        span = slice(int(self.plan.reach.low[at]), int(self.plan.reach.high[at]))
        added = self.added[:, span]
        self.values[:, at] = _run(self.days[:, span], added) if self.plan.follows_run else added.sum(axis=1)


def nightly(cohort: Cohort, known: Evenings, keys: Iterable[MetricKey], codes: Sequence[str]) -> Measured:
    """Every metric on every day from what was known that evening."""
    wanted = tuple(keys)
    plans = {key: Plan.of(key, cohort, codes) for key in wanted}
    today = known.unmarked.copy()
    following = {key: Following.of(plans[key], known.unmarked) for key in wanted if key.measure not in OF_THE_DAY}
    for at, news in enumerate(known.news):
        same_day = np.flatnonzero(news.day == at)
        today.put((news.pair[same_day], news.day[same_day]), news.states.take(same_day))
        for each in following.values():
            each.hear(news)
            each.measure(at)
    values = {key: following[key].values if key in following else _of_the_day(cohort, key) for key in wanted}
    return Measured(values, {key: plans[key].knows(today) for key in wanted}, today)
