"""Students and schools as pairs, numbered in the order the output lists them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bulk.district import Spans
from bulk.vocabulary import Flags, Ids, Ints
from rules.attendance.quality import Issue, IssueKind


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Enrolment spans as read: students and schools by number."""

    student: Ids
    school: Ids
    first: Ints
    last: Ints
    attends: Flags

    def sorted_by(self, pair: Ints) -> Spans:
        """The spans of known pairs, by pair."""
        order = np.flatnonzero(pair >= 0)
        order = order[np.argsort(pair[order], kind="stable")]
        return Spans(pair[order], self.first[order], self.last[order], self.attends[order])


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs that exist, in output order; `keys[i]` is the key of pair i."""

    keys: Ints
    _sorted: Ints
    _place: Ints

    def of(self, keys: Ints) -> Ints:
        """The pair of each key; -1 where there is none."""
        if not len(self._sorted):
            return np.full(len(keys), -1, np.int64)
        at = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
        return np.where(self._sorted[at] == keys, self._place[at], -1)


class Places:
    """Keys of (student, school), made from their numbers; texts give the order."""

    def __init__(self, students: Sequence[str], schools: Sequence[str]) -> None:
        self._students, self._schools = students, schools
        self._width = max(1, len(schools))

    def key(self, student: Ints, school: Ids) -> Ints:
        return np.asarray(student * self._width + school, np.int64)

    def student(self, keys: Ints) -> Ints:
        return keys // self._width

    def school(self, keys: Ints) -> Ints:
        return keys % self._width

    def in_order(self, keys: Ints) -> Pairs:
        """The distinct keys, ordered by the texts of student, then school, as Python compares text."""
        distinct = np.unique(keys)
        order = self._order(distinct)
        place = np.empty(len(distinct), np.int64)
        place[order] = np.arange(len(distinct))
        return Pairs(distinct[order], distinct, place)

    def _order(self, distinct: Ints) -> Ints:
        return np.lexsort((_rank(self._schools)[self.school(distinct)], _rank(self._students)[self.student(distinct)]))

    def strays(self, keys: Ints) -> list[Issue]:
        """Marks whose student is not enrolled at their school: one issue per pair, with how many marks."""
        distinct, counts = np.unique(keys, return_counts=True)
        issues = []
        for at in self._order(distinct).tolist():
            student = self._students[int(distinct[at]) // self._width]
            school = self._schools[int(distinct[at]) % self._width]
            issues.append(Issue(IssueKind.MARKS_WITHOUT_ENROLMENT, student, school, "", str(counts[at])))
        return issues


def _rank(texts: Sequence[str]) -> Ints:
    """Where each text stands among the sorted texts."""
    rank = np.empty(len(texts), np.int64)
    rank[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
    return rank
