"""The extract of one student's trail for a plan or a referral: what was done, by whom, when and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from letters.chronology import Fact
from letters.report import Report, Section
from models.people import School
from models.queries.audit_trail import TrailFilter
from models.queries.keyset import Window
from rules import csv_lines
from rules.audit import telling
from rules.letters.wording import NBSP, said_date
from services import audit, audit_trail
from services.audit import Act
from services.audit_trail import ERASED, Line
from services.context import Actor
from services.people import StudentFile

AT_ONCE: Final = 500
LANGUAGE: Final = "en"
TITLES: Final = {"IEP": "Extract for the education plan", "REFERRAL": "Extract for a referral"}
HOW_TO_READ: Final = (
    "Handrail is not the statutory register. This is an extract of the audit trail: what staff and Handrail did. "
    "It leaves out details of guardians, contact stops, care flags, notes and reasons about health. "
    "If it leaves the school, record the disclosure."
)
NO_SCHOOL: Final = "(no school)"
COLUMNS: Final = (
    "at",
    "done",
    "by",
    "role",
    "why",
    "changed",
    "action",
    "subject_kind",
    "subject_id",
    "position",
    "id",
)


class ExtractUse(StrEnum):
    """What an extract is for."""

    IEP = "IEP"
    REFERRAL = "REFERRAL"


@dataclass(frozen=True, slots=True)
class Told:
    """One act as the extract tells it."""

    line: Line
    done: str
    why: str
    changed: str

    @property
    def by(self) -> str:
        """Who, and on the next line in which role."""
        if self.line.actor_id is None:
            return self.line.actor_name
        return f"{self.line.actor_name},\n{self.line.actor_role.replace('_', ' ')}"


@dataclass(frozen=True, slots=True)
class Extract:
    """What was done for one student in a span of days, the oldest first, and how many acts it does not tell of."""

    use: ExtractUse
    first: date | None
    last: date | None
    told: Sequence[Told]
    left_out: int

    @property
    def unsealed(self) -> int:
        """How many of its acts are too young for a place in the chain."""
        return sum(1 for one in self.told if one.line.position is None)


async def drawn_up(
    session: AsyncSession, actor: Actor, use: ExtractUse, asked: TrailFilter, *, now: datetime
) -> Extract:
    """Read the student's trail and note that it was taken out, and for what."""
    lines = await _all(session, asked)
    shown = [one for one in reversed(lines) if telling.told(one.action, one.subject_kind)]
    told = await _told(session, actor, shown)
    span = {name: day for name, day in (("first", asked.first), ("last", asked.last)) if day is not None}
    act = Act("extract_audit", "student", asked.student_id, asked.student_id, use.value, after=span)
    await audit.record(session, actor, act, now=now)
    return Extract(use, asked.first, asked.last, told, len(lines) - len(shown))


async def _all(session: AsyncSession, asked: TrailFilter) -> list[Line]:
    lines: list[Line] = []
    after: list[str] | None = None
    while True:
        page = await audit_trail.acts(session, asked, Window(AT_ONCE, after))
        lines += page[:AT_ONCE]
        if len(page) <= AT_ONCE:
            return lines
        after = [page[AT_ONCE - 1].key]


async def _told(session: AsyncSession, actor: Actor, lines: Sequence[Line]) -> list[Told]:
    plain = [one for one in lines if telling.PLAIN_FIELDS & set(one.fields)]
    values = await audit_trail.opened(session, actor.tenant_id, plain)
    found = []
    for one in lines:
        detail = values.get(one.id, ERASED)
        changed = telling.changes(one.fields, detail.before, detail.after)
        found.append(Told(one, telling.words(one.action), telling.why(one.subject_kind, one.reason), changed))
    return found


def csv(extract: Extract) -> Iterator[str]:
    """The extract as lines of CSV; instants in UTC."""
    yield csv_lines.line(COLUMNS)
    for one in extract.told:
        line = one.line
        told = (line.at, one.done, line.actor_name, line.actor_role, one.why, one.changed)
        yield csv_lines.line((*told, line.action, line.subject_kind, line.subject_id, line.position, line.id))


def report(extract: Extract, file: StudentFile, school: School | None, actor: Actor, now: datetime) -> Report:
    """The extract as a document, its times those of the school."""
    zone = ZoneInfo(school.timezone if school else "UTC")
    student = file.student
    name = f"{student.first_name or ''} {student.last_name or ''}".strip() or student.source_id
    facts = [
        Fact("Student", f"{name} ({student.source_id})"),
        Fact("Year group", student.year_group or "-"),
        Fact("Period", _period(extract)),
        Fact("Prepared by", f"{actor.display}, {actor.role.replace('_', ' ')}"),
        Fact("Audit trail", _trail(extract)),
    ]
    rows = [(_when(one.line.at, zone), _what(one), one.by, one.why) for one in extract.told]
    columns = ("When", "What was done", "By", "Why")
    done = Section("What was done", (HOW_TO_READ,), columns, rows, "Nothing has been recorded in this period.")
    return Report(
        title=TITLES[extract.use],
        house=school.name if school else NO_SCHOOL,
        reference=f"Audit extract {student.source_id}",
        prepared_on=now.astimezone(zone).date(),
        facts=facts,
        sections=[done],
    )


def _period(extract: Extract) -> str:
    if extract.first is None and extract.last is None:
        return "everything on record"
    first = "the beginning" if extract.first is None else said_date(extract.first, LANGUAGE)
    last = "today" if extract.last is None else said_date(extract.last, LANGUAGE)
    return f"{first} to {last}"


def _trail(extract: Extract) -> str:
    sealed = len(extract.told) - extract.unsealed
    said = f"{len(extract.told)} acts told here, {sealed} of them sealed in the chain"
    return f"{said}; {extract.left_out} more about this student left out" if extract.left_out else said


def _what(one: Told) -> str:
    return f"{one.done} ({one.changed})" if one.changed else one.done


def _when(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day}{NBSP}{local:%b}{NBSP}{local:%Y,}{NBSP}{local:%H:%M}"
