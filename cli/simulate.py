"""Replay one or two rule sets over a district folder: who would have got which step, and what work it would be."""

import gc
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bulk.backtest import Backtest, Known, backtest, events_of, refuse_strange_schools
from bulk.district import District
from bulk.output import quoted
from bulk.people import NOBODY_KNOWN, Profile
from bulk.vocabulary import as_date
from cli._simulated import tables
from cli.evaluate import day_given, load, refuse
from gateways.csv_source import Layout, blocks
from gateways.publishing import publish
from letters.backtest_report import page
from rules.attendance.quality import structural
from rules.errors import Invalid
from rules.rulesets.backtest_figures import MINUTES, Event, Frame, Person, Run, document
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import PACKS, load_pack, parse_ruleset

SUBGROUPS: Final = (
    "sex",
    "gender",
    "ethnicity",
    "send",
    "sen",
    "fsm",
    "disadvantaged",
    "home_language",
    "looked_after",
)
"""Columns of students.csv by which figures are told apart without being asked for."""
MOST_APPROVAL_DAYS: Final = 60


@dataclass(frozen=True, slots=True)
class _Student:
    """One row of students.csv."""

    profile: Profile
    groups: dict[str, str]


def command(
    data: Annotated[Path, typer.Option(help="Folder with schools, calendar, enrolments, marks and perhaps students.")],
    rules: Annotated[Path, typer.Option(help="Rule set as JSON, or the name of a shipped pack (general).")],
    out: Annotated[Path, typer.Option(help="Folder for report.html, figures.json and the tables as CSV.")],
    against: Annotated[Path | None, typer.Option(help="A second rule set to put beside the first.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD; default: the first open.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day; default: the last that has a mark.")] = None,
    approval_days: Annotated[int, typer.Option(help="School days from a proposal to its step; 0: the same day.")] = 0,
    minutes: Annotated[list[str] | None, typer.Option(help="Staff minutes of a step: LETTER=15; may repeat.")] = None,
    subgroup: Annotated[list[str] | None, typer.Option(help="Column of students.csv to compare; may repeat.")] = None,
    events: Annotated[bool, typer.Option("--events", help="Also events.csv with every student's steps.")] = False,
) -> None:
    """Replay one or two rule sets over a district folder, day by day."""
    gc.disable()  # one short run that keeps nearly all it makes: collecting would only cost time
    started = time.monotonic()
    try:
        sets = [_ruleset(file) for file in (rules, against) if file is not None]
        staff = {**MINUTES, **dict(map(_minutes, minutes or []))}
        if not 0 <= approval_days <= MOST_APPROVAL_DAYS:
            raise structural("--approval-days", 0, "", f"write a number from 0 to {MOST_APPROVAL_DAYS}")
        with _bar() as bar:
            task = bar.add_task("reading", total=None)
            loading = load(data)
            district = loading.build()
            asked = Backtest(sets, *_span(district, first, last), approval_days)
            for one in sets:
                refuse_strange_schools(one, district)
            known, people = _people(data, district, tuple(subgroup or ()))
            bar.update(task, description="walking", total=len(people), completed=0)
            outcome = backtest(district, known, asked, lambda done: bar.advance(task, done))
    except Invalid as error:
        refuse(error)
    runs = [Run(one, events_of(one, walked)) for one, walked in zip(sets, outcome.replayed, strict=True)]
    frame = Frame(as_date(asked.first), as_date(asked.last), people, outcome.student_days, approval_days, staff)
    figures = document(frame, runs)
    files = {
        "report.html": [page(figures, datetime.now(UTC).date())],
        "figures.json": [json.dumps(figures, indent=1, ensure_ascii=False) + "\n"],
        **tables(figures),
    }
    publish(out, files | ({"events.csv": _event_lines(people, runs)} if events else {}))
    print(json.dumps(_counts(people, outcome.student_days, runs, time.monotonic() - started)))


def _ruleset(file: Path) -> RuleSet:
    """A rule set's document; Invalid points into it."""
    if str(file) in PACKS and not file.exists():
        return load_pack(str(file))
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        advice = f"no such file: give a rule set as JSON, or the name of a pack ({', '.join(PACKS)})"
        raise structural(str(file), 0, "", advice) from None
    except (ValueError, OSError) as error:
        raise structural(str(file), 0, "", f"not JSON ({error}): correct it") from error
    try:
        return parse_ruleset(found)
    except Invalid as error:
        fields = {f"{file}: {place}": what for place, what in error.fields.items()}
        raise Invalid(error.code, error.message, fields=fields) from error


