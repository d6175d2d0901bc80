"""One field of a feed at a time: text to a typed value, or the kind of issue it is."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateways.source_declaration import SourceDeclaration
from rules.attendance.quality import IssueKind

Value = str | int | bool | date | datetime | None
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_NUMERIC = re.compile(r"(\d{1,4})[/.-](\d{1,2})[/.-](\d{2,4})")
_NAMED = re.compile(r"(\d{1,2})[- ]([A-Za-z]{3})[a-z]*[- ](\d{2}|\d{4})")
_SERIAL = re.compile(r"\d{4,5}(\.\d+)?")
_EXCEL_ZERO = date(1899, 12, 30)
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: at for at, name in enumerate(_MONTH_NAMES, 1)}
_FLAGS = {"": False, "0": False, "false": False, "False": False, "1": True, "true": True, "True": True}
_LONGEST_NUMBER = 9


class Kind(StrEnum):
    """What a column holds."""

    ID = "id"
    TEXT = "text"
    DATE = "date"
    OPEN_DATE = "open_date"
    INSTANT = "instant"
    FLAG = "flag"
    OPEN_FLAG = "open_flag"
    NUMBER = "number"
    HALF_DAY = "half_day"
    SESSION = "session"
    ATTENDS = "attends"


@dataclass(frozen=True, slots=True)
class Wrong:
    """A text that is no value of its column; an ambiguous date refuses the whole file."""

    kind: IssueKind
    ambiguous: bool = False


Parsed = Value | Wrong
Parser = Callable[[str, SourceDeclaration], Parsed]


def parse(kind: Kind, text: str, source: SourceDeclaration) -> Parsed:
    """The typed value of one field, blanks at the ends trimmed."""
    return _PARSERS[kind](text.strip(), source)


def _id(text: str, _: SourceDeclaration) -> Parsed:
    return text or Wrong(IssueKind.MISSING_VALUE)


def _text(text: str, _: SourceDeclaration) -> Parsed:
    return text


def _date(text: str, source: SourceDeclaration) -> Parsed:
    if not text:
        return Wrong(IssueKind.MISSING_VALUE)
    if _SERIAL.fullmatch(text):
        if not source.excel_dates:
            return Wrong(IssueKind.EXCEL_SERIAL_DATE)
        return _EXCEL_ZERO + timedelta(days=int(text.partition(".")[0]))
    try:
        return date.fromisoformat(text) if _ISO.fullmatch(text) else _ordered_date(text, source)
    except ValueError:
        return Wrong(IssueKind.BAD_DATE)


def _ordered_date(text: str, source: SourceDeclaration) -> Parsed:
    """Dates of another form: read by the declared order, never guessed."""
    if named := _NAMED.fullmatch(text):
        day, month, year = named.groups()
        number = _MONTHS.get(month.lower())
        known = source.date_order != "YMD" and number is not None
        return date(_year(year), number or 1, int(day)) if known else Wrong(IssueKind.BAD_DATE)
    numeric = _NUMERIC.fullmatch(text)
    if numeric is None:
        return Wrong(IssueKind.BAD_DATE)
    first, second, third = numeric.groups()
    if source.date_order == "YMD":
        if len(first) == 4:  # 2024/09/03: the declared order with other signs
            return date(int(first), int(second), int(third))
        either = int(first) <= 12 and int(second) <= 12 and first != second
        return Wrong(IssueKind.BAD_DATE, ambiguous=either)
    day, month = (first, second) if source.date_order == "DMY" else (second, first)
    return date(_year(third), int(month), int(day))


def _year(text: str) -> int:
    return int(text) if len(text) > 2 else 2000 + int(text)


def _open_date(text: str, source: SourceDeclaration) -> Parsed:
    return _date(text, source) if text else None


def _instant(text: str, source: SourceDeclaration) -> Parsed:
    """An instant in whole seconds UTC; without an offset it is local to the declared zone; empty is told later."""
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return Wrong(IssueKind.BAD_INSTANT)
    if instant.tzinfo is None:
        if not source.timezone:
            return Wrong(IssueKind.BAD_INSTANT)
        instant = instant.replace(tzinfo=ZoneInfo(source.timezone))
    return instant.astimezone(UTC).replace(microsecond=0)


def _flag(text: str, _: SourceDeclaration) -> Parsed:
    return _FLAGS[text] if text in _FLAGS else Wrong(IssueKind.BAD_VALUE)


def _open_flag(text: str, source: SourceDeclaration) -> Parsed:
    """Empty is unknown, not no: an entitlement nobody has stated is asked for (safeguards.md section 2)."""
    return _flag(text, source) if text else None


def _number(text: str, _: SourceDeclaration) -> Parsed:
    if not text:
        return None
    whole = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return int(text) if whole else Wrong(IssueKind.BAD_NUMBER)


def _one_of(*words: str, otherwise: IssueKind = IssueKind.UNKNOWN_SESSION) -> Parser:
    return lambda text, _: text if text in words else Wrong(otherwise)


def _attends(text: str, _: SourceDeclaration) -> Parsed:
    return (text or "AM|PM") if text in {"", "AM|PM", "AM", "PM"} else Wrong(IssueKind.BAD_VALUE)


_PARSERS: Mapping[Kind, Parser] = {
    Kind.ID: _id,
    Kind.TEXT: _text,
    Kind.DATE: _date,
    Kind.OPEN_DATE: _open_date,
    Kind.INSTANT: _instant,
    Kind.FLAG: _flag,
    Kind.OPEN_FLAG: _open_flag,
    Kind.NUMBER: _number,
    Kind.HALF_DAY: _one_of("AM", "PM"),
    Kind.SESSION: _one_of("AM", "PM", "DAY"),
    Kind.ATTENDS: _attends,
}
