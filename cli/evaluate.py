"""Evaluate a district folder offline: summaries, decisions and issues as CSV; no servers, no database."""

import gc
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bulk.district import District
from bulk.evaluation import Mode, Outcome, Request, evaluate
from bulk.loading import Loading
from bulk.output import decision_lines, issue_lines, summary_lines
from bulk.verdicts import DEFAULT_RULES, read_rules
from bulk.vocabulary import as_day
from gateways.csv_source import Block, Layout, blocks
from gateways.publishing import publish
from rules.attendance.quality import structural, together
from rules.errors import Invalid

REFUSED = 2
_WHOLE_DAY = re.compile(r"\d{4}-\d\d-\d\d")
LAYOUTS = {
    "schools": Layout(
        ("school_id", "code_set", "missing_mark_policy", "sessions_per_day"), ("year_start", "day_basis", "timezone")
    ),
    "code_map": Layout(("code_set", "code", "status"), ("is_tardy",)),
    "calendar": Layout(("school_id", "date", "session"), ("minutes",)),
    "student_merges": Layout(("old_id", "new_id")),
    "enrolments": Layout(("student_id", "school_id", "start_date"), ("end_date", "attends")),
    "marks": Layout(
        ("student_id", "school_id", "date", "session", "code", "recorded_at"),
        ("register", "deleted", "minutes_missed"),
    ),
}


def command(
    data: Annotated[Path, typer.Option(help="Folder with schools, calendar, enrolments and marks (CSV).")],
    out: Annotated[Path, typer.Option(help="Folder for summaries.csv, decisions.csv and issues.csv.")],
    rules: Annotated[Path | None, typer.Option(help="JSON list of rules; default: seven common ones.")] = None,
    mode: Annotated[Mode, typer.Option(help="final: all marks known; nightly: as known each evening.")] = Mode.FINAL,
    as_of: Annotated[str | None, typer.Option(help="Last date to evaluate, YYYY-MM-DD.")] = None,
    known_at: Annotated[str | None, typer.Option(help="Ignore marks recorded after this instant.")] = None,
    students: Annotated[str | None, typer.Option(help="File of student ids, or ids joined by commas.")] = None,
) -> None:
    """Evaluate a district folder offline."""
    gc.disable()  # one short run that keeps nearly all it makes: collecting would only cost time
    started = time.monotonic()
    try:
        request = Request(read_rules(_rules(rules)), mode, day_given(as_of), _known_at(known_at))
        loading = load(data, _students(students))
        district = loading.build()
    except Invalid as error:
        refuse(error)
    outcome = evaluate(district, request)
    publish(
        out,
        {
            "summaries.csv": summary_lines(outcome, district),
            "decisions.csv": decision_lines(outcome, district),
            "issues.csv": issue_lines(outcome.issues),
        },
    )
    print(json.dumps(_counts(outcome, district, loading, time.monotonic() - started)))


def load(folder: Path, only: frozenset[str] | None = None) -> Loading:
    """Read a district folder; Invalid names every file that cannot be read."""
    loading = Loading(only)
    _check_there(folder)
    loading.schools("schools.csv", _table(folder, "schools"))
    if (folder / "code_map.csv").exists():
        loading.code_map("code_map.csv", _table(folder, "code_map"))
    loading.check_code_sets("schools.csv")
    if (folder / "student_merges.csv").exists():
        loading.merges(_table(folder, "student_merges"))
    problems: list[Invalid] = []
    _gather(problems, loading.calendar, "calendar.csv", _table(folder, "calendar"))
    _gather(problems, loading.enrolments, "enrolments.csv", _table(folder, "enrolments"))
    for file in _mark_files(folder):
        _gather(problems, loading.marks, file.name, blocks(file, LAYOUTS["marks"], file=file.name))
    if problems:
        raise together(problems)
    return loading


def _gather(
    problems: list[Invalid], step: Callable[[str, Iterator[Block]], None], file: str, rows: Iterator[Block]
) -> None:
    """Read one table; what refuses it joins the problems of the other tables."""
    try:
        step(file, rows)
    except Invalid as error:
        problems.append(error)


def _mark_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.name.startswith("marks") and file.name.endswith(".csv"))


def _check_there(folder: Path) -> None:
    if not folder.is_dir():
        raise structural(str(folder), 0, "", "no such folder: give the folder that holds the district's CSV files")
    missing = [name for name in ("schools", "calendar", "enrolments") if not (folder / f"{name}.csv").exists()]
    missing += [] if _mark_files(folder) else ["marks"]
    if missing:
        raise together([structural(f"{name}.csv", 0, "", "missing: add it to the folder") for name in missing])


def _table(folder: Path, name: str) -> Iterator[Block]:
    return blocks(folder / f"{name}.csv", LAYOUTS[name], file=f"{name}.csv")


def _rules(file: Path | None) -> Any:
    if file is None:
        return DEFAULT_RULES
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise structural(str(file), 0, "", "no such file: give a JSON list of rules") from None
    except (ValueError, OSError) as error:
        raise structural(str(file), 0, "", f"not JSON ({error}): correct it") from error


def day_given(text: str | None, option: str = "--as-of") -> int | None:
    """A day as an option gives it; Invalid says how to write one."""
    if text is None:
        return None
    try:
        if _WHOLE_DAY.fullmatch(text):
            return as_day(date.fromisoformat(text))
    except ValueError:
        pass
    raise structural(option, 0, "", f"{text!r} is not a date: write YYYY-MM-DD")


def _known_at(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise structural("--known-at", 0, "", f"{text!r} is not an instant: write 2025-01-31T20:00:00Z")
    return int(instant.astimezone(UTC).timestamp())


def _students(given: str | None) -> frozenset[str] | None:
    if given is None:
        return None
    try:
        return frozenset(Path(given).read_text(encoding="utf-8").split())
    except OSError:  # no file of that name, or far too long for one: the ids themselves
        return frozenset(given.split(","))


def refuse(error: Invalid) -> NoReturn:
    """Say each problem and what to do, and end."""
    for place, what in (error.fields or {error.code: error.message}).items():
        print(f"{place}: {what}", file=sys.stderr)
    sys.exit(REFUSED)


def _counts(outcome: Outcome, district: District, loading: Loading, seconds: float) -> dict[str, Any]:
    return {
        "student_schools": len(district.pair_student),
        "marks": loading.mark_rows,
        "summaries": len(outcome.summaries.pair),
        "decisions": sum(map(len, outcome.decisions)),
        "issues": len(outcome.issues),
        "seconds": round(seconds, 1),
        "students_tripping": outcome.students_tripping,
    }