def _minutes(text: str) -> tuple[str, int]:
    kind, _, number = text.partition("=")
    if kind not in MINUTES or not number.isdecimal() or int(number) > 60 * 24:
        advice = f"{text!r}: write one of {', '.join(MINUTES)}, then = and whole minutes, as LETTER=15"
        raise structural("--minutes", 0, "", advice)
    return kind, int(number)


def _span(district: District, first: str | None, last: str | None) -> tuple[int, int]:
    """The days looked at: as given, else from the first open day to the last mark."""
    opened = np.concatenate([np.zeros(0, np.int64), *(school.calendar.days for school in district.schools)])
    if not len(opened) or not len(district.marks):
        raise structural("marks.csv", 0, "", "no mark of an enrolled student: there is nothing to replay")
    given = (day_given(first, "--from"), day_given(last, "--to"))
    low = int(opened.min()) if given[0] is None else given[0]
    high = int(district.marks.day.max()) if given[1] is None else given[1]
    if not ((opened >= low) & (opened <= high)).any():
        span = f"{as_date(low)} to {as_date(high)}"
        raise structural("--from", 0, "", f"no school is open from {span}: give days that calendar.csv has")
    return low, high


def _people(folder: Path, district: District, wanted: Sequence[str]) -> tuple[Known, list[Person]]:
    """Everybody at their school with what students.csv says of them; without the file nothing is known."""
    students = _students(folder / "students.csv", wanted)
    numbers: dict[Profile, int] = {NOBODY_KNOWN: 0}
    who, people = [], []
    for student, school in zip(district.pair_student, district.pair_school.tolist(), strict=True):
        found = students.get(student)
        who.append(numbers.setdefault(found.profile if found else NOBODY_KNOWN, len(numbers)))
        groups = {"school": district.schools[school].school_id}
        people.append(Person(student, groups | (found.groups if found else {})))
    return Known(tuple(numbers), np.array(who, np.int64)), people


def _students(file: Path, wanted: Sequence[str]) -> dict[str, _Student]:
    if not file.exists():
        if wanted:
            raise structural("students.csv", 0, "", f"missing, but --subgroup asks for {', '.join(wanted)}: add it")
        return {}
    layout = Layout(("student_id", *wanted), ("dob", "year_group", "exempt", *SUBGROUPS))
    shown = ("year_group", *dict.fromkeys([*wanted, *SUBGROUPS]))
    return {row["student_id"]: _student(at, row, shown) for at, row in _rows(file, layout)}


def _rows(file: Path, layout: Layout) -> Iterator[tuple[int, dict[str, str]]]:
    for block in blocks(file, layout, file=file.name):
        for at, number in enumerate(block.rows):
            yield number, {name: texts[at] for name, texts in block.columns.items()}


def _student(number: int, row: dict[str, str], shown: Sequence[str]) -> _Student:
    born = row.get("dob", "")
    try:
        birth_date = date.fromisoformat(born) if born else None
    except ValueError:
        raise structural("students.csv", number, "dob", f"{born!r} is not a date: write YYYY-MM-DD") from None
    exempt = row.get("exempt", "").lower() in {"1", "true"}
    profile = Profile(
        birth_date, row.get("year_group") or None, exemptions=(("stop", date.min, None),) if exempt else ()
    )
    return _Student(profile, {name: row[name] for name in shown if name in row})


def _event_lines(people: Sequence[Person], runs: Sequence[Run]) -> Iterator[str]:
    """Every event with the student's id: no figure, and not for passing on."""
    yield "rule_set,student_id,school_id,date,what,stage,carried_out\r\n"
    for run in runs:
        for event in run.events:
            yield _event_line(run.ruleset.key, people[event.person], event)


def _event_line(key: str, person: Person, event: Event) -> str:
    fields = (key, person.student_id, person.groups["school"], event.on, event.what, event.stage or "")
    return ",".join(quoted(str(field)) for field in (*fields, event.acts_on or "")) + "\r\n"


def _counts(people: Sequence[Person], student_days: int, runs: Sequence[Run], seconds: float) -> dict[str, Any]:
    return {
        "student_schools": len(people),
        "student_days": student_days,
        "events": {str(at): len(run.events) for at, run in enumerate(runs)},
        "seconds": round(seconds, 1),
    }


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
