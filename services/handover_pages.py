"""The handover of a case as both schools read it: facts and dates; no notes, reasons, words of the family or codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.duties import Duty
from models.instances import Contact, Event, Instance
from models.meetings import Meeting
from models.people import School
from models.students import Exemption, Student
from models.transfers import Transfer
from services import people, transfers


@dataclass(frozen=True, slots=True)
class Handover:
    """One case between two schools. What happened after it was settled is the receiving school's own."""

    row: Transfer
    instance: Instance
    student: Student
    from_school: str
    to_school: str
    second_look: bool
    events: Sequence[Event]
    contacts: Sequence[Contact]
    meetings: Sequence[Meeting]
    duties: Sequence[Duty]
    exempt_until: date | None
    exempt: bool


async def page(session: AsyncSession, instance: Instance, *, now: datetime) -> Handover:
    """The latest handover of a case, with what a new school needs to go on."""
    row = await transfers.of_instance(session, instance.id)
    until = row.settled_at or now
    both = select(School).where(School.id.in_((row.from_school_id, row.to_school_id)))
    names = {school.id: school.name for school in (await session.scalars(both)).all()}
    student = await session.get_one(Student, row.student_id)
    happened = select(Event).where(Event.instance_id == instance.id, Event.occurred_at <= until)
    spoken = select(Contact).where(Contact.instance_id == instance.id, Contact.contacted_at <= until)
    met = select(Meeting).where(Meeting.instance_id == instance.id, Meeting.created_at <= until)
    owed = select(Duty).where(Duty.student_id == row.student_id, Duty.status == "OPEN")
    exempt, exempt_until = await _exempt(session, row.student_id, now.date())
    return Handover(
        row,
        instance,
        student,
        names[row.from_school_id],
        names[row.to_school_id],
        await people.flagged(session, row.student_id, on=now.date()),
        (await session.scalars(happened.order_by(Event.occurred_at, Event.id))).all(),
        (await session.scalars(spoken.order_by(Contact.contacted_at, Contact.id))).all(),
        (await session.scalars(met.order_by(Meeting.id))).all(),
        (await session.scalars(owed.order_by(Duty.due_on, Duty.id))).all(),
        exempt_until,
        exempt,
    )


async def _exempt(session: AsyncSession, student_id: UUID, on: date) -> tuple[bool, date | None]:
    """Whether an exemption is in force, and until when; never what for."""
    mine = select(func.count(), func.max(Exemption.ends_on), func.bool_or(Exemption.ends_on.is_(None))).where(
        Exemption.student_id == student_id,
        Exemption.withdrawn_at.is_(None),
        Exemption.starts_on <= on,
        or_(Exemption.ends_on.is_(None), Exemption.ends_on >= on),
    )
    many, last, endless = (await session.execute(mine)).one()
    return bool(many), None if endless else last
