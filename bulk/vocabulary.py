"""Columns of text as whole numbers: each distinct text is stored and parsed once, however many rows hold it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Ids = NDArray[np.int32]
Small = NDArray[np.int8]
Flags = NDArray[np.bool_]

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
EPOCH = date(1970, 1, 1).toordinal()
BAD = np.iinfo(np.int64).min
"""What a text that cannot be parsed becomes; the loader refuses or drops its rows."""


class Rows(Protocol):
    """A block of rows of one table: what the readers in `gateways` hand over."""

    @property
    def rows(self) -> Sequence[int]: ...
    @property
    def columns(self) -> Mapping[str, Sequence[str]]: ...


class Vocabulary:
    """The distinct texts of a column, numbered in order of appearance."""

    def __init__(self) -> None:
        self._ids: defaultdict[str, int] = defaultdict()
        self._ids.default_factory = self._ids.__len__

    def encode(self, texts: Sequence[str]) -> Ids:
        return np.fromiter(map(self._ids.__getitem__, texts), np.int32, len(texts))

    def number(self, text: str) -> int:
        return self._ids[text]

    @property
    def texts(self) -> list[str]:
        return list(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def table(self, value: Callable[[str], int]) -> Ints:
        """One integer per distinct text, to be indexed by an encoded column."""
        return np.fromiter(map(value, self._ids), np.int64, len(self._ids))


class Columns:
    """Encoded columns of one table, gathered block by block; shared vocabularies number texts across tables."""

    def __init__(self, names: Iterable[str], shared: Mapping[str, Vocabulary]) -> None:
        self.words = {name: shared[name] if name in shared else Vocabulary() for name in names}
        self._parts: dict[str, list[Ids]] = {name: [] for name in self.words}
        self._rows: list[Ids] = []

    def add(self, block: Rows) -> None:
        for name, words in self.words.items():
            texts = block.columns.get(name)
            size = len(block.rows)
            part = np.full(size, words.number(""), np.int32) if texts is None else words.encode(texts)
            self._parts[name].append(part)
        self._rows.append(np.asarray(block.rows, np.int32))

    def joined(self, name: str) -> Ids:
        """The whole column."""
        self._parts[name] = [_joined(self._parts[name])]
        return self._parts[name][0]

    def row_numbers(self) -> Ids:
        return _joined(self._rows)

    def text_at(self, name: str, at: int) -> str:
        return self.words[name].texts[int(self.joined(name)[at])]

    def only(self, kept: Flags) -> "Columns":
        """The same columns with the kept rows."""
        if kept.all():
            return self
        part = Columns(self.words, self.words)
        part._parts = {name: [self.joined(name)[kept]] for name in self.words}  # its own kind
        part._rows = [self.row_numbers()[kept]]
        return part


def _joined(parts: list[Ids]) -> Ids:
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


def parse_day(text: str) -> int:
    """Days since 1970-01-01 of YYYY-MM-DD; BAD for anything else."""
    if not _DATE.fullmatch(text):
        return BAD
    try:
        return date.fromisoformat(text).toordinal() - EPOCH
    except ValueError:
        return BAD


def parse_instants(texts: Sequence[str]) -> Ints:
    """Seconds since 1970 of whole-second UTC instants with `Z`; BAD for anything else."""
    shaped = [text[:-1] if _INSTANT.fullmatch(text) else "NaT" for text in texts]
    try:
        seconds = np.array(shaped, "datetime64[s]")
    except ValueError:
        seconds = np.array([_instant(text) for text in shaped], "datetime64[s]")
    return seconds.astype(np.int64)


def _instant(text: str) -> "np.datetime64":
    try:
        return np.datetime64(text, "s")
    except ValueError:
        return np.datetime64("NaT", "s")


def day_text(day: int) -> str:
    return date.fromordinal(day + EPOCH).isoformat()


def as_date(day: int) -> date:
    return date.fromordinal(day + EPOCH)


def as_day(value: date) -> int:
    """Days since 1970-01-01, the form every date has in bulk."""
    return value.toordinal() - EPOCH
