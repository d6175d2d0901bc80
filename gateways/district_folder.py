"""The district folder and declared single feeds: typed rows in chunks, bad rows set aside with a reason.

`read_feed` streams: memory holds one chunk. A problem of the whole file (`Invalid`, code `csv_structure`) may be raised
after some chunks were handed out; whoever stores them must then undo them, as for an interrupted import.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import compress
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from gateways.csv_source import CHUNK_ROWS, Block, Layout, blocks, header
from gateways.feed_values import Kind, Parsed, Value, Wrong, parse
from gateways.source_declaration import CANONICAL, SourceDeclaration
from rules.attendance.quality import ADVICE, CONTROL, IssueKind, printable, structural
from rules.errors import Invalid


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of one table and what they hold."""

    required: Mapping[str, Kind]
    optional: Mapping[str, Kind]

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return {**self.required, **self.optional}


def _ids(*names: str) -> dict[str, Kind]:
    return dict.fromkeys(names, Kind.ID)


def _texts(*names: str) -> dict[str, Kind]:
    return dict.fromkeys(names, Kind.TEXT)


def _flags(*names: str) -> dict[str, Kind]:
    return dict.fromkeys(names, Kind.FLAG)


TABLES: Mapping[str, Table] = {
    "districts": Table(_ids("district_id", "name"), _texts("country")),
    "schools": Table(
        {**_ids("school_id", "name", "code_set", "missing_mark_policy"), "sessions_per_day": Kind.NUMBER},
        _texts("district_id", "phase", "timezone", "year_start", "day_basis"),
    ),
    "calendar": Table({**_ids("school_id"), "date": Kind.DATE, "session": Kind.HALF_DAY}, {"minutes": Kind.NUMBER}),
    "classes": Table(_ids("class_id", "school_id"), _texts("year_group", "name")),
    "students": Table(
        _ids("student_id"),
        {
            **_texts("district_id", "first_name", "last_name", "year_group", "class_id", "home_language"),
            "dob": Kind.OPEN_DATE,
            "exempt": Kind.FLAG,
            "deleted_at": Kind.INSTANT,
        },
    ),
    "guardians": Table(
        _ids("guardian_id"),
        {
            **_texts("name", "language", "preferred_channel", "email", "phone", "address", "opted_out_channels"),
            **_flags("unreachable"),
        },
    ),
    "student_guardians": Table(
        _ids("student_id", "guardian_id"),
        {
            **_texts("relation"),
            "priority": Kind.NUMBER,
            **dict.fromkeys(("legal_responsibility", "lives_with", "receives_letters"), Kind.OPEN_FLAG),
        },
    ),
    "enrolments": Table(
        {**_ids("student_id", "school_id"), "start_date": Kind.DATE},
        {"end_date": Kind.OPEN_DATE, "attends": Kind.ATTENDS, **_texts("registration")},
    ),
    "marks": Table(
        {**_ids("student_id"), "session": Kind.SESSION, "code": Kind.TEXT},
        {
            **_ids("school_id"),
            "date": Kind.OPEN_DATE,
            "recorded_at": Kind.INSTANT,
            "deleted": Kind.FLAG,
            "minutes_missed": Kind.NUMBER,
            **_texts("mark_id", "register", "reason_code", "source"),
            **_texts("recorded_by", "recorded_by_title", "amend_reason"),
        },
    ),
    "code_map": Table(_ids("code_set", "status"), {**_texts("code"), **_flags("is_tardy")}),
    "student_merges": Table(_ids("old_id", "new_id"), {}),
    "student_attributes": Table(_ids("student_id", "kind"), _texts("value")),
}
"""Every table of the format, in the order an import needs them."""
PLAIN = frozenset({Kind.ID, Kind.TEXT})
"""Columns whose values are their texts, blanks at the ends trimmed."""


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is odd about a row; a quarantined row is not among the chunk's rows."""

    file: str
    row: int
    column: str
    kind: IssueKind
    value: str
    quarantined: bool = True

    @property
    def advice(self) -> str:
        return ADVICE[self.kind]


