"""Data-protection regimes: the clocks of inspection and amendment, and what a family is told when refused."""

import json
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

FILE = Path(__file__).with_name("regimes.json")
# Without a jurisdiction the shortest clock that any shipped regime knows is the safe one
FALLBACK = "GDPR"


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limit(_Read):
    """So many days, school days or months, and where that is written; `only` = for schools of that kind.

    `checked_on` is the day somebody compared it with the text itself; None: from memory, it runs but is marked.
    """

    days: int
    unit: Literal["day", "school_day", "month"]
    cite: str
    checked_on: date | None
    only: Literal["maintained"] | None = None


class Regime(_Read):
    """One law of data protection as far as Handrail's clocks and texts go."""

    key: str
    jurisdictions: tuple[str, ...]
    inspection: tuple[Limit, ...]
    amendment_within: Limit
    hearing: str
    hearing_checked_on: date | None
    source: str


class _Table(_Read):
    regimes: tuple[Regime, ...]


@lru_cache(maxsize=1)
def _table() -> _Table:
    return _Table.model_validate(json.loads(FILE.read_text("utf-8")))


def regimes() -> tuple[Regime, ...]:
    """Every regime that ships."""
    return _table().regimes


def regime_of(jurisdiction: str | None) -> Regime:
    """The regime of a jurisdiction (`US-CA`), else of its country, else the fallback."""
    wanted = [jurisdiction or "", (jurisdiction or "").split("-")[0]]
    for asked in wanted:
        for regime in regimes():
            if asked in regime.jurisdictions:
                return regime
    return next(regime for regime in regimes() if regime.key == FALLBACK)


def limits_for(regime: Regime, *, maintained: bool | None) -> tuple[Limit, ...]:
    """The clocks that run for a school; while nobody has said whether it is maintained, both do and the first ends."""
    return tuple(limit for limit in regime.inspection if limit.only is None or maintained is not False)


def due(limits: Sequence[Limit], asked_on: date, school_days: Sequence[date]) -> date:
    """The earliest end of these clocks; `school_days` are the open days after `asked_on`, in order."""
    return min(_end(limit, asked_on, school_days) for limit in limits)


def _end(limit: Limit, asked_on: date, school_days: Sequence[date]) -> date:
    if limit.unit == "month":
        return month_after(asked_on, limit.days)
    if limit.unit == "day":
        return asked_on + timedelta(days=limit.days)
    # a calendar that ends sooner must not stretch the clock
    known = school_days[limit.days - 1 : limit.days]
    return known[0] if known else asked_on + timedelta(days=limit.days)


def month_after(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    index = day.month - 1 + months
    year, month = day.year + index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
