"""`handrail simulate`: a district folder in, a report and tables out; what it refuses, and how."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path

import pytest

import cli
from rules.rulesets.ruleset import dump_ruleset, load_pack
from tests.cli.test_evaluate import FILES

FIRST = date(2025, 9, 1)
WEEKDAYS = [day for n in range(84) if (day := FIRST + timedelta(days=n)).weekday() < 5]
PUPILS = 40


def written(folder: Path, name: str, header: str, lines: list[str]) -> None:
    (folder / f"{name}.csv").write_text("\n".join([header, *lines, ""]), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Every third of forty pupils at two schools misses each Monday to Wednesday; one of them is exempt."""
    data = tmp_path / "data"
    data.mkdir()
    written(
        data,
        "schools",
        "school_id,name,code_set,missing_mark_policy,sessions_per_day",
        [f"{school},{school},UK,EXCLUDE,2" for school in ("N", "S")],
    )
    slots = [f"{school},{day},{half}" for school in ("N", "S") for day in WEEKDAYS for half in ("AM", "PM")]
    written(data, "calendar", "school_id,date,session", slots)
    schools = {n: "N" if n < PUPILS // 2 else "S" for n in range(PUPILS)}
    spans = [f"p{n:02},{school},{FIRST},,AM|PM" for n, school in schools.items()]
    written(data, "enrolments", "student_id,school_id,start_date,end_date,attends", spans)
    marks = [
        f"p{n:02},{school},{day},DAY,{'O' if n % 3 == 0 and day.weekday() < 3 else '/'},{day}T09:00:00Z"
        for n, school in schools.items()
        for day in WEEKDAYS
    ]
    written(data, "marks", "student_id,school_id,date,session,code,recorded_at", marks)
    about = [f"p{n:02},2015-01-{1 + n % 28:02},{5 + n % 2},{int(n == 0)},{'FM'[n % 2]}" for n in range(PUPILS)]
    written(data, "students", "student_id,dob,year_group,exempt,sex", about)
    return data


def refused(data: Path, out: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    rules = () if "--rules" in options else ("--rules", "general")
    with pytest.raises(SystemExit) as exit_:
        cli.main(["simulate", "--data", str(data), "--out", str(out), *rules, *options])
    assert exit_.value.code == 2
    assert not out.exists()
    return capsys.readouterr().err


def ran(data: Path, out: Path, *options: str) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["simulate", "--data", str(data), "--rules", "general", "--out", str(out), *options])
    assert exit_.value.code == 0


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_folder_becomes_a_report_figures_and_tables(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    ran(folder, out)
    counts = json.loads(capsys.readouterr().out)
    assert counts["student_schools"] == PUPILS
    assert counts["student_days"] == PUPILS * len(WEEKDAYS)
    names = ["entries.csv", "figures.json", "groups.csv", "report.html", "weeks.csv"]
    assert sorted(file.name for file in out.iterdir()) == names
    figures = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    assert figures["rule_sets"][0]["students_with_a_step"] == 13
    assert {row["by"] for row in figures["groups"]} == {"school", "year_group", "sex"}
    assert rows(out / "entries.csv")[0] == {
        "rule_set": "first",
        "stage": "contact",
        "month": "2025-09",
        "entries": "13",
    }
    assert "General attendance ladder" in (out / "report.html").read_text(encoding="utf-8")


def test_no_student_and_no_small_count_is_in_what_may_be_passed_on(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran(folder, out)
    for file in out.iterdir():
        assert "p03" not in file.read_text(encoding="utf-8")
    school = rows(out / "groups.csv")[0]
    assert (school["by"], school["students"], school["with_a_step"], school["letter_steps"]) == (
        "school",
        "20",
        "hidden",
        "hidden",
    )


def test_two_rule_sets_stand_side_by_side_and_events_are_written_on_request(folder: Path, tmp_path: Path) -> None:
    later = dump_ruleset(load_pack("general"))
    later["entry"] = {"type": "ConsecutiveAbsenceDays", "params": {"n": 10}}
    file, out = tmp_path / "later.json", tmp_path / "out"
    file.write_text(json.dumps(later), encoding="utf-8")
    ran(folder, out, "--against", str(file), "--events", "--approval-days", "2", "--minutes", "LETTER=30")
    change = rows(out / "changes.csv")[0]
    assert change == {"stage": "any", "first": "13", "second": "0", "both": "0", "added": "0", "dropped": "13"}
    events = rows(out / "events.csv")
    stopped = [row["student_id"] for row in events if row["what"] == "STOPPED"]
    assert stopped
    assert set(stopped) == {"p00"}
    first = next(row for row in events if row["student_id"] == "p03")
    assert (first["date"], first["stage"], first["carried_out"]) == ("2025-09-03", "contact", "2025-09-05")
    assert json.loads((out / "figures.json").read_text(encoding="utf-8"))["minutes_per_step"]["LETTER"] == 30


def test_days_can_be_named(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran(folder, out, "--from", "2025-09-08", "--to", "2025-09-30", "--subgroup", "sex")
    figures = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    assert (figures["from"], figures["to"]) == ("2025-09-08", "2025-09-30")


def test_without_students_csv_only_schools_are_told_apart(folder: Path, tmp_path: Path) -> None:
    (folder / "students.csv").unlink()
    ran(folder, tmp_path / "out")
    assert {row["by"] for row in rows(tmp_path / "out" / "groups.csv")} == {"school"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rules", "nowhere.json"), "no such file: give a rule set as JSON, or the name of a pack (general"),
        (("--approval-days", "61"), "--approval-days: write a number from 0 to 60"),
        (("--minutes", "LETTER=soon"), "LETTER=15"),
        (("--minutes", "TEA=5"), "write one of CONTACT, LETTER"),
        (("--from", "1 September"), "--from: '1 September' is not a date: write YYYY-MM-DD"),
        (("--to", "2025-13-01"), "--to: '2025-13-01' is not a date"),
        (("--from", "2026-08-01", "--to", "2026-08-31"), "no school is open from 2026-08-01 to 2026-08-31"),
        (("--subgroup", "shoe_size"), "column shoe_size: missing"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_to_do(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    assert said in refused(folder, tmp_path / "out", capsys, *options)


def test_bad_files_are_refused_with_their_place(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, file = tmp_path / "out", tmp_path / "bad.json"
    file.write_text("{", encoding="utf-8")
    assert "not JSON" in refused(folder, out, capsys, "--rules", str(file))
    file.write_text('{"key": "x", "title": "X", "entry": {"type": "Wrong"}, "stages": []}', encoding="utf-8")
    assert f"{file}: entry" in refused(folder, out, capsys, "--rules", str(file))
    scoped = dump_ruleset(load_pack("general")) | {"scope": {"schools": ["01a1fde2-6b02-70ed-b058-836a7560a4b8"]}}
    file.write_text(json.dumps(scoped), encoding="utf-8")
    assert "scope.schools: name schools of this district" in refused(folder, out, capsys, "--rules", str(file))
    written(folder, "students", "student_id,dob", ["p00,1 May 2015"])
    assert "students.csv, row 2, column dob: '1 May 2015' is not a date" in refused(folder, out, capsys)
    (folder / "students.csv").unlink()
    assert "students.csv: missing, but --subgroup asks for sex" in refused(folder, out, capsys, "--subgroup", "sex")
    (folder / "marks.csv").write_text(FILES["marks"].splitlines()[0] + "\n", encoding="utf-8")
    assert "no mark of an enrolled student" in refused(folder, out, capsys)
