"""From marks to one status per session for many students at once (attendance.md S3, S4, S9.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bulk.district import DAY, NOT_SCHEDULED, NUMBER, SESSIONS, Cohort, Marks
from bulk.vocabulary import Flags, Ids, Ints, Small, day_text
from rules.attendance.codes import CodeMap, Status, meaning
from rules.attendance.history import MissingMarkPolicy
from rules.attendance.quality import Issue, IssueKind

_PRESENT, _LATE, _NO_MARK = NUMBER[Status.PRESENT], NUMBER[Status.LATE], NUMBER[Status.NO_MARK]
_UNKNOWN = NUMBER[Status.UNKNOWN]
_ABSENT_FIRST, _ABSENT_LAST = NUMBER[Status.AUTHORISED_ABSENT], NUMBER[Status.ABSENT]


@dataclass(frozen=True, slots=True)
class States:
    """The resolved sessions of student-days; every array ends in the two half days."""

    status: Small
    code: Ids
    tardy: Flags
    minutes: Ids

    def put(self, at: tuple[Ints, Ints], other: "States") -> None:
        """Overwrite the student-days at (pair, day) with later knowledge."""
        self.status[at] = other.status
        self.code[at] = other.code
        self.tardy[at] = other.tardy
        self.minutes[at] = other.minutes

    def copy(self) -> "States":
        return States(self.status.copy(), self.code.copy(), self.tardy.copy(), self.minutes.copy())

    @classmethod
    def joined(cls, parts: "Sequence[States]") -> "States":
        """The student-days of all parts, one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    def take(self, at: "Ints | slice | tuple[Ints, Ints]") -> "States":
        return States(self.status[at], self.code[at], self.tardy[at], self.minutes[at])

    def reshape(self, *shape: int) -> "States":
        return States(
            self.status.reshape(shape), self.code.reshape(shape), self.tardy.reshape(shape), self.minutes.reshape(shape)
        )


@dataclass(frozen=True, slots=True)
class CodeTable:
    """What each code number of the district means in one school's code map."""

    status: Small
    tardy: Flags
    blank: int

    @classmethod
    def of(cls, codes: Sequence[str], code_map: CodeMap) -> "CodeTable":
        meanings = [meaning(code_map, code) for code in codes]
        return cls(
            np.array([NUMBER[item.status] for item in meanings], np.int8),
            np.array([item.is_tardy for item in meanings], np.bool_),
            codes.index(""),
        )


@dataclass(frozen=True, slots=True)
class Winners:
    """One row per (student, day, session, register): the mark that counts, and where its key stood first."""

    marks: Marks
    first: Ints
    status: Small
    tardy: Flags

    def take(self, at: "Ints | Flags") -> "Winners":
        return Winners(self.marks.take(at), self.first[at], self.status[at], self.tardy[at])


def winners(marks: Marks, table: CodeTable) -> Winners:
    """S3.1 and S3.3: latest recorded wins, ties go to the later row; a winning tombstone is no mark."""
    if not len(marks):
        return Winners(marks, np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros(0, np.bool_))
    registers = int(marks.register.max()) + 1
    earliest = int(marks.day.min())
    span = int(marks.day.max()) - earliest + 1
    key = ((marks.pair * span + marks.day - earliest) * 3 + marks.session) * registers + marks.register
    order = np.lexsort((marks.recorded, key))
    ends = np.append(np.flatnonzero(np.diff(key[order])), len(order) - 1)
    first = np.minimum.reduceat(order, np.concatenate(([0], ends[:-1] + 1)))
    kept = ~marks.deleted[order[ends]]
    rows, first = order[ends][kept], first[kept]
    code = marks.code[rows]
    return Winners(marks.take(rows), first, table.status[code], table.tardy[code])


@dataclass(frozen=True, slots=True)
class Candidates:
    """Winning marks spread over the half days they stand for."""

    row: Ints  # the student-day
    session: Small
    specific: Flags
    first: Ints
    status: Small
    code: Ids
    tardy: Flags
    minutes: Ids

    def take(self, at: "Ints | Flags") -> "Candidates":
        return Candidates(*(getattr(self, name)[at] for name in self.__slots__))


def _spread(won: Winners, row: Ints, is_open: Flags, length: Ints) -> Candidates:
    """S3.5: a DAY mark applies to each open half day; DAY late is late once; its minutes fill the first half day."""
    marks, day = won.marks, won.marks.session == DAY
    parts = []
    for session in (0, 1):
        at = np.flatnonzero(np.where(day, is_open[:, session], marks.session == session))
        second = day[at] & is_open[at, 0] if session else np.zeros(len(at), np.bool_)
        late = second & (won.status[at] == _LATE)
        parts.append(
            Candidates(
                row[at],
                np.full(len(at), session, np.int8),
                ~day[at],
                won.first[at],
                np.where(late, _PRESENT, won.status[at]).astype(np.int8),
                marks.code[at],
                won.tardy[at] & ~late,
                _minutes_of(marks.minutes[at], length[at], day[at] & is_open[at].all(axis=1), session),
            )
        )
    columns = (np.concatenate([getattr(part, name) for part in parts]) for name in Candidates.__slots__)
    return Candidates(*columns)


