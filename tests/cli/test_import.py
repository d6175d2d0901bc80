"""`handrail import`: what came is one line of JSON, what a person should do about it is said beside it."""

from pathlib import Path

import pytest

from cli.import_ import command
from tests.api.test_attendance import MARKS, register
from tests.cli.running import ran, said
from tests.keys import MASTER_KEYS
from tests.servers.kinds import Database

pytestmark = pytest.mark.servers


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", database.app_url)
    monkeypatch.setenv("HANDRAIL_MASTER_KEYS", MASTER_KEYS)


def folder(at: Path, *without: str, **changed: str) -> str:
    for name, text in (register() | changed).items():
        if name not in without:
            (at / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    return str(at)


def test_a_whole_folder_leaves_nothing_to_do(tmp_path: Path) -> None:
    result = ran(command, folder(tmp_path), "--tenant", "whole")
    line = said(result)
    assert (line["status"], line["quarantined"], line["issues"]) == ("FINISHED", 0, {})
    assert "were not taken in" not in result.stderr


def test_rows_of_an_unknown_school_say_where_to_read_what_to_do(tmp_path: Path) -> None:
    marks = f"{MARKS}X1,new-1,S404,2026-11-16,AM,/,2026-11-19T09:10:00Z\r\n"
    result = ran(command, folder(tmp_path, marks=marks), "--tenant", "unknown")
    line = said(result)
    assert line["quarantined"] == 1
    told = "1 rows were not taken in; each says what to do: GET /api/v1/attendance/quarantine?import_id="
    assert f"{told}{line['import_id']}" in result.stderr


def test_a_broken_csv_is_refused_by_its_row(tmp_path: Path) -> None:
    result = ran(command, folder(tmp_path, marks=f"{MARKS}X1,new-1\r\n"), "--tenant", "broken")
    assert result.exit_code == 2
    assert "marks.csv, row 2: 2 fields where the header has 7" in result.stderr
    assert "send it again whole" in result.stderr


def test_without_a_calendar_it_is_said_how_to_load_one(tmp_path: Path) -> None:
    result = ran(command, folder(tmp_path, "calendar"), "--tenant", "idle")
    assert said(result)["issues"]["NO_CALENDAR"] == 1
    assert "NO_CALENDAR (1): add the school's open sessions to calendar.csv" in result.stderr


def test_a_path_that_is_not_there_says_what_to_give(tmp_path: Path) -> None:
    result = ran(command, str(tmp_path / "nowhere"))
    assert result.exit_code == 2
    assert "give a district folder, or a file with --as" in result.stderr
