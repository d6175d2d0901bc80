"""`handrail evaluate`: what it refuses and how, what it loads, trees in the rules file, nothing half-written."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

import cli
from cli.evaluate import command

FILES = {
    "schools": "school_id,name,code_set,missing_mark_policy,sessions_per_day,year_start,day_basis\n"
    "S,S,UK,EXCLUDE,2,08-01,\n",
    "calendar": "school_id,date,session\n"
    + "".join(f"S,2024-09-{day:02},{half}\n" for day in range(2, 7) for half in ("AM", "PM")),
    "enrolments": "student_id,school_id,start_date,end_date,attends\nA,S,2024-09-02,,AM|PM\n",
    "marks": "mark_id,student_id,school_id,date,session,code,recorded_at\n"
    + "".join(
        f"{day},A,S,2024-09-{day:02},DAY,{code},2024-09-{day:02}T09:00:00Z\n" for day, code in enumerate("/IIIL", 2)
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    for name, text in FILES.items():
        (data / f"{name}.csv").write_text(text, encoding="utf-8")
    return data


def refused(data: Path, out: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["evaluate", "--data", str(data), "--out", str(out), *options])
    assert exit_.value.code == 2
    assert not out.exists()
    return capsys.readouterr().err.splitlines()


def decisions(out: Path) -> list[dict[str, str]]:
    with (out / "decisions.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_counts_are_one_line_of_json(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(folder, tmp_path / "out")
    counts = json.loads(capsys.readouterr().out)
    assert (counts["student_schools"], counts["marks"], counts["summaries"]) == (1, 5, 5)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "decisions.csv",
        "issues.csv",
        "summaries.csv",
    ]


BROKEN = [
    ("marks", "", "marks.csv: empty"),
    (
        "marks",
        "student_id,school_id,date,session,code\nA,S,2024-09-02,AM,/\n",
        "marks.csv, row 1, column recorded_at: missing",
    ),
    ("marks", FILES["marks"] + "9,A,S,2024-09-0", "marks.csv, row 7: 4 fields where the header has 7"),
    (
        "marks",
        FILES["marks"] + "9,A,S,02/09/2024,AM,/,2024-09-02T09:00:00Z\n",
        "marks.csv, row 7, column date: 02/09/2024",
    ),
    ("marks", FILES["marks"] + "9,A,S,2024-09-02,AM,/,2024-09-02 09:00\n", "marks.csv, row 7, column recorded_at: "),
    ("marks", FILES["marks"] + '9,A,S,2024-09-02,AM,"/\n', "marks.csv, row 7: not CSV"),
    (
        "enrolments",
        "student_id,school_id,start_date\nA,T,2024-09-02\n",
        "enrolments.csv, row 2, column school_id: not in schools.csv",
    ),
    ("enrolments", "student_id,school_id,start_date\nA,S,today\n", "enrolments.csv, row 2, column start_date: today"),
    ("calendar", "school_id,date,session\nS,2024-09-31,AM\n", "calendar.csv, row 2, column date: 2024-09-31"),
    ("schools", FILES["schools"].replace("UK", "SIS9"), "schools.csv, column code_set: 'SIS9' has no code map"),
    (
        "schools",
        FILES["schools"].replace("EXCLUDE,2,08-01", "IGNORE,3,02-29"),
        "schools.csv, row 2, column missing_mark_policy",
    ),
]


@pytest.mark.parametrize(
    ("table", "text", "line"), BROKEN, ids=[f"{table}-{at}" for at, (table, _, _) in enumerate(BROKEN)]
)
def test_a_structural_problem_is_one_line_with_its_place_and_nothing_is_written(
    table: str, text: str, line: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / f"{table}.csv").write_text(text, encoding="utf-8")
    lines = refused(folder, tmp_path / "out", capsys)
    assert any(found.startswith(line) for found in lines), lines


def test_missing_files_are_all_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()
    lines = refused(tmp_path / "data", tmp_path / "out", capsys)
    assert [line.partition(":")[0] for line in lines] == ["schools.csv", "calendar.csv", "enrolments.csv", "marks.csv"]


@pytest.mark.parametrize(
    ("option", "value"),
    [("--rules", "nowhere.json"), ("--as-of", "soon"), ("--known-at", "2024-09-02T09:00:00")],
)
def test_a_wrong_option_says_what_to_write(
    option: str, value: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(folder, tmp_path / "out", capsys, option, value)


def test_an_unknown_leaf_is_refused_by_its_place(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps([{"rule_id": "R", "when": {"any": [{"type": "Mood", "params": {}}]}}]))
    (line,) = refused(folder, tmp_path / "out", capsys, "--rules", str(rules))
    assert line.startswith("[0].when.any[0]")


def test_row_problems_are_issues_and_the_rest_is_read(folder: Path, tmp_path: Path) -> None:
    rows = "7,A,S,2024-09-06,XX,I,2024-09-06T10:00:00Z\n8,A,S,2024-09-06,AM,I\x00,2024-09-06T10:00:00Z\n"
    rows += "9,A,S,45541,AM,I,2024-09-06T10:00:00Z\n10,Z,S,2024-09-06,AM,I,2024-09-06T10:00:00Z\n"
    (folder / "marks.csv").write_text(FILES["marks"] + rows, encoding="utf-8")
    command(folder, tmp_path / "out")
    issues = (tmp_path / "out" / "issues.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert sorted(line.partition(",")[0] for line in issues) == [
        "CONTROL_CHARACTER",
        "EXCEL_SERIAL_DATE",
        "MARKS_WITHOUT_ENROLMENT",
        "UNKNOWN_SESSION",
    ]


def test_a_tree_is_evaluated_with_three_values_and_shows_its_leaves(folder: Path, tmp_path: Path) -> None:
    run = {"type": "ConsecutiveAbsenceDays", "params": {"n": 3}}
    low = {"type": "AttendancePercentThreshold", "params": {"below": 90}}
    tree = [
        {"rule_id": "ANY", "when": {"any": [run, low]}},
        {"rule_id": "ALL", "when": {"all": [run, low]}},
        {"rule_id": "NOT", "when": {"not": low}},
        {"rule_id": "CASE", "when": {"any": [run, {"type": "CaseResolved", "params": {}}]}},
    ]
    (tmp_path / "rules.json").write_text(json.dumps(tree))
    command(folder, tmp_path / "out", rules=tmp_path / "rules.json")
    found = {
        row["rule_id"]: (row["all_rising_edges"], row["value_at_first_trip"]) for row in decisions(tmp_path / "out")
    }
    assert found == {"ANY": ("2024-09-05", "3;"), "ALL": ("", ""), "NOT": ("", ""), "CASE": ("2024-09-05", "3;")}


def test_evaluate_loads_no_server_library(folder: Path, tmp_path: Path) -> None:
    heavy = ["temporalio", "fastapi", "sqlalchemy", "boto3", "reportlab", "psycopg", "pandas"]
    program = (
        "import atexit, sys, cli\n"
        f"atexit.register(lambda: print([name for name in {heavy} if name in sys.modules], file=sys.stderr))\n"
        f"cli.main(['evaluate', '--data', {str(folder)!r}, '--out', {str(tmp_path / 'out')!r}])\n"
    )
    root = Path(cli.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
