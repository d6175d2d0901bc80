"""Parses encoded columns and gathers what refuses a file: each place once, with what to do about it."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

import numpy as np

from bulk.vocabulary import BAD, Columns, Flags, Ids, Ints, parse_day, parse_instants
from rules.attendance.quality import printable, structural, together
from rules.errors import Invalid

_SHOWN = 5
"""Rows named per column; the rest are counted."""
Word = TypeVar("Word", bound=StrEnum)


class Problems:
    """The structural problems of one file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: list[Invalid] = []

    def note(self, row: int, column: str, what: str) -> None:
        self._found.append(structural(self._file, row, column, what))

    def raise_any(self) -> None:
        if self._found:
            raise together(self._found)

    def word(self, row: int, column: str, text: str, words: type[Word], otherwise: Word) -> Word:
        """One of the words of an enum; anything else is a problem."""
        if text in list(words):
            return words(text)
        self.note(row, column, f"{printable(text)} is not known: write {' or '.join(words)}")
        return otherwise

    def rows_where(self, rows: Ids, column: str, bad: Flags, what: str) -> None:
        """A problem for each of the first rows that are wrong, and one line that counts the others."""
        wrong = rows[bad]
        for row in wrong[:_SHOWN].tolist():
            self.note(row, column, what)
        if len(wrong) > _SHOWN:
            self.note(0, column, f"{len(wrong) - _SHOWN} more rows like these")

    def parsed(self, rows: Ids, name: str, columns: Columns, value: Callable[[str], int], what: str) -> Ints:
        """A column by a function of its texts; texts that become BAD are problems."""
        return self._looked_up(rows, name, columns, columns.words[name].table(value), what)

    def instants(self, rows: Ids, name: str, columns: Columns) -> Ints:
        """Whole-second UTC instants, as seconds since 1970."""
        table = parse_instants(columns.words[name].texts)
        return self._looked_up(rows, name, columns, table, "write UTC as 2024-09-03T09:00:00Z")

    def _looked_up(self, rows: Ids, name: str, columns: Columns, table: Ints, what: str) -> Ints:
        encoded = columns.joined(name)
        values = table[encoded]
        wrong = np.flatnonzero(values == BAD)
        texts = columns.words[name].texts if len(wrong) else []
        for at in wrong[:_SHOWN].tolist():
            self.note(int(rows[at]), name, f"{printable(texts[encoded[at]])}: {what}")
        if len(wrong) > _SHOWN:
            self.note(0, name, f"{len(wrong) - _SHOWN} more rows like these")
        return values

    def days(self, rows: Ids, name: str, columns: Columns, empty: int = BAD) -> Ints:
        """Dates written YYYY-MM-DD, as days since 1970-01-01."""
        return self.parsed(rows, name, columns, lambda text: parse_day(text) if text else empty, "write YYYY-MM-DD")

    def choices(self, rows: Ids, name: str, columns: Columns, words: Mapping[str, int]) -> Ints:
        """One of a few words, by number."""
        what = f"write {' or '.join(word for word in words if word)}"
        return self.parsed(rows, name, columns, lambda text: words.get(text, BAD), what)

    def counts(self, rows: Ids, name: str, columns: Columns, empty: int) -> Ints:
        """Whole numbers from 0; empty stands for a given number."""
        return self.parsed(
            rows, name, columns, lambda text: _count(text, empty), "write a whole number or leave it empty"
        )


def _count(text: str, empty: int) -> int:
    if not text:
        return empty
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else BAD
