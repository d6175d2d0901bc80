"""A whole district in arrays: schools, open sessions, enrolment spans and marks (attendance.md S1)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bulk.vocabulary import Flags, Ids, Ints, Small
from rules.attendance.codes import CodeMap, Status
from rules.attendance.history import SchoolSettings
from rules.attendance.quality import Issue

STATUSES = tuple(Status)
"""Statuses by number, best first (S3.4); a session that is not scheduled has the number after the last."""
NUMBER: Mapping[Status, int] = {status: at for at, status in enumerate(STATUSES)}
NOT_SCHEDULED = len(STATUSES)
SESSIONS = ("AM", "PM")
DAY = 2
"""The session number of a mark that stands for the whole day."""


@dataclass(frozen=True, slots=True)
class OpenSessions:
    """When one school is open: its days in order, which half days, and how long each is."""

    days: Ints
    is_open: Flags  # [day, 2]
    minutes: Ints  # [day, 2]


@dataclass(frozen=True, slots=True)
class School:
    """One school, its settings and its calendar."""

    school_id: str
    settings: SchoolSettings
    code_map: CodeMap
    calendar: OpenSessions


@dataclass(frozen=True, slots=True)
class Spans:
    """Enrolment spans, sorted by pair; days are inclusive, `attends` says which half days."""

    pair: Ints
    first: Ints
    last: Ints
    attends: Flags  # [span, 2]


@dataclass(frozen=True, slots=True)
class Marks:
    """Raw register entries in file order; `minutes` is -1 where the source gave none."""

    pair: Ints
    day: Ints
    session: Small
    code: Ids
    recorded: Ints
    register: Ids
    deleted: Flags
    minutes: Ids

    def __len__(self) -> int:
        return len(self.pair)

    def take(self, at: "Ints | Flags") -> "Marks":
        return Marks(*(getattr(self, name)[at] for name in self.__slots__))

    def known_at(self, instant: int | None) -> "Marks":
        """S3.2: only the rows recorded up to an instant, in seconds since 1970."""
        return self if instant is None else self.take(self.recorded <= instant)

    def of_pairs(self, pair: Ints) -> "Marks":
        """The same rows under other pair numbers."""
        return replace(self, pair=pair)

    @classmethod
    def joined(cls, parts: "Sequence[Marks]") -> "Marks":
        """The rows of all parts, one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True)
class District:
    """Everything `evaluate` needs; pairs of student and school are numbered in output order."""

    schools: Sequence[School]
    pair_student: Sequence[str]
    pair_school: Ints
    spans: Spans
    marks: Marks  # sorted by pair, then file order
    codes: Sequence[str]
    issues: Sequence[Issue]
    strays: Sequence[Issue]


@dataclass(frozen=True, slots=True)
class Cohort:
    """Some students of one school: the unit of work, small enough to stay in the processor's cache."""

    school: School
    pairs: Ints
    scheduled: Flags  # [pair, day, 2]
    marks: Marks  # `pair` counts from 0 inside the cohort

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.pairs), len(self.school.calendar.days)


CELLS = 1 << 19


def cohorts(district: District) -> Iterator[Cohort]:
    """The district school by school, large schools in parts."""
    for number, school in enumerate(district.schools):
        pairs = np.flatnonzero(district.pair_school == number)
        size = max(1, CELLS // max(1, len(school.calendar.days)))
        for start in range(0, len(pairs), size):
            yield cohort_of(district, school, pairs[start : start + size])


def cohort_of(district: District, school: School, pairs: Ints) -> Cohort:
    """The given pairs of one school, in ascending order."""
    marks = district.marks.take(_members(district.marks.pair, pairs))
    local = np.searchsorted(pairs, marks.pair)
    at = _members(district.spans.pair, pairs)
    spans = Spans(
        np.searchsorted(pairs, district.spans.pair[at]),
        district.spans.first[at],
        district.spans.last[at],
        district.spans.attends[at],
    )
    return Cohort(school, pairs, scheduled(school.calendar, spans, len(pairs)), marks.of_pairs(local))


def _members(column: Ints, pairs: Ints) -> Ints:
    """Positions of the given pairs in a column that is sorted by pair."""
    first, last = np.searchsorted(column, pairs, "left"), np.searchsorted(column, pairs, "right")
    lengths = last - first
    offsets = np.repeat(first - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
    return np.asarray(np.arange(lengths.sum()) + offsets, np.int64)


def scheduled(calendar: OpenSessions, spans: Spans, pairs: int) -> Flags:
    """S4.1: open in the calendar, inside a span, and attended by that span."""
    days = calendar.days
    result = np.zeros((pairs, len(days), 2), np.bool_)
    inside = (days >= spans.first[:, None]) & (days <= spans.last[:, None])
    each = inside[:, :, None] & spans.attends[:, None, :] & calendar.is_open
    once = np.concatenate(([True], spans.pair[1:] != spans.pair[:-1])) if len(spans.pair) else np.zeros(0, np.bool_)
    result[spans.pair[once]] = each[once]
    for at in np.flatnonzero(~once):
        result[spans.pair[at]] |= each[at]
    return result
