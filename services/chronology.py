"""The chronology of a case for staff: what was offered and done, what the family said, in order."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from letters.chronology import Chronology, ChronologyEvent, Fact
from models.delivery import Message
from models.instances import Contact, Event, Instance
from models.meetings import Meeting
from models.people import Person, School
from models.queries import calendar
from models.students import Student
from rules.ladder.commands import DeliveryState
from services.context import CaseRef
from services.letter_merge import reference
from services.mailing import outcome_of

TOLD: Final[Mapping[str, str]] = {
    "INSTANCE_OPENED": "The case was opened",
    "APPROVED": "A step was approved",
    "SKIPPED": "A step was left out",
    "HELD": "The case was paused",
    "RESUMED": "The case went on",
    "JUMPED": "A step was passed over",
    "ESCALATED": "The case was escalated",
    "TRIGGER_INVALIDATED": "The register was corrected: the reason no longer holds",
    "BASIS_KEPT": "The step was kept after a correction",
    "STEP_RESCINDED": "A step was taken back",
    "REGISTER_QUERIED": "The family says that the register is wrong",
    "REGISTER_ANSWERED": "The question about the register was answered",
    "FAMILY_NOT_REACHED": "Nobody of the family was reached",
}
MODES: Final = {"CALL": "Telephone call", "VISIT": "Home visit", "GATE": "Talk at the gate", "TEXT": "Text message"}
WITHOUT_NAME: Final = "Handrail"


async def chronology(session: AsyncSession, case: CaseRef, reason: str, until: datetime) -> Chronology:
    """Everything recorded up to an instant, so that a retry tells the same."""
    student = await session.get(Student, case.student_id)
    school = await session.get(School, case.school_id)
    assert student is not None
    assert school is not None
    zone = await calendar.time_zone(session, case.school_id)
    names = await _names(session)
    events = [
        *await _events(session, case, until, zone, names),
        *await _contacts(session, case, until, zone, names),
        *await _letters(session, case, until),
        *await _meetings(session, case, until, zone, names),
    ]
    started = (await session.scalars(select(Instance.started_at).where(Instance.id == case.instance_id))).one()
    facts = [
        Fact("Student", f"{student.first_name or ''} {student.last_name or ''}".strip() or student.source_id),
        Fact("Year group", student.year_group or "-"),
        Fact("Case opened", started.astimezone(zone).date().isoformat()),
    ]
    return Chronology(
        title="Chronology of the case",
        school_name=school.name,
        reference=reference(case.key, case.student_id),
        prepared_on=until.astimezone(zone).date(),
        facts=[*facts, Fact("Reason", reason)] if reason else facts,
        events=events,
    )


async def _names(session: AsyncSession) -> dict[UUID, str]:
    return {row[0]: row[1] for row in (await session.execute(select(Person.id, Person.display_name))).all()}


def _by(names: Mapping[UUID, str], person_id: UUID | None) -> str:
    return names.get(person_id, WITHOUT_NAME) if person_id else WITHOUT_NAME


async def _events(
    session: AsyncSession, case: CaseRef, until: datetime, zone: ZoneInfo, names: Mapping[UUID, str]
) -> list[ChronologyEvent]:
    told = select(Event).where(
        Event.instance_id == case.instance_id, Event.occurred_at <= until, Event.type.in_(list(TOLD))
    )
    rows = (await session.scalars(told.order_by(Event.occurred_at, Event.id))).all()
    return [
        ChronologyEvent(
            row.occurred_at.astimezone(zone).date(), TOLD[row.type], _by(names, row.actor_id), row.reason or ""
        )
        for row in rows
    ]


async def _contacts(
    session: AsyncSession, case: CaseRef, until: datetime, zone: ZoneInfo, names: Mapping[UUID, str]
) -> list[ChronologyEvent]:
    mine = select(Contact).where(Contact.instance_id == case.instance_id, Contact.contacted_at <= until)
    return [
        ChronologyEvent(
            row.contacted_at.astimezone(zone).date(),
            MODES[row.mode],
            _by(names, row.contacted_by),
            _said(row),
        )
        for row in (await session.scalars(mine.order_by(Contact.contacted_at, Contact.id))).all()
    ]


def _said(row: Contact) -> str:
    """The family's own words first, then what stands in the way."""
    parts = [row.said or "", ", ".join(row.barriers), row.next_step or ""]
    said = "; ".join(part for part in parts if part)
    return said or ("Reached" if row.reached else "Not reached")


async def _letters(session: AsyncSession, case: CaseRef, until: datetime) -> list[ChronologyEvent]:
    mine = select(Message).where(
        Message.instance_id == case.instance_id, Message.artifact_id.is_not(None), Message.created_at <= until
    )
    rows = (await session.scalars(mine.order_by(Message.created_at, Message.id))).all()
    return [
        ChronologyEvent(_letter_day(row), f"Letter ({row.kind.lower()})", WITHOUT_NAME, _delivered(row)) for row in rows
    ]


def _letter_day(row: Message) -> date:
    return row.effective_day or date.fromisoformat(row.data["merge"]["letter_date"])


def _delivered(row: Message) -> str:
    there = outcome_of(row)
    return (there.state if there else DeliveryState.WITHHELD).value.replace("_", " ").lower()


async def _meetings(
    session: AsyncSession, case: CaseRef, until: datetime, zone: ZoneInfo, names: Mapping[UUID, str]
) -> list[ChronologyEvent]:
    mine = select(Meeting).where(
        Meeting.instance_id == case.instance_id, Meeting.starts_at.is_not(None), Meeting.starts_at <= until
    )
    return [
        ChronologyEvent(
            row.starts_at.astimezone(zone).date(),
            f"Meeting: {row.status.replace('_', ' ').lower()}",
            _by(names, row.created_by),
            (row.outcome_code or "").replace("_", " ").lower(),
        )
        for row in (await session.scalars(mine.order_by(Meeting.starts_at, Meeting.id))).all()
        if row.starts_at
    ]