def canonical(value: Value) -> str:
    """A typed value as the canonical format writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else str(value)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Up to 50,000 accepted rows, column by column (all columns of the table), and what was odd."""

    table: str
    file: str
    fields: Mapping[str, Sequence[Value]]
    numbers: Sequence[int]
    problems: Sequence[RowProblem]

    def texts(self) -> dict[str, list[str]]:
        """The rows column by column in the canonical text of the district folder."""
        return {name: [*map(canonical, column)] for name, column in self.fields.items()}


@dataclass(frozen=True, slots=True)
class Feed:
    """One file of one table as a source declares it; `received_at` stands in for a missing recorded_at."""

    table: str
    file: str
    source: SourceDeclaration
    received_at: datetime

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(TABLES[self.table].kinds)

    def theirs(self, name: str) -> str:
        return self.source.columns.get(name, name)

    def layout(self) -> Layout:
        table = TABLES[self.table]
        needed = [name for name in table.required if not (name == "school_id" and self.source.school_id)]
        others = [name for name in table.kinds if name not in needed]
        return Layout(tuple(map(self.theirs, needed)), tuple(map(self.theirs, others)))


def read_feed(
    source_file: Path | BinaryIO,
    table: str,
    source: SourceDeclaration = CANONICAL,
    *,
    received_at: datetime,
    file: str = "",
) -> Iterator[Chunk]:
    """The rows of one file in chunks; the first chunk also carries notes on the file (ignored columns, no rows)."""
    name = file or (source_file.name if isinstance(source_file, Path) else f"{table}.csv")
    feed = Feed(table, name, source, received_at)
    _check_school(feed, source_file)
    notes = _header_notes(feed, source_file)
    empty = True
    for block in blocks(
        source_file, feed.layout(), file=name, encoding=source.encoding, delimiter=source.delimiter, size=CHUNK_ROWS
    ):
        yield _chunk(feed, block, notes)
        notes, empty = [], False
    if empty:
        nothing = RowProblem(name, 1, "", IssueKind.NO_ROWS, "", quarantined=False)
        yield Chunk(table, name, dict.fromkeys(feed.columns, ()), (), (*notes, nothing))


def read_folder(folder: Path, source: SourceDeclaration = CANONICAL, *, received_at: datetime) -> Iterator[Chunk]:
    """Every table of a district folder in the order an import needs them; several `marks*.csv` are one table."""
    for table in TABLES:
        files = sorted(folder.glob("marks*.csv")) if table == "marks" else [folder / f"{table}.csv"]
        for file in files:
            if file.exists():
                yield from read_feed(file, table, source, received_at=received_at)


def _header_notes(feed: Feed, source_file: Path | BinaryIO) -> list[RowProblem]:
    names = header(source_file, file=feed.file, encoding=feed.source.encoding, delimiter=feed.source.delimiter)
    known = feed.layout().known
    extra = [name for name in names if name not in known]
    return [RowProblem(feed.file, 1, name, IssueKind.IGNORED_COLUMN, "", quarantined=False) for name in extra]


def _check_school(feed: Feed, source_file: Path | BinaryIO) -> None:
    """Marks belong to a school: a column says which, or the declaration does."""
    if feed.table != "marks" or feed.source.school_id:
        return
    names = header(source_file, file=feed.file, encoding=feed.source.encoding, delimiter=feed.source.delimiter)
    if names and feed.theirs("school_id") not in names:
        raise structural(feed.file, 1, feed.theirs("school_id"), "missing: add it, or declare school_id for the source")


def _chunk(feed: Feed, block: Block, notes: Sequence[RowProblem]) -> Chunk:
    """One block column by column: each distinct text is parsed once, plain text only trimmed."""
    problems: list[RowProblem] = []
    parsed = {name: _column(feed, block, name, problems) for name in feed.columns}
    if feed.table == "marks":
        _fill_marks(feed, block, parsed, problems)
    bad = {problem.row for problem in problems if problem.quarantined}
    if not bad:
        return Chunk(feed.table, feed.file, parsed, block.rows, (*notes, *problems))
    good = [number not in bad for number in block.rows]
    kept = {name: [*compress(column, good)] for name, column in parsed.items()}
    return Chunk(feed.table, feed.file, kept, [*compress(block.rows, good)], (*notes, *problems))


