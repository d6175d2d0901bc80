"""How dates, times, lists and the fixed labels of a letter are written in each language."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

NBSP = "\u00a0"
RIGHT_TO_LEFT = frozenset({"ar", "he", "ur", "fa", "ps", "yi", "ckb", "sd", "ug"})
FILE = Path(__file__).with_name("wording.json")


class Wording(BaseModel):
    """The words of one language that are not in the template."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    date: str
    day: str
    time: str
    am: str
    pm: str
    conjunction: str
    page: str
    date_label: str
    reference_label: str
    contact_label: str
    phone_label: str


@lru_cache(maxsize=1)
def _all() -> dict[str, Wording]:
    return {key: Wording.model_validate(value) for key, value in json.loads(FILE.read_text("utf-8")).items()}


def wording(language: str) -> Wording:
    """The words of `ga-IE` or of `ga`; a language without its own keeps English labels round a translated body."""
    known, code = _all(), language.lower()
    return known.get(code) or known.get(code.split("-")[0]) or known["en"]


def is_right_to_left(language: str) -> bool:
    return language.lower().split("-")[0] in RIGHT_TO_LEFT


def said_date(day: date, language: str) -> str:
    """3 November 2026, with spaces that no line can break at."""
    words = wording(language)
    text = words.date.format(day=day.day, month=words.months[day.month - 1], year=day.year)
    return text.replace(" ", NBSP)


def said_day(day: date, part: str, language: str) -> str:
    """Tuesday 3 November 2026 (AM); `part` is AM, PM or empty for the whole day."""
    words = wording(language)
    text = words.day.format(weekday=words.weekdays[day.weekday()], date=said_date(day, language))
    half = {"AM": words.am, "PM": words.pm}.get(part, "")
    return f"{text}{NBSP}({half})" if half else text


def said_time(moment: datetime, language: str) -> str:
    """Tuesday 3 November 2026 at 2:30 PM: the half of the day is always said."""
    words = wording(language)
    half = words.am if moment.hour < 12 else words.pm
    clock = f"{(moment.hour - 1) % 12 + 1}:{moment.minute:02d}{NBSP}{half}"
    return words.time.format(day=said_day(moment.date(), "", language), clock=clock)


def said_list(items: Sequence[str], language: str) -> str:
    """A, B and C."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {wording(language).conjunction} {items[-1]}"
