"""Writes a large, plain register for benches: `python -m tests.performance.registers OUT --marks 1000000`."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deploy.local.demo.term_dates import teaching_days
from deploy.local.demo.writer import write_table

SCHOOL_STUDENTS = 350
CODES = np.array(["/", "\\", "L", "I", "O", "M", "C", "G", "N"])
PRESENT_AM, PRESENT_PM, LATE, ILL, NOT_YET = 0, 1, 2, 3, 8
# Of absence spells: illness, other unauthorised, appointment, leave, holiday.
KINDS, KIND_SHARES = (3, 4, 5, 6, 7), (0.6, 0.2, 0.05, 0.08, 0.07)
MARK_COLUMNS = "mark_id,student_id,school_id,date,session,code,recorded_at,register,deleted"


@dataclass(frozen=True)
class Roll:
    """One school's students and their codes by (student, day, session)."""

    school_id: str
    students: list[str]
    codes: NDArray[np.int8]


def write_registers(folder: Path, *, marks: int, seed: int = 1, year: int = 2025) -> dict[str, int]:
    """Schools, calendar, students, enrolments and exactly `marks` marks of one English school year; rows per file.

    About 6 % of sessions are missed in spells; one absence in three is first entered as N and explained days later.
    """
    days = teaching_days(year)
    students = max(1, -(-marks // (2 * len(days))))
    rng = np.random.default_rng(seed)
    rolls = [
        _roll(rng, number, min(SCHOOL_STUDENTS, students - first), len(days))
        for number, first in enumerate(range(0, students, SCHOOL_STUDENTS))
    ]
    folder.mkdir(parents=True, exist_ok=True)
    everybody = [(student, roll.school_id) for roll in rolls for student in roll.students]
    return {
        "schools": write_table(
            folder / "schools.csv",
            "school_id,name,code_set,missing_mark_policy,sessions_per_day,year_start,day_basis,timezone",
            [(r.school_id, f"School {r.school_id}", "UK", "EXCLUDE", 2, "08-01", "", "Europe/London") for r in rolls],
        ),
        "calendar": write_table(
            folder / "calendar.csv",
            "school_id,date,session",
            [(roll.school_id, day, session) for roll in rolls for day in days for session in ("AM", "PM")],
        ),
        "students": write_table(
            folder / "students.csv",
            "student_id,first_name,last_name,year_group",
            [(student, "Student", student, 5) for student, _ in everybody],
        ),
        "enrolments": write_table(
            folder / "enrolments.csv",
            "student_id,school_id,start_date,end_date,attends",
            [(student, school, days[0], "", "AM|PM") for student, school in everybody],
        ),
        "marks": _write_marks(folder / "marks.csv", rolls, days, marks),
    }


def _roll(rng: np.random.Generator, number: int, size: int, days: int) -> Roll:
    codes = np.empty((size, days, 2), np.int8)
    codes[:, :, 0], codes[:, :, 1] = PRESENT_AM, PRESENT_PM
    codes[rng.random(codes.shape) < 0.02] = LATE
    often = rng.gamma(0.9, 1 / 0.9, size)
    left = np.zeros(size, np.int64)
    kind = np.full(size, ILL, np.int8)
    for day in range(days):
        starts = (left == 0) & (rng.random(size) < 0.032 * often)
        left[starts] = rng.geometric(0.55, int(starts.sum()))
        kind[starts] = rng.choice(KINDS, int(starts.sum()), p=KIND_SHARES)
        away = left > 0
        codes[away, day, 0] = kind[away]
        half = rng.random(size) < 0.1
        codes[away & ~half, day, 1] = kind[away & ~half]
        left[away] -= 1
    return Roll(f"B{number:03d}", [f"B{number:03d}-{i:04d}" for i in range(size)], codes)


def _write_marks(path: Path, rolls: list[Roll], days: tuple[date, ...], marks: int) -> int:
    """Day by day, the later corrections of a day behind its registers. Stops at exactly `marks` rows."""
    written = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(MARK_COLUMNS + "\n")
        for lines in _pages(rolls, days):
            kept = lines[: marks - written]
            file.writelines([f"{written + i}{line}" for i, line in enumerate(kept)])
            written += len(kept)
            if written == marks:
                break
    return written


def _pages(rolls: list[Roll], days: tuple[date, ...]) -> Iterator[list[str]]:
    texts = CODES.tolist()
    for index, day in enumerate(days):
        for roll in rolls:
            late: list[str] = []
            page: list[str] = []
            for session, name, at in ((0, "AM", "09:15"), (1, "PM", "13:30")):
                middle, end = f",{roll.school_id},{day},{name},", f",{day}T{at}:00Z,,0\n"
                corrected = f",{day + timedelta(days=1 + index % 6)}T15:00:00Z,,0\n"
                today = roll.codes[:, index, session]
                unknown = (today >= ILL) & ((np.arange(len(today)) + index) % 3 == 0)
                first = np.where(unknown, NOT_YET, today).tolist()
                page += [
                    f",{student}{middle}{texts[code]}{end}" for student, code in zip(roll.students, first, strict=True)
                ]
                late += [
                    f",{roll.students[i]}{middle}{texts[today[i]]}{corrected}" for i in np.flatnonzero(unknown).tolist()
                ]
            yield page
            yield late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--marks", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rows = write_registers(given.out, marks=given.marks, seed=given.seed)
    sys.stdout.write(" ".join(f"{name}={count}" for name, count in rows.items()) + "\n")


if __name__ == "__main__":
    main()
