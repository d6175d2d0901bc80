"""Ten unauthorised sessions at two schools: the count across the tenant reaches them, the count of one school never."""

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bulk.evaluation import Mode, Request, evaluate
from bulk.verdicts import read_rules
from cli.evaluate import load

MONDAY = date(2025, 9, 1)
MOVED = MONDAY + timedelta(days=7)
"""The student leaves the first school on the Friday before, having missed six sessions there."""


def rule(rule_id: str, across: str, sessions: int = 10) -> dict[str, Any]:
    params = {"sessions": sessions, "across": across}
    return {"rule_id": rule_id, "type": "UnauthorisedSessionsThreshold", "params": params}


def write(folder: Path, name: str, header: str, rows: list[tuple[object, ...]]) -> None:
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header.split(","), *rows])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    days = [MONDAY + timedelta(days=n) for n in range(12) if (MONDAY + timedelta(days=n)).weekday() < 5]
    halves = [(day, half) for day in days for half in ("AM", "PM")]
    header = "school_id,name,code_set,missing_mark_policy,sessions_per_day,year_start,day_basis,timezone"
    schools = [(name, name, "UK", "EXCLUDE", 2, "08-01", "", "Europe/London") for name in ("first", "second")]
    write(tmp_path, "schools", header, [*schools])
    calendar: list[tuple[object, ...]] = [
        (school, *slot) for school, shut in (("first", None), ("second", MONDAY)) for slot in halves if slot[0] != shut
    ]
    write(tmp_path, "calendar", "school_id,date,session", calendar)
    roll: list[tuple[object, ...]] = [
        ("ann", "first", MONDAY, MOVED - timedelta(days=1), "AM|PM"),
        ("ann", "second", MOVED, "", "AM|PM"),
        ("ben", "second", MONDAY, "", "AM|PM"),
    ]
    write(tmp_path, "enrolments", "student_id,school_id,start_date,end_date,attends", roll)
    missed = [("ann", "first", *slot) for slot in halves[:6]]
    missed += [("ann", "second", *slot) for slot in halves if slot[0] >= MOVED][:4]
    marks: list[tuple[object, ...]] = [(n, *who, "O", f"{who[2]}T16:00:00Z", "", 0) for n, who in enumerate(missed)]
    write(tmp_path, "marks", "mark_id,student_id,school_id,date,session,code,recorded_at,register,deleted", marks)
    return tmp_path


@pytest.mark.parametrize("mode", Mode)
def test_the_tenth_session_counts_wherever_it_was_missed(folder: Path, mode: Mode) -> None:
    district = load(folder).build()
    rules = read_rules([rule("TENANT", "TENANT"), rule("NEARLY", "TENANT", 11), rule("SCHOOL", "SCHOOL", 5)])
    found = evaluate(district, Request(rules, mode)).decisions
    tripped = {
        (district.pair_student[one.pair], district.schools[district.pair_school[one.pair]].school_id, one.rule_id): (
            one.edges
        )
        for decisions in found
        for one in decisions
        if one.edges
    }
    assert tripped == {
        ("ann", "second", "TENANT"): (str(MOVED + timedelta(days=1)),),
        ("ann", "first", "SCHOOL"): (str(MONDAY + timedelta(days=2)),),
    }
