"""The benches' register generator writes exactly what it is asked for, the same every time."""

from pathlib import Path

from tests.deploy.district_reader import ABSENT, rows
from tests.performance.registers import write_registers


def test_a_bench_register_has_the_rows_asked_for_and_lies_in_its_calendar(tmp_path: Path) -> None:
    counts = write_registers(tmp_path, marks=20_000, seed=4)
    marks = rows(tmp_path / "marks.csv")
    open_sessions = {(row["school_id"], row["date"], row["session"]) for row in rows(tmp_path / "calendar.csv")}
    enrolled = {(row["student_id"], row["school_id"]) for row in rows(tmp_path / "enrolments.csv")}
    assert len(marks) == counts["marks"] == len({mark["mark_id"] for mark in marks}) == 20_000
    assert {(mark["school_id"], mark["date"], mark["session"]) for mark in marks} <= open_sessions
    assert {(mark["student_id"], mark["school_id"]) for mark in marks} == enrolled
    absent = sum(mark["code"] in ABSENT for mark in marks) / len(marks)
    assert 0.03 < absent < 0.12


def test_the_same_seed_writes_the_same_bench_register(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_registers(tmp_path / name, marks=5_000, seed=4)
    assert (tmp_path / "one" / "marks.csv").read_bytes() == (tmp_path / "two" / "marks.csv").read_bytes()
