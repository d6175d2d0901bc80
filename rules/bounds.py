"""What can be kept and given back: texts without broken characters, days and times that any database and clock hold.

Near the ends of Python's calendar a day more, or another offset, is no date any more: input ends well before.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2199
DEEPEST: Final = 40  # parts within parts of what is sent as JSON; a rule set with its tests has about fifteen


def storable(text: str) -> bool:
    """Whether a database can keep this text: no NUL, no half of a character."""
    return "\0" not in text and not any("\ud800" <= one <= "\udfff" for one in text)


def shallow(value: Any) -> bool:
    """Whether parts lie within parts no deeper than anything here does; looks at it level by level, never recursing."""
    parts: list[Any] = [value]
    for _ in range(DEEPEST):
        parts = [inner for one in parts if isinstance(one, dict | list) for inner in _within(one)]
        if not parts:
            return True
    return False


def _within(part: dict[str, Any] | list[Any]) -> Collection[Any]:
    return part.values() if isinstance(part, dict) else part


def _instant(value: datetime) -> datetime:
    if not FIRST_YEAR < value.year < LAST_YEAR:
        raise ValueError(f"a time after {FIRST_YEAR} and before {LAST_YEAR}")
    return value


def _day(value: date) -> date:
    if not FIRST_YEAR < value.year < LAST_YEAR:
        raise ValueError(f"a day after {FIRST_YEAR} and before {LAST_YEAR}")
    return value


Instant = Annotated[AwareDatetime, AfterValidator(_instant)]
AnyDay = Annotated[date, AfterValidator(_day)]
