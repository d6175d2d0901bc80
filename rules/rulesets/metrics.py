"""Metric keys: the canonical names of the integers that attendance hands to rules."""

import re
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final, Self
from urllib.parse import quote, unquote

CODE_SET: Final = "CODE_SET"
"""Stands for the family list of the school's own code set (safeguards.md section 6)."""


class Measure(StrEnum):
    """What is counted; every measure is an integer or unknown."""

    ABSENT_HALF_DAYS = "absent_half_days"
    """Absence days times two (S5.1): also whole under one session a day and DAYS_50PCT."""
    ABSENT_SESSIONS = "absent_sessions"
    UNAUTHORISED_SESSIONS = "unauthorised_sessions"
    """Unauthorised sessions in a window that ignores the turn of the school year (S7.5)."""
    CONSECUTIVE_DAYS = "consecutive_days"
    LATE_SESSIONS = "late_sessions"
    LATE_OR_AFTER_CLOSE_SESSIONS = "late_or_after_close_sessions"
    ATTENDED_SESSIONS = "attended_sessions"
    """Numerator of the percent (S5.2): sessions, or days under DAYS_50PCT."""
    POSSIBLE_SESSIONS = "possible_sessions"
    """Denominator of the percent (S5.2): sessions, or days under DAYS_50PCT."""
    POSSIBLE_DAYS = "possible_days"
    """Days with at least one possible session."""
    COUNTED_SESSIONS = "counted_sessions"
    """Possible sessions as such, whatever the day basis."""
    OCCASIONS = "occasions"
    DAYS_OR_PARTS = "days_or_parts"
    MINUTES_MISSED = "minutes_missed"
    EVALUATION_DAY = "evaluation_day"
    """Days since 1970-01-01 of the evaluation date."""
    MONTHS_INTO_YEAR = "months_into_year"
    """Full months since the school year began."""


class WindowKind(StrEnum):
    """How far back a measure looks."""

    YTD = "ytd"
    CALENDAR = "calendar"
    SCHOOL = "school"
    WEEKS = "weeks"
    MONTHS = "months"
    """From the day after the same day of the month, so many months before (its last, where that month is shorter)."""
    DATES = "dates"
    RUN = "run"
    """The present run of consecutive absence days (S5.6)."""
    STEP = "step"
    """After the effective day of the last executed step (S10)."""


class Kinds(StrEnum):
    """Which absences count."""

    ALL = "all"
    UNAUTHORISED = "unauthorised"
    AUTHORISED = "authorised"


class Across(StrEnum):
    """Whose marks count: this school's, or all of the tenant's schools.

    Across the tenant a session elsewhere counts as if it were the asking school's: its windows, school year, day basis,
    sessions a day and family list hold for all; a day is a date, whichever schools were open on it.
    """

    SCHOOL = "school"
    TENANT = "tenant"


class At(StrEnum):
    """The day a metric is measured on, told from the evaluation date."""

    DAY = "day"
    PRIOR_YEAR = "prior_year"
    """The last day of the school year before."""
    BEFORE_STEP = "before_step"
    """The day before the effective day of the last executed step."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A stretch of days that ends on the day of measurement."""

    kind: WindowKind
    n: int = 0
    first: date | None = None
    last: date | None = None

    def __str__(self) -> str:
        if self.kind is WindowKind.DATES:
            return f"{self.first}..{self.last}"
        return f"{self.kind}:{self.n}" if self.kind in _SIZED else str(self.kind)

    @classmethod
    def parse(cls, text: str) -> Self:
        if ".." in text:
            first, _, last = text.partition("..")
            return cls(WindowKind.DATES, 0, date.fromisoformat(first), date.fromisoformat(last))
        kind, colon, n = text.partition(":")
        window = cls(WindowKind(kind), int(n) if colon else 0)
        if str(window) != text:
            raise ValueError(f"not a window: {text!r}")
        return window


