"""Writes the district folder: small tables by the csv module, marks in the order in which they were recorded."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TextIO

from deploy.local.demo.people import School, Span, Student
from deploy.local.demo.register import PRESENT_CODES, SESSION_NAMES, Attendance

MARK_COLUMNS = (
    "mark_id,student_id,school_id,date,session,code,recorded_at,deleted,minutes_missed,"
    "recorded_by,recorded_by_title,amend_reason"
)
TITLE = "Attendance officer"


def write_table(path: Path, columns: str, rows: Iterable[Sequence[object]]) -> int:
    """One CSV file with a header; the number of rows."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns.split(","))
        for row in rows:
            writer.writerow(
                ["" if value is None else int(value) if isinstance(value, bool) else value for value in row]
            )
            count += 1
    return count


@dataclass(frozen=True)
class Register:
    """Everything one student has at one school."""

    student: Student
    span: Span
    attendance: Attendance


def write_marks(path: Path, registers: Sequence[Register], officers: Mapping[str, str]) -> int:
    """All marks in the order in which they were recorded: mornings, afternoons, then that day's amendments."""
    schools: dict[str, list[Register]] = {}
    for register in registers:
        schools.setdefault(register.span.school.school_id, []).append(register)
    pages = {school_id: _SchoolPages(own, officers[school_id]) for school_id, own in schools.items()}
    every_day = sorted({day for own in schools.values() for day in own[0].span.school.dates.past})
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(MARK_COLUMNS + "\n")
        numbering = _Numbered(file)
        for day in every_day:
            for page in pages.values():
                numbering.write(page.lines(day))
    return numbering.count


class _Numbered:
    """Gives each line its mark id."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.count = 0

    def write(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.count += 1
            self._file.write(f"M{self.count}{line}")


class _SchoolPages:
    """The register pages of one school, ready to be written a day at a time."""

    def __init__(self, registers: Sequence[Register], officer: str) -> None:
        self._school: School = registers[0].span.school
        self._registers = registers
        self._officer = officer
        self._index = {day: i for i, day in enumerate(self._school.dates.past)}
        self._amendments: dict[int, list[tuple[Register, int, int]]] = {}
        for register in registers:
            for (day, session), entered in register.attendance.amended_on.items():
                self._amendments.setdefault(entered, []).append((register, day, session))

    def lines(self, day: date) -> Iterator[str]:
        index = self._index.get(day)
        if index is None:
            return
        for session, name in enumerate(SESSION_NAMES[: len(self._school.dates.sessions(day))]):
            yield from self._page(index, session, f",{self._school.school_id},{day},{name},")
        yield from self._amended(index, day)

    def _page(self, index: int, session: int, middle: str) -> Iterator[str]:
        day = self._school.dates.past[index]
        hour, minute = (("09", 15), ("13", 30))[session]
        usual, key = PRESENT_CODES[session], (index, session)
        for register in self._registers:
            if not _enrolled(register.span, day):
                continue
            found = register.attendance
            code = found.first_codes.get(key) or found.codes.get(key) or usual
            sent = minute + _offset(register.student.class_id)
            late = found.minutes_late.get(key, "")
            yield f",{register.student.student_id}{middle}{code},{day}T{hour}:{sent:02d}:00Z,0,{late},,,\n"

    def _amended(self, index: int, day: date) -> Iterator[str]:
        for register, absent, session in self._amendments.get(index, ()):
            dates = self._school.dates
            of = dates.past[absent]
            if not _enrolled(register.span, of) or SESSION_NAMES[session] not in dates.sessions(of):
                continue
            code = register.attendance.codes[absent, session]
            yield (
                f",{register.student.student_id},{self._school.school_id},{of},{SESSION_NAMES[session]},{code},"
                f"{day}T15:00:00Z,0,,{self._officer},{TITLE},Reason established\n"
            )


def _offset(class_id: str) -> int:
    """Classes send their registers a few minutes apart."""
    return sum(map(ord, class_id)) % 7


def _enrolled(span: Span, day: date) -> bool:
    return span.first <= day and (span.last is None or day <= span.last)