def _minutes_of(given: Ids, length: Ints, shared: Flags, session: int) -> Ids:
    """The minutes of one half day; where a DAY mark spans both, the first takes what it can hold."""
    part = np.minimum(given, length[:, 0]) if session == 0 else np.maximum(given - length[:, 0], 0)
    return np.where(shared & (given >= 0), part, given).astype(np.int32)


def resolve(won: Winners, row: Ints, shown: "Shown") -> States:
    """One status per scheduled session of the student-days `shown`; `row` numbers the student-day of each winner."""
    states = shown.unmarked()
    spread = _spread(won, row, shown.is_open[row], shown.length[row])
    here = spread.take(shown.scheduled[spread.row, spread.session])
    cell = here.row * 2 + here.session
    order = np.lexsort((here.first, here.status, ~here.specific, cell))
    best = order[np.flatnonzero(np.diff(cell[order], prepend=-1))]
    chosen = here.take(best[here.status[best] != _NO_MARK])
    at = (chosen.row, chosen.session)
    states.status[at] = chosen.status
    states.code[at] = chosen.code
    states.tardy[at] = chosen.tardy
    absent = (chosen.status >= _ABSENT_FIRST) & (chosen.status <= _ABSENT_LAST)
    whole = np.where(absent, shown.length[at], 0)
    states.minutes[at] = np.where(chosen.minutes >= 0, chosen.minutes, whole)
    return states


@dataclass(frozen=True, slots=True)
class Shown:
    """The student-days to resolve: which sessions are open and scheduled, how long, and what no mark means."""

    is_open: Flags  # [row, 2]
    length: Ints  # [row, 2]
    scheduled: Flags  # [row, 2]
    missing: int
    blank: int

    def unmarked(self) -> States:
        """S3.6: the state of every session before any mark."""
        shape = self.scheduled.shape
        return States(
            np.where(self.scheduled, self.missing, NOT_SCHEDULED).astype(np.int8),
            np.full(shape, self.blank, np.int32),
            np.zeros(shape, np.bool_),
            np.zeros(shape, np.int32),
        )


def shown_days(cohort: Cohort, table: CodeTable, pair: Ints, day: Ints) -> Shown:
    """The student-days (pair, day index) of a cohort."""
    calendar = cohort.school.calendar
    present = cohort.school.settings.missing_mark_policy is MissingMarkPolicy.PRESENT
    return Shown(
        calendar.is_open[day],
        calendar.minutes[day],
        cohort.scheduled[pair, day],
        _PRESENT if present else _NO_MARK,
        table.blank,
    )


def day_index(cohort: Cohort, day: Ints) -> tuple[Ints, Flags]:
    """Where each date stands among the school's open days, and whether it is one of them."""
    days = cohort.school.calendar.days
    if not len(days):
        return np.zeros(len(day), np.int64), np.zeros(len(day), np.bool_)
    at = np.minimum(np.searchsorted(days, day), len(days) - 1)
    return at, days[at] == day


def final_states(cohort: Cohort, table: CodeTable, won: Winners) -> States:
    """Every session of every student-day, all winning marks known."""
    students, days = cohort.shape
    pair, day = np.divmod(np.arange(students * days), max(1, days))
    at, is_open = day_index(cohort, won.marks.day)
    here = won.take(is_open)
    row = here.marks.pair * days + at[is_open]
    return resolve(here, row, shown_days(cohort, table, pair, day)).reshape(students, days, 2)


def mark_issues(cohort: Cohort, won: Winners, codes: Sequence[str], students: Sequence[str]) -> list[Issue]:
    """S2.4, S4.2 and S4.3: what does not count, and why, in the order of the file."""
    at, known = day_index(cohort, won.marks.day)
    sessions, whole = won.marks.session, won.marks.session == DAY
    blank = np.zeros((len(at), 2), np.bool_)
    is_open = cohort.school.calendar.is_open[at] & known[:, None] if known.any() else blank
    on_roll = cohort.scheduled[won.marks.pair, at] & known[:, None] if known.any() else blank
    aimed = np.stack([(sessions == 0) | (whole & is_open[:, 0]), (sessions == 1) | (whole & is_open[:, 1])], axis=1)
    nowhere = whole & ~is_open.any(axis=1)
    odd = (won.status == _UNKNOWN) | (aimed & ~on_roll).any(axis=1) | nowhere
    found: list[Issue] = []
    rows = np.flatnonzero(odd)
    for row in rows[np.lexsort((won.first[rows], won.marks.pair[rows]))].tolist():
        pair, code = int(won.marks.pair[row]), codes[int(won.marks.code[row])]
        place = (students[pair], cohort.school.school_id, day_text(int(won.marks.day[row])))
        if won.status[row] == _UNKNOWN:
            found.append(Issue(IssueKind.UNKNOWN_CODE, *place, code))
        for number in np.flatnonzero(aimed[row] & ~on_roll[row]):
            closed = not is_open[row, number]
            kind = IssueKind.MARK_ON_CLOSED_SESSION if closed else IssueKind.MARK_WHILE_NOT_ENROLLED
            found.append(Issue(kind, *place, f"{SESSIONS[number]} {code}"))
        if nowhere[row]:
            found.append(Issue(IssueKind.MARK_ON_CLOSED_SESSION, *place, f"DAY {code}"))
    return found