_SIZED: Final = frozenset({WindowKind.CALENDAR, WindowKind.SCHOOL, WindowKind.WEEKS, WindowKind.MONTHS})
YTD: Final = Window(WindowKind.YTD)
RUN: Final = Window(WindowKind.RUN)
SINCE_STEP: Final = Window(WindowKind.STEP)

WITH_KINDS: Final = frozenset(
    {Measure.ABSENT_HALF_DAYS, Measure.ABSENT_SESSIONS, Measure.CONSECUTIVE_DAYS, Measure.MINUTES_MISSED}
)
_RUN_ONLY: Final = frozenset({Measure.CONSECUTIVE_DAYS})
OF_THE_DAY: Final = frozenset({Measure.EVALUATION_DAY, Measure.MONTHS_INTO_YEAR})
"""Measures of the date and the school alone: no window, no marks."""


@dataclass(frozen=True, slots=True)
class MetricKey:
    """One metric; `str(key)` is its canonical text and `MetricKey.parse` reads it back."""

    measure: Measure
    window: Window = YTD
    kinds: Kinds = Kinds.ALL
    codes: tuple[str, ...] = ()
    exclude_codes: tuple[str, ...] = ()
    over_minutes: int = 0
    across: Across = Across.SCHOOL
    at: At = At.DAY

    @property
    def pooled(self) -> bool:
        """Whether sessions at other schools count too."""
        return self.across is Across.TENANT

    def __str__(self) -> str:
        size = f":{self.over_minutes}" if self.measure is Measure.OCCASIONS else ""
        parts = [f"{self.measure}{size}"]
        if self.measure not in _RUN_ONLY | OF_THE_DAY:
            parts.append(str(self.window))
        if self.measure in WITH_KINDS:
            parts.append(str(self.kinds))
        parts += [f"codes={_listed(self.codes)}"] if self.codes else []
        parts += [f"exclude={_listed(self.exclude_codes)}"] if self.exclude_codes else []
        parts += [f"across={self.across}"] if self.across is not Across.SCHOOL else []
        return "/".join(parts) + (f"@{self.at}" if self.at is not At.DAY else "")

    def __lt__(self, other: Self) -> bool:
        return str(self) < str(other)

    def measured(self, at: At) -> Self:
        """The same metric on another day."""
        return replace(self, at=at)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read canonical text; anything else is a ValueError naming the text."""
        try:
            key = cls._read(text)
        except (ValueError, IndexError) as error:
            raise ValueError(f"not a metric key: {text!r}") from error
        if str(key) != text:
            raise ValueError(f"not a canonical metric key: {text!r} (canonical: {str(key)!r})")
        return key

    @classmethod
    def _read(cls, text: str) -> Self:
        body, _, at = text.partition("@")
        name, *rest = body.split("/")
        word, _, minutes = name.partition(":")
        measure = Measure(word)
        window = RUN if measure in _RUN_ONLY else YTD
        if measure not in _RUN_ONLY | OF_THE_DAY:
            window = Window.parse(rest.pop(0))
        kinds = Kinds(rest.pop(0)) if measure in WITH_KINDS else Kinds.ALL
        named = dict(re.split("=", part, maxsplit=1) for part in rest)
        return cls(
            measure,
            window,
            kinds,
            _unlisted(named.get("codes", "")),
            _unlisted(named.get("exclude", "")),
            int(minutes or 0),
            Across(named.get("across", Across.SCHOOL)),
            At(at or At.DAY),
        )


def codes_key(codes: "frozenset[str] | tuple[str, ...] | list[str]") -> tuple[str, ...]:
    """Codes in the one order and without repeats that a key needs."""
    return tuple(sorted(set(codes)))


def _listed(codes: tuple[str, ...]) -> str:
    return ",".join(quote(code, safe="") for code in codes)


def _unlisted(text: str) -> tuple[str, ...]:
    return tuple(unquote(code) for code in text.split(",")) if text else ()
