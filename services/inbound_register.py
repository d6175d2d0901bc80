"""News of the register by event: merged as an import's rows are, facts and running cases following at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.imports import ImportRun, QuarantineRow
from models.queries import import_blocks as blocks
from models.queries import inbound as queries
from rules.errors import Invalid
from rules.events.inbound import CalendarData, EnrolmentData, GuardianData, GuardianLinkData, StudentData, Told
from services import attendance, attendance_summaries
from services.attendance import OpenSession, SetCalendar, open_run
from services.attendance_import import readmitted
from services.context import Actor
from services.signals import restated, tell_restated

Row = Mapping[str, Any]
TABLES: Final[Mapping[type[Told], str]] = {
    StudentData: "students",
    GuardianData: "guardians",
    GuardianLinkData: "student_guardians",
    EnrolmentData: "enrolments",
}
BY: Final = "told by an event"


@dataclass(frozen=True, slots=True)
class News:
    """What an event says of the register; `now` and `today` are those of its arrival."""

    data: Told
    now: datetime
    today: date


async def take(session: AsyncSession, actor: Actor, news: News) -> None:
    """Merge what an event says; Invalid when it names what nobody knows here."""
    if isinstance(news.data, CalendarData):
        await _calendar(session, actor, news.data, news.now)
        return
    if isinstance(news.data, EnrolmentData) and not await queries.students_of(session, [news.data.student_id]):
        raise unknown("student_id")  # as an import sets it aside; the source hears at once, and sends it again
    table = TABLES[type(news.data)]
    run = await open_run(session, actor, "event", news.now, rows=1)
    await _stage(session, table, news)
    if await blocks.quarantine(session, table, run.id):
        raise await _refused(session, run)
    waited = 0
    if table == "students":
        await blocks.merge_student_records(session)
        waited = await readmitted(session, actor, run.id, now=news.now)
    else:
        await blocks.merge_simple(session, table)
    touched = await restated(session, news.today) if table == "enrolments" or waited else frozenset()
    await attendance_summaries.renew(session, actor, now=news.now)
    await tell_restated(session, touched, news.now)


async def _calendar(session: AsyncSession, actor: Actor, data: CalendarData, now: datetime) -> None:
    school_id = await queries.school_of(session, data.school_id)
    if school_id is None:
        raise unknown("school_id")
    opened = [OpenSession(one.date, one.session, one.minutes) for one in data.sessions]
    await attendance.set_calendar(session, actor, SetCalendar(school_id, data.first, data.last, opened, BY), now=now)


async def _stage(session: AsyncSession, table: str, news: News) -> None:
    await blocks.open_stage(session, table)
    rows = _rows(news.data)
    fields = {name: [row[name] for row in rows] for name in rows[0]}
    await blocks.stage(session, table, blocks.staged(table, fields, range(1, len(rows) + 1), news.now))


def _rows(data: Told) -> list[Row]:
    if isinstance(data, EnrolmentData):
        shared = {"student_id": data.student_id, "school_id": data.school_id}
        return [{**shared, **span.model_dump(mode="json")} for span in data.spans]
    return [{name: _text(value) for name, value in data.model_dump(mode="json").items()}]


def _text(value: Any) -> Any:
    """A value as the district folder writes it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return "|".join(value) if isinstance(value, list) else value


async def _refused(session: AsyncSession, run: ImportRun) -> Invalid:
    """The import's own word for what is wrong; its rows go when the event is rolled back."""
    row = (await session.scalars(select(QuarantineRow).where(QuarantineRow.import_id == run.id).limit(1))).one()
    return Invalid("event_refused", f"The register cannot take this in: {row.problem}.", fields={"data": row.problem})


def unknown(field: str) -> Invalid:
    """An id that the source uses and nobody has told us of."""
    problem = "nobody here has this id: send the thing itself first, or correct the id"
    return Invalid("unknown_reference", f"The event's {field} is not known here.", fields={f"data.{field}": problem})


async def known_school(session: AsyncSession, source_id: str) -> UUID:
    """The school of a source's id."""
    found = await queries.school_of(session, source_id)
    if found is None:
        raise unknown("school_id")
    return found


async def known_student(session: AsyncSession, source_id: str) -> UUID:
    """The student of a source's id, or whom that became."""
    found = (await queries.students_of(session, [source_id])).get(source_id)
    if found is None:
        raise unknown("student_id")
    return found
