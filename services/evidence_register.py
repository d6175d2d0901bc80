"""The register as evidence: every session that was not attended, with its first entry and every later one."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from itertools import groupby
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import CodeMap, Mark
from models.people import Person, School
from models.students import Student

WORDS: Final = {
    "PRESENT": "present",
    "LATE": "late",
    "AUTHORISED_ABSENT": "absent, authorised",
    "UNAUTHORISED_ABSENT": "absent, not authorised",
    "ABSENT": "absent",
    "NOT_POSSIBLE": "could not attend",
    "NO_MARK": "no mark",
    "REMOVED": "entry taken out of the register",
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


@dataclass(frozen=True, slots=True)
class Held:
    """How far a student's register reached and a digest of what it said; `until` is a day and session, None: empty."""

    until: str | None
    digest: str


async def extract(session: AsyncSession, student_id: UUID, *, health: bool) -> list[Entry]:
    """Entries in order; a session attended and never amended is left out."""
    names = {str(one.id): one.display_name for one in (await session.scalars(select(Person))).all()}
    found: list[Entry] = []
    async for rows, statuses in _sessions(session, student_id):
        if len(rows) > 1 or statuses[0] not in THERE:
            found += _entries(rows, statuses, names, health=health)
    return found


async def held(session: AsyncSession, student_id: UUID, *, health: bool, until: str | None = None) -> Held:
    """What the register says of every session up to one, or to its last: the same again only if nothing shown moved.

    An entry that says once more what was said before is no other figure, however often a feed repeats it.
    """
    said: list[list[object]] = []
    last: str | None = None
    async for rows, statuses in _sessions(session, student_id):
        at = f"{rows[0].date} {rows[0].session}"
        if until is not None and at > until:
            break
        last = at
        told = [[status, row.code if health else ""] for row, status in zip(rows, statuses, strict=True)]
        changes = [one for one, _ in groupby(told)]
        if len(changes) > 1 or statuses[0] not in THERE:
            said.append([at, changes])
    return Held(until or last, sha256(json.dumps(said).encode()).hexdigest())


async def _sessions(session: AsyncSession, student_id: UUID) -> AsyncIterator[tuple[list[Mark], list[str]]]:
    """The entries of each session in the order they were made, each with what its code means.

    Entries under an id that was merged into this student are theirs; an entry that was taken out is an entry too.
    """
    meaning = {(one.code_set, one.code): one.status for one in (await session.scalars(select(CodeMap))).all()}
    sets = dict((await session.execute(select(School.id, School.code_set))).all())
    own = select(Student.id).where(or_(Student.id == student_id, Student.merged_into_id == student_id))
    marks = select(Mark).where(Mark.student_id.in_(own))
    ordered = marks.order_by(Mark.date, Mark.session, Mark.recorded_at, Mark.ingest_seq)
    for _, group in groupby((await session.scalars(ordered)).all(), key=lambda mark: (mark.date, mark.session)):
        rows = list(group)
        if not all(row.deleted for row in rows):
            yield rows, [_status(row, meaning, sets) for row in rows]


def _status(row: Mark, meaning: Mapping[tuple[str, str], str], sets: Mapping[UUID, str]) -> str:
    return "REMOVED" if row.deleted else meaning.get((sets.get(row.school_id, ""), row.code), "UNKNOWN")


def _entries(rows: Sequence[Mark], statuses: Sequence[str], names: Mapping[str, str], *, health: bool) -> list[Entry]:
    return [
        Entry(
            date=row.date,
            session=row.session,
            amended=number > 0,
            what=WORDS.get(status, "unknown") + (f" ({row.code})" if health and not row.deleted else ""),
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
