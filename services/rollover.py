"""Is every school ready for its next school year? What is missing, each with what to do; nothing is changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.queries import rollover

FROM_DAYS_BEFORE: Final = 45
FEWEST_OPEN_DAYS: Final = 100


class Unready(StrEnum):
    """What is not ready for the new year."""

    CALENDAR_MISSING = "CALENDAR_MISSING"
    CALENDAR_SHORT = "CALENDAR_SHORT"
    NOBODY_STAYS = "NOBODY_STAYS"
    YEAR_GROUP_MISSING = "YEAR_GROUP_MISSING"
    STEPS_WAITING = "STEPS_WAITING"
    TRANSFERS_PENDING = "TRANSFERS_PENDING"
    YEAR_ENDS_OPEN = "YEAR_ENDS_OPEN"
    PARTITIONS_MISSING = "PARTITIONS_MISSING"
    RULE_SET_ENDS = "RULE_SET_ENDS"


WHAT_TO_DO: Final = {
    Unready.CALENDAR_MISSING: "import or enter the new year's calendar",
    Unready.CALENDAR_SHORT: "complete the new year's calendar",
    Unready.NOBODY_STAYS: "import the new year's enrolments",
    Unready.YEAR_GROUP_MISSING: "import students with their year groups",
    Unready.STEPS_WAITING: "decide on the steps in the queue before the holidays",
    Unready.TRANSFERS_PENDING: "the leader chooses for the students who come",
    Unready.YEAR_ENDS_OPEN: "choose what becomes of the running cases; without a choice they are reviewed in autumn",
    Unready.PARTITIONS_MISSING: "import the calendar, which makes them",
    Unready.RULE_SET_ENDS: "activate a version for the new year",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not ready; `detail` is a count, a date or a list, never a name of a person."""

    kind: Unready
    detail: str


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """One school before its next year. `early` = more than 45 days before: not looked at yet."""

    school_id: UUID
    school: str
    begins: date
    early: bool
    open_cases: int
    leaving: int
    findings: tuple[Finding, ...]


async def check(session: AsyncSession, *, on: date) -> list[SchoolYear]:
    """Every school of the tenant as it stands on a day."""
    rows = (await session.execute(rollover.SCHOOLS, {"day": on})).all()
    ending = (await session.execute(rollover.ENDING)).all()
    return [_looked_at(row, ending, on) for row in rows]


def _looked_at(row: Any, ending: Sequence[Any], on: date) -> SchoolYear:
    early = (row.begins - on).days > FROM_DAYS_BEFORE
    found = () if early else tuple(_findings(row, ending))
    return SchoolYear(row.id, row.name, row.begins, early, row.open_cases, row.leaving, found)


def _findings(row: Any, ending: Sequence[Any]) -> Iterator[Finding]:
    if not row.open_days:
        yield Finding(Unready.CALENDAR_MISSING, f"no open day from {row.begins} on")
    elif row.open_days < FEWEST_OPEN_DAYS:
        yield Finding(Unready.CALENDAR_SHORT, f"{row.open_days} open days")
    if not row.staying and row.leaving:
        yield Finding(Unready.NOBODY_STAYS, f"{row.leaving} students on roll, all until {row.begins}")
    counts = {
        Unready.YEAR_GROUP_MISSING: (row.unplaced, "students"),
        Unready.STEPS_WAITING: (row.waiting, "steps"),
        Unready.TRANSFERS_PENDING: (row.coming, "students"),
        Unready.YEAR_ENDS_OPEN: (row.unchosen, "cases"),
    }
    yield from (Finding(kind, f"{many} {what}") for kind, (many, what) in counts.items() if many)
    if row.partitions:
        yield Finding(Unready.PARTITIONS_MISSING, ", ".join(row.partitions))
    yield from (Finding(Unready.RULE_SET_ENDS, f"{one.key} on {one.ends}") for one in ending if one.ends < row.begins)
