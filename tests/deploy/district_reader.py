"""Reads a generated district folder back and counts, plainly, what the entry of the `general` pack would see."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

UNAUTHORISED = frozenset("GNOU")
AUTHORISED = frozenset(("C", "C2", "E", "I", "M", "R", "S"))
ABSENT = UNAUTHORISED | AUTHORISED
FAMILY_CODES = frozenset(("C2", "E", "C1", "J1", "S", "T", "R", "M"))

Days = dict[date, list[str]]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def final_codes(marks: list[dict[str, str]]) -> dict[tuple[str, str], Days]:
    """Codes per day of every (student, school), the last recorded mark of a session winning."""
    winner: dict[tuple[str, str, str, str], tuple[str, str]] = {}
    for mark in marks:
        key = (mark["student_id"], mark["school_id"], mark["date"], mark["session"])
        if key not in winner or mark["recorded_at"] >= winner[key][0]:
            winner[key] = (mark["recorded_at"], mark["code"])
    found: dict[tuple[str, str], Days] = defaultdict(dict)
    for (student, school, day, _), (_, code) in sorted(winner.items()):
        found[student, school].setdefault(date.fromisoformat(day), []).append(code)
    return dict(found)


def entry_holds(days: Mapping[date, list[str]], on: date) -> bool:
    """The entry of `general` on one day: five days in thirty, or below 90 %, or three days running."""
    begin = date(on.year if on.month >= 8 else on.year - 1, 8, 1)
    counted = {
        day: kept
        for day, codes in sorted(days.items())
        if begin <= day <= on and (kept := [code for code in codes if code not in FAMILY_CODES])
    }
    absent = {day: sum(code in ABSENT for code in codes) for day, codes in counted.items()}
    in_thirty = sum(n for day, n in absent.items() if day > on - timedelta(days=30))
    possible = sum(map(len, counted.values()))
    below = len(counted) >= 10 and 10 * sum(absent.values()) > possible
    last_three = list(counted)[-3:]
    running = len(last_three) == 3 and all(absent[day] == len(counted[day]) for day in last_three)
    return in_thirty >= 10 or below or running


@dataclass(frozen=True)
class Written:
    """A district folder, read lazily."""

    folder: Path

    def table(self, name: str) -> list[dict[str, str]]:
        return rows(self.folder / f"{name}.csv")

    @cached_property
    def marks(self) -> list[dict[str, str]]:
        return self.table("marks")

    @cached_property
    def codes(self) -> dict[tuple[str, str], Days]:
        return final_codes(self.marks)

    @cached_property
    def phases(self) -> dict[str, str]:
        return {school["school_id"]: school["phase"] for school in self.table("schools")}

    def queue(self, on: date) -> list[tuple[str, str]]:
        """(student, school) whose entry holds on the evening of `on`, among those then enrolled."""
        enrolled = {
            (e["student_id"], e["school_id"])
            for e in self.table("enrolments")
            if e["start_date"] <= str(on) and (not e["end_date"] or e["end_date"] >= str(on))
        }
        return [key for key in sorted(enrolled) if key in self.codes and entry_holds(self.codes[key], on)]
