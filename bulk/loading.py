"""Builds a District from blocks of rows, and refuses what cannot be read without guessing (attendance.md S1)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

import numpy as np

from bulk.district import SESSIONS, District, OpenSessions, School
from bulk.mark_rows import MarkRows
from bulk.pairing import Enrolled, Places
from bulk.problems import Problems
from bulk.vocabulary import BAD, Columns, Ids, Ints, Rows, Vocabulary, as_day, parse_day
from rules.attendance.codes import BUILT_IN, Meaning, Status
from rules.attendance.history import DayBasis, MissingMarkPolicy, SchoolSettings
from rules.attendance.quality import printable

Blocks = Iterable[Rows]
SESSION_MINUTES = 180
_YES = frozenset({"1", "true", "True"})
_YEAR_START = (8, 1)
_HALF_DAYS = {name: at for at, name in enumerate(SESSIONS)}
_ATTENDS = {"AM|PM": 3, "AM": 1, "PM": 2, "": 3, "PM|AM": 3}
_NOBODY = Enrolled(
    np.zeros(0, np.int32),
    np.zeros(0, np.int32),
    np.zeros(0, np.int64),
    np.zeros(0, np.int64),
    np.zeros((0, 2), np.bool_),
)


class Loading:
    """Takes the tables in the order schools, code_map, calendar, merges, enrolments, marks; then builds.

    Without `built_in` a code means what its map says and nothing else, as in the database.
    """

    def __init__(self, only: frozenset[str] | None = None, *, built_in: bool = True) -> None:
        self._only = only
        self._students, self._school_ids = Vocabulary(), Vocabulary()
        self._settings: dict[str, SchoolSettings] = {}
        maps = BUILT_IN if built_in else {}
        self._code_maps: dict[str, dict[str, Meaning]] = {name: dict(codes) for name, codes in maps.items()}
        self._calendars: dict[str, OpenSessions] = {}
        self._merges: dict[str, str] = {}
        self._enrolled = _NOBODY
        self._marks = MarkRows(self._students, self._school_ids)

    @property
    def mark_rows(self) -> int:
        return self._marks.count

    def schools(self, file: str, blocks: Blocks) -> None:
        problems = Problems(file)
        for row, fields in _each(blocks):
            if fields["school_id"] in self._settings:
                problems.note(row, "school_id", "is there twice: keep one row per school")
            self._settings[fields["school_id"]] = _school_settings(row, fields, problems)
        problems.raise_any()

    def code_map(self, file: str, blocks: Blocks) -> None:
        problems = Problems(file)
        for row, fields in _each(blocks):
            status = problems.word(row, "status", fields["status"], Status, Status.UNKNOWN)
            meaning = Meaning(status, fields.get("is_tardy", "") in _YES)
            self._code_maps.setdefault(fields["code_set"], {})[fields["code"].strip()] = meaning
        problems.raise_any()

    def check_code_sets(self, file: str) -> None:
        """Every school's code set must have a map: a missing one is never replaced by a default."""
        problems = Problems(file)
        for code_set in sorted({settings.code_set for settings in self._settings.values()} - set(self._code_maps)):
            problems.note(0, "code_set", f"{code_set!r} has no code map: add its codes to code_map.csv")
        problems.raise_any()

    def calendar(self, file: str, blocks: Blocks) -> None:
        problems = Problems(file)
        columns, rows = _gather(("school_id", "date", "session", "minutes"), {"school_id": self._school_ids}, blocks)
        school = columns.joined("school_id")
        day = problems.days(rows, "date", columns)
        session = problems.choices(rows, "session", columns, _HALF_DAYS)
        minutes = problems.counts(rows, "minutes", columns, SESSION_MINUTES)
        problems.raise_any()
        for number, school_id in enumerate(self._school_ids.texts):
            at = school == number
            self._calendars[school_id] = _open_sessions(day[at], session[at], minutes[at])

    def merges(self, blocks: Blocks) -> None:
        for _, fields in _each(blocks):
            self._merges[fields["old_id"]] = fields["new_id"]

    def enrolments(self, file: str, blocks: Blocks) -> None:
        problems = Problems(file)
        shared = {"student_id": self._students, "school_id": self._school_ids}
        names = ("student_id", "school_id", "start_date", "end_date", "attends")
        columns, rows = _gather(names, shared, blocks)
        students, schools = columns.joined("student_id"), columns.joined("school_id")
        first = problems.days(rows, "start_date", columns)
        last = problems.days(rows, "end_date", columns, empty=as_day(date.max))
        attends = problems.choices(rows, "attends", columns, _ATTENDS)
        unknown = np.array([text not in self._settings for text in self._school_ids.texts], np.bool_)
        problems.rows_where(
            rows, "school_id", unknown[schools], "not in schools.csv: add the school, or correct the id"
        )
        problems.raise_any()
        halves = np.stack([attends & 1, attends >> 1], axis=1).astype(np.bool_)
        self._enrolled = Enrolled(students, schools, first, last, halves)

    def marks(self, file: str, blocks: Blocks) -> None:
        """One of the `marks*.csv` files; file order, and row order in a file, break ties (S3.1)."""
        self._marks.read(file, blocks)

    def build(self) -> District:
        """Join everything; what a row cannot be joined to is an issue, not a guess."""
        marks, spans = self._marks.parsed(), self._enrolled
        canonical = self._canonical()
        texts, school_texts = self._students.texts, self._school_ids.texts
        places = Places(texts, school_texts)
        wanted = np.array([self._only is None or text in self._only for text in texts], np.bool_)
        span_key, mark_key = (places.key(canonical[item.student], item.school) for item in (spans, marks))
        span_kept, mark_kept = wanted[canonical[spans.student]], wanted[canonical[marks.student]]
        pairs = places.in_order(span_key[span_kept])
        span_pair = np.where(span_kept, pairs.of(span_key), -1)
        mark_pair = np.where(mark_kept, pairs.of(mark_key), -1)
        return District(
            [self._school(name) for name in school_texts],
            [texts[number] for number in places.student(pairs.keys).tolist()],
            places.school(pairs.keys),
            spans.sorted_by(span_pair),
            marks.sorted_by(mark_pair),
            marks.codes,
            marks.issues,
            places.strays(mark_key[mark_kept & (mark_pair < 0)]),
        )

    def _canonical(self) -> Ints:
        """S3.7: follow merges to the end; a cycle stops at the first repeat."""
        survivors = [_survivor(text, self._merges) for text in self._students.texts]
        return np.array([self._students.number(text) for text in survivors], np.int64)

    def _school(self, school_id: str) -> School:
        settings = self._settings.get(school_id, SchoolSettings())
        calendar = self._calendars.get(school_id) or _open_sessions(*(np.zeros(0, np.int64) for _ in range(3)))
        return School(school_id, settings, self._code_maps.get(settings.code_set, {}), calendar)


