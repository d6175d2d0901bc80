"""The register as evidence: every session that was not attended, with its first entry and every later one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import CodeMap, Mark
from models.people import Person, School

WORDS: Final = {
    "PRESENT": "present",
    "LATE": "late",
    "AUTHORISED_ABSENT": "absent, authorised",
    "UNAUTHORISED_ABSENT": "absent, not authorised",
    "ABSENT": "absent",
    "NOT_POSSIBLE": "could not attend",
    "NO_MARK": "no mark",
}
THERE: Final = frozenset({"PRESENT", "LATE"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it was received; `why` without health detail says only that there was a reason."""

    date: date
    session: str
    amended: bool
    what: str
    recorded_at: datetime
    who: str
    title: str
    why: str


async def extract(session: AsyncSession, student_id: UUID, *, health: bool) -> list[Entry]:
    """Entries in order; a session attended and never amended is left out."""
    meaning = {(one.code_set, one.code): one.status for one in (await session.scalars(select(CodeMap))).all()}
    sets = dict((await session.execute(select(School.id, School.code_set))).all())
    marks = select(Mark).where(Mark.student_id == student_id, Mark.deleted.is_(False))
    ordered = marks.order_by(Mark.date, Mark.session, Mark.recorded_at, Mark.ingest_seq)
    names = {str(one.id): one.display_name for one in (await session.scalars(select(Person))).all()}
    found: list[Entry] = []
    for _, group in groupby((await session.scalars(ordered)).all(), key=lambda mark: (mark.date, mark.session)):
        rows = list(group)
        statuses = [meaning.get((sets.get(row.school_id, ""), row.code), "UNKNOWN") for row in rows]
        if len(rows) == 1 and statuses[0] in THERE:
            continue
        found += _entries(rows, statuses, names, health=health)
    return found


def _entries(rows: Sequence[Mark], statuses: Sequence[str], names: Mapping[str, str], *, health: bool) -> list[Entry]:
    return [
        Entry(
            date=row.date,
            session=row.session,
            amended=number > 0,
            what=f"{WORDS.get(status, 'unknown')} ({row.code})" if health else WORDS.get(status, "unknown"),
            recorded_at=row.recorded_at,
            who=", ".join(part for part in (_name(row, names), _title(row)) if part),
            title=_title(row),
            why=_why(row, health=health),
        )
        for number, (row, status) in enumerate(zip(rows, statuses, strict=True))
    ]


def _name(row: Mark, names: Mapping[str, str]) -> str:
    """Whom the register names; a correction made here names its person by id."""
    return names.get(row.recorded_by or "", row.recorded_by or "")


def _title(row: Mark) -> str:
    return (row.recorded_by_title or "").replace("_", " ")


def _why(row: Mark, *, health: bool) -> str:
    if not row.amend_reason:
        return ""
    return row.amend_reason if health else "A reason was given"