def _column(feed: Feed, block: Block, name: str, problems: list[RowProblem]) -> list[Value]:
    kind = TABLES[feed.table].kinds[name]
    texts = block.columns.get(feed.theirs(name))
    if texts is None:
        return [_absent(feed, name, kind)] * len(block.rows)
    if kind in PLAIN and not CONTROL.search("\n".join(texts)):
        plain: list[Value] = [*map(str.strip, texts)]
        if kind is Kind.TEXT or "" not in plain:
            return plain
    values = {text: _parsed(kind, text, feed.source) for text in set(texts)}
    wrong = {text: value for text, value in values.items() if isinstance(value, Wrong)}
    if wrong:
        _report(feed, block, name, wrong, problems)
    return [values[text] for text in texts]  # type: ignore[misc]  # rows with a Wrong are dropped by their number


def _parsed(kind: Kind, text: str, source: SourceDeclaration) -> Parsed:
    return Wrong(IssueKind.CONTROL_CHARACTER) if CONTROL.search(text) else parse(kind, text, source)


def _absent(feed: Feed, name: str, kind: Kind) -> Value:
    """What a column that is not in the file stands for."""
    if name == "school_id":
        return feed.source.school_id
    value = parse(kind, "", feed.source)
    return None if isinstance(value, Wrong) else value


def _report(feed: Feed, block: Block, name: str, wrong: Mapping[str, Wrong], problems: list[RowProblem]) -> None:
    column = feed.theirs(name)
    for number, text in zip(block.rows, block.columns[column], strict=True):
        if text not in wrong:
            continue
        if wrong[text].ambiguous:
            raise _ambiguous(feed, number, column, text)
        problems.append(RowProblem(feed.file, number, column, wrong[text].kind, printable(text)))


def _ambiguous(feed: Feed, row: int, column: str, text: str) -> Invalid:
    what = f"{printable(text)} may be two dates: declare the source's date_order (DMY or MDY)"
    return structural(feed.file, row, column, what)


def _fill_marks(feed: Feed, block: Block, parsed: dict[str, list[Value]], problems: list[RowProblem]) -> None:
    """No recorded_at: receipt time; no date: the instant's local date; no mark_id: the hash of the row."""
    given = parsed["recorded_at"]
    parsed["date"] = [
        _local_date(feed, instant) if day is None else day for day, instant in zip(parsed["date"], given, strict=True)
    ]
    received = feed.received_at.astimezone(UTC).replace(microsecond=0)
    parsed["recorded_at"] = [received if instant is None else instant for instant in given]
    _note_dates(feed, block, parsed["date"], problems)
    if not all(parsed["mark_id"]):
        rows = zip(*block.columns.values(), strict=True)
        parsed["mark_id"] = [
            identity or _row_hash(feed, fields) for identity, fields in zip(parsed["mark_id"], rows, strict=True)
        ]


def _local_date(feed: Feed, instant: Value) -> date | None:
    if not isinstance(instant, datetime) or not feed.source.timezone:
        return None
    return instant.astimezone(ZoneInfo(feed.source.timezone)).date()


def _note_dates(feed: Feed, block: Block, days: Sequence[Value], problems: list[RowProblem]) -> None:
    zone = ZoneInfo(feed.source.timezone) if feed.source.timezone else UTC
    today = feed.received_at.astimezone(zone).date()
    if not any(day is None or (isinstance(day, date) and day > today) for day in set(days)):
        return
    column = feed.theirs("date")
    for number, day in zip(block.rows, days, strict=True):
        if day is None:
            problems.append(RowProblem(feed.file, number, column, IssueKind.MISSING_VALUE, ""))
        elif isinstance(day, date) and day > today:
            problems.append(
                RowProblem(feed.file, number, column, IssueKind.FUTURE_DATE, day.isoformat(), quarantined=False)
            )


def _row_hash(feed: Feed, fields: Sequence[str]) -> str:
    """The same row sent twice has one identity, so that a repeated import changes nothing."""
    content = "\x1f".join((feed.source.school_id, *fields))
    return hashlib.sha256(content.encode()).hexdigest()[:32]