def _survivor(student: str, merges: Mapping[str, str]) -> str:
    seen: set[str] = set()
    while student in merges and student not in seen:
        seen.add(student)
        student = merges[student]
    return student


def _each(blocks: Blocks) -> Iterator[tuple[int, dict[str, str]]]:
    """Small tables row by row."""
    for block in blocks:
        for at, row in enumerate(block.rows):
            yield row, {name: texts[at] for name, texts in block.columns.items()}


def _gather(names: tuple[str, ...], shared: Mapping[str, Vocabulary], blocks: Blocks) -> tuple[Columns, Ids]:
    columns = Columns(names, shared)
    for block in blocks:
        columns.add(block)
    return columns, columns.row_numbers()


def _open_sessions(day: Ints, session: Ints, minutes: Ints) -> OpenSessions:
    days, at = np.unique(day, return_inverse=True)
    is_open = np.zeros((len(days), 2), np.bool_)
    length = np.full((len(days), 2), SESSION_MINUTES, np.int64)
    is_open[at, session] = True
    length[at, session] = minutes
    return OpenSessions(days, is_open, length)


def _school_settings(row: int, fields: Mapping[str, str], problems: Problems) -> SchoolSettings:
    policy = problems.word(
        row, "missing_mark_policy", fields["missing_mark_policy"], MissingMarkPolicy, MissingMarkPolicy.EXCLUDE
    )
    basis = problems.word(
        row, "day_basis", fields.get("day_basis", "") or DayBasis.SESSIONS, DayBasis, DayBasis.SESSIONS
    )
    if fields["sessions_per_day"] not in {"1", "2"}:
        problems.note(row, "sessions_per_day", "write 1 or 2")
    return SchoolSettings(
        fields["code_set"],
        policy,
        1 if fields["sessions_per_day"] == "1" else 2,
        _year_start(row, fields.get("year_start", ""), problems),
        basis,
    )


def _year_start(row: int, text: str, problems: Problems) -> tuple[int, int]:
    if not text:
        return _YEAR_START
    if parse_day(f"2025-{text}") == BAD:  # 2025: a year without 29 February
        problems.note(row, "year_start", f"{printable(text)}: write MM-DD, a day that every year has")
        return _YEAR_START
    return int(text[:2]), int(text[3:])
