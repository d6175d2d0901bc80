"""The marks table as arrays: rows that cannot be used are set aside with an issue, a broken file is refused."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bulk.district import DAY, SESSIONS, Marks
from bulk.problems import Problems
from bulk.vocabulary import BAD, Columns, Flags, Ids, Ints, Rows, Vocabulary, parse_day
from rules.attendance.quality import CONTROL, Issue, IssueKind, printable

COLUMNS = ("student_id", "school_id", "date", "session", "code", "recorded_at", "register", "deleted", "minutes_missed")
_SESSION = {**{name: at for at, name in enumerate(SESSIONS)}, "DAY": DAY}
_DELETED = {"": 0, "0": 0, "1": 1, "false": 0, "true": 1}
_EXCEL = re.compile(r"\d{4,5}(\.\d+)?")


@dataclass(frozen=True, slots=True)
class ParsedMarks:
    """All usable rows in file order, by student and school as written."""

    student: Ids
    school: Ids
    marks: Marks
    codes: tuple[str, ...]
    issues: tuple[Issue, ...]

    def sorted_by(self, pair: Ints) -> Marks:
        """The rows of known pairs by pair; rows of a pair stay in file order."""
        order = np.flatnonzero(pair >= 0)
        order = order[np.argsort(pair[order], kind="stable")]
        rows = self.marks.take(order)
        return rows.of_pairs(pair[order])


class MarkRows:
    """Gathers `marks*.csv`; codes and registers are numbered across files."""

    def __init__(self, students: Vocabulary, schools: Vocabulary) -> None:
        self._students, self._schools = students, schools
        self._shared = {"student_id": students, "school_id": schools}
        self._shared |= {name: Vocabulary() for name in COLUMNS if name not in self._shared}
        self._parts: list[tuple[Ids, Ids, Marks]] = []
        self._codes = Vocabulary()
        self._codes.number("")
        self._issues: list[Issue] = []
        self.count = 0

    def read(self, file: str, blocks: Iterable[Rows]) -> None:
        columns = Columns(COLUMNS, self._shared)
        for block in blocks:
            columns.add(block)
        rows = columns.row_numbers()
        self.count += len(rows)
        usable = self._usable(file, rows, columns)
        self._parts.append(_parse(file, rows[usable], columns.only(usable), self._codes))

    def parsed(self) -> ParsedMarks:
        """Everything read so far."""
        students = [part[0] for part in self._parts] or [np.zeros(0, np.int32)]
        schools = [part[1] for part in self._parts] or [np.zeros(0, np.int32)]
        marks = Marks.joined([part[2] for part in self._parts])
        codes, issues = tuple(self._codes.texts), tuple(self._issues)
        return ParsedMarks(np.concatenate(students), np.concatenate(schools), marks, codes, issues)

    def _usable(self, file: str, rows: Ids, columns: Columns) -> Flags:
        """Row problems (nasty inputs 24 and 30): control characters, sessions and dates of another form."""
        usable = np.ones(len(rows), np.bool_)
        for name in COLUMNS:
            usable &= self._drop(file, rows, columns, name, IssueKind.CONTROL_CHARACTER, usable)
        usable &= self._drop(file, rows, columns, "session", IssueKind.UNKNOWN_SESSION, usable)
        return usable & self._drop(file, rows, columns, "date", IssueKind.EXCEL_SERIAL_DATE, usable)

    def _drop(self, file: str, rows: Ids, columns: Columns, name: str, kind: IssueKind, usable: Flags) -> Flags:
        texts = columns.words[name].texts
        wrong = np.fromiter((_IS_WRONG[kind](text) for text in texts), np.bool_, len(texts))
        if not wrong.any():
            return np.ones(len(rows), np.bool_)
        bad = wrong[columns.joined(name)]
        for at in np.flatnonzero(bad & usable).tolist():
            student, school = (columns.text_at(part, at) for part in ("student_id", "school_id"))
            day = columns.text_at("date", at)
            shown = day if parse_day(day) != BAD else ""
            detail = f"{file}, row {rows[at]}, column {name}: {printable(columns.text_at(name, at))}"
            self._issues.append(Issue(kind, printable(student), printable(school), shown, detail))
        return ~bad


_IS_WRONG = {
    IssueKind.CONTROL_CHARACTER: lambda text: CONTROL.search(text) is not None,
    IssueKind.UNKNOWN_SESSION: lambda text: text not in _SESSION,
    IssueKind.EXCEL_SERIAL_DATE: lambda text: _EXCEL.fullmatch(text) is not None,
}


def _parse(file: str, rows: Ids, columns: Columns, codes: Vocabulary) -> tuple[Ids, Ids, Marks]:
    problems = Problems(file)
    day = problems.days(rows, "date", columns)
    recorded = problems.instants(rows, "recorded_at", columns)
    deleted = problems.choices(rows, "deleted", columns, _DELETED)
    minutes = problems.counts(rows, "minutes_missed", columns, -1)
    problems.raise_any()
    stripped = columns.words["code"].table(lambda text: codes.number(text.strip()))
    session = columns.words["session"].table(lambda text: _SESSION.get(text, DAY))
    marks = Marks(
        np.zeros(len(rows), np.int64),
        day,
        session[columns.joined("session")].astype(np.int8),
        stripped[columns.joined("code")].astype(np.int32),
        recorded,
        columns.joined("register"),
        deleted == 1,
        minutes.astype(np.int32),
    )
    return columns.joined("student_id"), columns.joined("school_id"), marks
