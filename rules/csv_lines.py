"""Lines of CSV for people who open them in a spreadsheet: quoted as RFC 4180 says, and no cell is ever a formula."""

import csv
from collections.abc import Iterable
from datetime import date, datetime
from io import StringIO
from typing import Final

# what makes a spreadsheet calculate; a leading apostrophe makes it text again, and is not shown
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_INVISIBLE: Final = " \u00a0\ufeff\u200b"


def line(values: Iterable[object]) -> str:
    """One line with its end; None is an empty cell, instants and days are ISO-8601."""
    written = StringIO()
    csv.writer(written, lineterminator="\r\n").writerow([cell(value) for value in values])
    return written.getvalue()


def cell(value: object) -> str:
    """A value as text that no spreadsheet takes for a formula; numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    said = value.isoformat() if isinstance(value, date | datetime) else str(value)
    return f"'{said}" if said.lstrip(_INVISIBLE).startswith(_FORMULA) else said
