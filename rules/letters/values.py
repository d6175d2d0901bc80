"""Merge values: checked against their field's type, and written out in the letter's language."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from rules.letters.fields import FieldType
from rules.letters.wording import NBSP, is_right_to_left, said_date, said_day, said_list, said_time

ISOLATE = "\u2068{}\u2069"
RIGHT_TO_LEFT_CLASSES = frozenset({"R", "AL"})
HALVES = ("AM", "PM")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Value:
    """What a field says: as a phrase inside a sentence, and as items where it stands alone in a list."""

    phrase: str
    items: tuple[str, ...]


def written(kind: FieldType, value: Any, language: str) -> Value:
    """Write a value out, or raise ValueError saying what form it must have."""
    items = tuple(isolated(item, language) for item in _WRITERS[kind](value, language))
    phrase = "\n".join(items) if kind is FieldType.LINES else said_list(items, language)
    return Value(phrase, items)


def is_given(value: Any) -> bool:
    """True where `{% if field %}` holds: there is a value, and it is not empty, zero or false."""
    return value not in (None, "", 0, False, [], ())


def as_date(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return date.fromisoformat(_string(value, "a date such as 2026-11-03"))


def as_lines(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of lines")  # noqa: TRY004 - one error type, told with its field
    return tuple(as_text(line) for line in value if line)


def as_text(value: Any) -> str:
    """One line of text in the one normal form that fonts and comparisons rely on."""
    text = unicodedata.normalize("NFC", " ".join(_string(value, "text").split(" ")))
    if CONTROL.search(text):
        raise ValueError("holds a control character: remove it")
    return text


def isolated(text: str, language: str) -> str:
    """Keep a value's own order: `+353 1` in an Arabic line, an Arabic name in an English one."""
    foreign = not below_hebrew(text) and any(unicodedata.bidirectional(mark) in RIGHT_TO_LEFT_CLASSES for mark in text)
    return ISOLATE.format(text) if foreign or is_right_to_left(language) else text


def below_hebrew(text: str) -> bool:
    """Whether no character can run from right to left, told without asking each: the first that does is U+0590."""
    return not text or max(text) < "\u0590"


def _string(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be {what}")
    return value.strip()


def _text(value: Any, _language: str) -> list[str]:
    return [as_text(value)]


def _phone(value: Any, _language: str) -> list[str]:
    return [as_text(value).replace(" ", NBSP)]


def _number(value: Any, _language: str) -> list[str]:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite():
        raise ValueError("must be a number")
    return [f"{number:f}"]


def _date(value: Any, language: str) -> list[str]:
    return [said_date(as_date(value), language)]


def _time(value: Any, language: str) -> list[str]:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(_string(value, "a local date and time"))
    return [said_time(moment, language)]


def _dates(value: Any, language: str) -> list[str]:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of dates")  # noqa: TRY004 - one error type, told with its field
    return [_half_day(item, language) for item in value]


def _half_day(item: Any, language: str) -> str:
    if isinstance(item, date):
        return said_day(as_date(item), "", language)
    day, _, part = _string(item, "a date, with AM or PM for a half day").partition(" ")
    if part and part not in HALVES:
        raise ValueError("must be a date, with AM or PM for a half day")
    return said_day(date.fromisoformat(day), part, language)


def _lines(value: Any, _language: str) -> list[str]:
    return list(as_lines(value))


_WRITERS: Mapping[FieldType, Callable[[Any, str], list[str]]] = {
    FieldType.TEXT: _text,
    FieldType.PERSON: _text,
    FieldType.SENTENCE: _text,
    FieldType.PHONE: _phone,
    FieldType.NUMBER: _number,
    FieldType.DATE: _date,
    FieldType.TIME: _time,
    FieldType.DATES: _dates,
    FieldType.LINES: _lines,
}
