"""What was known on the evening of each school day: a later mark changes a student-day from its evening on (S8.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bulk.district import Cohort, Marks
from bulk.resolution import CodeTable, States, day_index, resolve, shown_days, winners
from bulk.vocabulary import Ints

_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class News:
    """What one evening tells: the student-days that are now different, and their states."""

    pair: Ints
    day: Ints
    states: States


@dataclass(frozen=True, slots=True)
class Evenings:
    """The state of all student-days before any mark, and the news of each evening in order."""

    unmarked: States
    news: Sequence[News]


def evenings(cohort: Cohort, table: CodeTable, of: Ints | None = None) -> Evenings:
    """All evenings of a cohort, or those `of` another school's days; what is recorded after the last is never known."""
    at_days = cohort.school.calendar.days if of is None else of
    students, days = cohort.shape
    grid_pair, grid_day = np.divmod(np.arange(students * days), max(1, days))
    unmarked = shown_days(cohort, table, grid_pair, grid_day).unmarked().reshape(students, days, 2)
    day, is_open = day_index(cohort, cohort.marks.day)
    heard = np.searchsorted(at_days, cohort.marks.recorded // _DAY_SECONDS)
    evening = np.maximum(heard, np.searchsorted(at_days, cohort.marks.day))
    kept = is_open & (evening < len(at_days))
    marks = _Heard(cohort.marks.take(kept), day[kept], evening[kept])
    versions = _versions(cohort, table, marks, len(at_days))
    return Evenings(unmarked, [_of_evening(versions, at) for at in range(len(at_days))])


@dataclass(frozen=True, slots=True)
class _Heard:
    """Marks, where their days stand among the school's, and the evening on which each is first known."""

    marks: Marks
    day: Ints
    evening: Ints


@dataclass(frozen=True, slots=True)
class _Versions:
    evening: Ints
    news: News


def _of_evening(versions: Sequence[_Versions], at: int) -> News:
    """The news of one evening from every round; a student-day is in at most one."""
    parts = []
    for each in versions:
        span = slice(*np.searchsorted(each.evening, [at, at + 1]).tolist())
        parts.append(News(each.news.pair[span], each.news.day[span], each.news.states.take(span)))
    if len(parts) == 1:
        return parts[0]
    return News(
        np.concatenate([np.zeros(0, np.int64), *(part.pair for part in parts)]),
        np.concatenate([np.zeros(0, np.int64), *(part.day for part in parts)]),
        States.joined([part.states for part in parts]),
    )


def _versions(cohort: Cohort, table: CodeTable, heard: _Heard, evenings: int) -> list[_Versions]:
    """Round r resolves each student-day that changed more than r times with the marks of its first r+1 evenings."""
    marks, evening = heard.marks, heard.evening
    row = marks.pair * cohort.shape[1] + heard.day
    changes = np.unique(row * evenings + evening)
    changed, when = np.divmod(changes, max(1, evenings))
    starts = np.flatnonzero(np.diff(changed, prepend=-1))
    turn = np.arange(len(changed)) - np.repeat(starts, np.diff(np.append(starts, len(changed))))
    rounds = []
    for number in range(int(turn.max()) + 1 if len(turn) else 1):
        rows, until = changed[turn == number], when[turn == number]
        place = np.minimum(np.searchsorted(rows, row), len(rows) - 1)
        known = (rows[place] == row) & (evening <= until[place])
        rounds.append(_round(cohort, table, marks.take(known), rows, until))
    return rounds


def _round(cohort: Cohort, table: CodeTable, marks: Marks, rows: Ints, until: Ints) -> _Versions:
    days = cohort.shape[1]
    pair, at = np.divmod(rows, max(1, days))
    won = winners(marks, table)
    won_day, _ = day_index(cohort, won.marks.day)
    states = resolve(won, np.searchsorted(rows, won.marks.pair * days + won_day), shown_days(cohort, table, pair, at))
    order = np.argsort(until, kind="stable")
    return _Versions(until[order], News(pair[order], at[order], states.take(order)))
