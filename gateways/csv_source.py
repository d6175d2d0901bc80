"""Reads CSV files of unknown origin in constant memory: encoding, header by name, whole rows; nothing is guessed."""

import codecs
import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from rules.attendance.quality import structural, together
from rules.errors import Invalid

CHUNK_ROWS = 50_000
# Rows become columns in slices this small, so that no thousands of lists live on for the garbage collector to visit.
_SLICE_ROWS = 500
_BLOCK = 1 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns a table must and may have; columns beyond these are ignored and named in a note."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        return self.required + self.optional


@dataclass(frozen=True, slots=True)
class Block:
    """Up to 50,000 rows as columns by name; `rows` are their row numbers in the file (the header is row 1)."""

    rows: Sequence[int]
    columns: Mapping[str, Sequence[str]]


@contextmanager
def opened(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    """The bytes of a file, or of a seekable stream the caller keeps open."""
    if isinstance(source, Path):
        with source.open("rb") as stream:
            yield stream
    else:
        yield source


def encoding_of(stream: BinaryIO, file: str, declared: str = "") -> str:
    """A byte-order mark, else UTF-8 where every byte allows it, else only what the source declares."""
    start = stream.tell()
    head = stream.read(4)
    stream.seek(start)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    bad_row = _first_row_not_utf8(stream)
    stream.seek(start)
    if not bad_row:
        return "utf-8"
    if not declared:
        raise structural(file, bad_row, "", "not UTF-8: save it as UTF-8, or declare its encoding in SOURCE.json")
    return declared


def _first_row_not_utf8(stream: BinaryIO) -> int:
    decoder = codecs.getincrementaldecoder("utf-8")()
    row = 1
    for block in iter(lambda: stream.read(_BLOCK), b""):
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            return row + block[: max(0, error.start)].count(b"\n")
        row += block.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return row
    return 0


def blocks(
    source: Path | BinaryIO,
    layout: Layout,
    *,
    file: str,
    encoding: str = "",
    delimiter: str = ",",
    size: int = CHUNK_ROWS,
) -> Iterator[Block]:
    """The rows of one CSV file, column by column; yields nothing for a header alone; raises Invalid when not whole."""
    with opened(source) as stream:
        text = TextIOWrapper(stream, encoding_of(stream, file, encoding), newline="")
        try:
            yield from _blocks(csv.reader(text, delimiter=delimiter, strict=True), layout, file, size)
        except UnicodeError as error:
            raise structural(file, 0, "", f"cannot be decoded ({error}): check the declared encoding") from error
        finally:
            text.detach()


def header(source: Path | BinaryIO, *, file: str, encoding: str = "", delimiter: str = ",") -> tuple[str, ...]:
    """The header row as written, blanks trimmed; the stream is left where it was."""
    with opened(source) as stream:
        start = stream.tell()
        text = TextIOWrapper(stream, encoding_of(stream, file, encoding), newline="")
        names = next(csv.reader(text, delimiter=delimiter), [])
        text.detach()
        stream.seek(start)
        return tuple(name.strip() for name in names)


def _blocks(reader: Iterator[list[str]], layout: Layout, file: str, size: int) -> Iterator[Block]:
    places, width = _places(_next_header(reader, file), layout, file)
    row = 2
    numbers: list[int] = []
    columns: list[list[str]] = [[] for _ in range(width)]
    while rows := _rows(reader, file, row, min(_SLICE_ROWS, size - len(numbers))):
        told: Sequence[int] = range(row, row + len(rows))
        row += len(rows)
        if [] in rows:  # blank lines are no rows
            told = [number for number, fields in zip(told, rows, strict=True) if fields]
            rows = [fields for fields in rows if fields]
        if not set(map(len, rows)) <= {width}:
            raise _uneven(rows, told, width, file)
        numbers += told
        for texts, more in zip(columns, zip(*rows, strict=True), strict=False):  # there may be blank lines only
            texts.extend(more)
        if len(numbers) == size:
            yield Block(numbers, {name: tuple(columns[at]) for name, at in places.items()})
            numbers, columns = [], [[] for _ in range(width)]
    if numbers:
        yield Block(numbers, {name: tuple(columns[at]) for name, at in places.items()})


def _next_header(reader: Iterator[list[str]], file: str) -> list[str]:
    try:
        names = [name.strip() for name in next(reader)]
    except StopIteration:
        raise structural(file, 0, "", "empty: a header row is needed, then one row per line") from None
    except csv.Error as error:
        raise structural(file, 1, "", f"not CSV ({error}): check the quotes") from error
    return [sys.intern(name) for name in names]


def _places(names: list[str], layout: Layout, file: str) -> tuple[dict[str, int], int]:
    missing = [name for name in layout.required if name not in names]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    problems = [structural(file, 1, name, "missing: add it to the header and to every row") for name in missing]
    problems += [structural(file, 1, name, "there twice: keep one of them") for name in twice]
    if problems:
        raise together(problems)
    return {name: names.index(name) for name in layout.known if name in names}, len(names)


def _rows(reader: Iterator[list[str]], file: str, row: int, size: int) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        rows.extend(islice(reader, size))
    except csv.Error as error:
        raise structural(file, row + len(rows), "", f"not CSV ({error}): check the quotes") from error
    return rows


def _uneven(rows: list[list[str]], numbers: Sequence[int], width: int, file: str) -> Invalid:
    number, fields = next((n, fields) for n, fields in zip(numbers, rows, strict=True) if len(fields) != width)
    what = f"{len(fields)} fields where the header has {width}"
    hint = (
        "the file is incomplete, send it again whole" if len(fields) < width else "quote fields that hold a delimiter"
    )
    return structural(file, number, "", f"{what}: {hint}")
