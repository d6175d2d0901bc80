"""How long each class of records is kept: per jurisdiction what the law asks at least, and what the tenant decided."""

import json
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from rules.privacy.regimes import month_after

FILE = Path(__file__).with_name("retention.json")


class RecordClass(StrEnum):
    """What is kept and ends together."""

    REGISTER = "REGISTER"
    STUDENT_RECORD = "STUDENT_RECORD"
    VIEW_LOG = "VIEW_LOG"
    BEHAVIOUR = "BEHAVIOUR"
    PREDICTION = "PREDICTION"
    STAFF_PLANNING = "STAFF_PLANNING"
    INBOUND_EVENT = "INBOUND_EVENT"
    QUARANTINE = "QUARANTINE"
    BACKTEST = "BACKTEST"
    WEBHOOK_DELIVERY = "WEBHOOK_DELIVERY"


class EndOf(StrEnum):
    """What is done at the end: rows are deleted, or a student's record is erased by key shredding."""

    DELETE = "DELETE"
    ERASE = "ERASE"


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Least(_Read):
    """What the law of a jurisdiction asks; `checked_on` None: nobody compared it with the text itself yet."""

    jurisdiction: str
    months: int
    cite: str
    checked_on: date | None


class Keeping(_Read):
    """One class: from when its time runs, what ends it, Handrail's own period, and what laws ask at least."""

    key: RecordClass
    since: str = Field(alias="from")
    action: EndOf
    ours_months: int | None
    least: tuple[Least, ...]


class _Table(_Read):
    classes: tuple[Keeping, ...]


@lru_cache(maxsize=1)
def keepings() -> tuple[Keeping, ...]:
    """Every class that ships, in the order in which lists name them."""
    return _Table.model_validate(json.loads(FILE.read_text("utf-8"))).classes


def asked(keeping: Keeping, jurisdiction: str | None) -> tuple[Least, ...]:
    """What the laws of a jurisdiction (`US-CA`) ask; of a country of which nobody said the part: of all its parts."""
    wanted = {jurisdiction, (jurisdiction or "").split("-")[0]}
    return tuple(one for one in keeping.least if one.jurisdiction in wanted or _within(one.jurisdiction, jurisdiction))


def least_for(keeping: Keeping, jurisdiction: str | None) -> Least | None:
    """The longest of what is asked there."""
    return max(asked(keeping, jurisdiction), key=lambda one: one.months, default=None)


def _within(part: str, country: str | None) -> bool:
    return country is not None and part.startswith(f"{country}-")


def months_for(keeping: Keeping, jurisdiction: str | None, chosen: Mapping[RecordClass, int]) -> int | None:
    """For how many months; None: for ever, since nobody has decided. No choice goes below what the law asks."""
    decided = chosen.get(keeping.key, keeping.ours_months)
    if decided is None:
        return None
    least = least_for(keeping, jurisdiction)
    return max(decided, least.months if least else 0)


def verified_on(least: Least, told: Mapping[str, date]) -> date | None:
    """The day somebody compared the law's period with its text: ours, else what the tenant says; None: nobody has."""
    return least.checked_on or told.get(least.jurisdiction)


def in_force(keeping: Keeping, jurisdiction: str | None, told: Mapping[str, date]) -> bool:
    """Whether records may end by it: where laws speak, only once somebody has compared each period with its text."""
    return all(verified_on(one, told) is not None for one in asked(keeping, jurisdiction))


def ends_before(today: date, months: int) -> date:
    """What began before this day has ended its time today: kept through the same day, so many months later."""
    return month_after(today, -months)
