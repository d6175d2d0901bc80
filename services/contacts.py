"""Contacts with families: the task that asks for one, and the record of what was said."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Contact, Instance
from models.queries import calendar
from rules.errors import Invalid, NotFound
from services import school_days
from services.audit import Act, record
from services.case_tasks import NewTask, open_task
from services.context import Actor, CaseRef
from services.entitlement import recipients

CONTACT_TASK = "contact_family"


@dataclass(frozen=True, slots=True)
class Asked:
    """The day the contact is due and the instant from which it counts as missed."""

    due: date
    due_at: datetime


@dataclass(frozen=True, slots=True)
class RecordContact:
    """A contact as staff tell it; the family's own words come first. A VISIT names a second person or a check-in.

    `contact_id`, derived from the command's key by the caller, makes a retry find the row it already wrote.
    """

    instance_id: UUID
    guardian_id: UUID | None
    mode: Literal["CALL", "VISIT", "GATE", "TEXT"]
    reached: bool
    said: str = ""
    barriers: tuple[str, ...] = ()
    next_step: str = ""
    second_name: str = ""
    checked_in: bool = False
    contact_id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The stored contact and its local date at the school."""

    contact_id: UUID
    on: date


async def ask(session: AsyncSession, case: CaseRef, within_school_days: int) -> Asked:
    """Open the contact task with the call list of entitled guardians; once per effect key."""
    due, after = (await school_days.count(session, case, None, (within_school_days, within_school_days + 1))).days
    entitled = await recipients(session, case, "calls")
    call_list = [str(one.guardian_id) for one in entitled.allowed]
    task = NewTask(
        CONTACT_TASK,
        "Speak with the family",
        due,
        role="attendance_officer",
        details={"call_list": call_list, "not_to_call": len(entitled.withheld) + len(entitled.unknown)},
    )
    await open_task(session, case, task)
    return Asked(due, await school_days.start_of(session, case, after))


async def record_contact(session: AsyncSession, actor: Actor, contact: RecordContact, *, now: datetime) -> Recorded:
    """Store a contact; the case hears of it by the update `record_contact` that the route sends next."""
    if contact.mode == "VISIT" and not (contact.second_name or contact.checked_in):
        raise Invalid(
            "visit_needs_two",
            "A visit needs a second name or a check-in before it is recorded.",
            fields={"second_name": "name the second person, or set checked_in"},
        )
    instance = await session.get(Instance, contact.instance_id)
    if instance is None:
        raise NotFound("instance_not_found", f"There is no instance {contact.instance_id} here.")
    made = await session.scalar(
        insert(Contact)
        .values(
            id=contact.contact_id,
            instance_id=instance.id,
            student_id=instance.student_id,
            guardian_id=contact.guardian_id,
            mode=contact.mode,
            reached=contact.reached,
            said=contact.said or None,
            barriers=list(contact.barriers),
            next_step=contact.next_step or None,
            second_name=contact.second_name or None,
            checked_in=contact.checked_in,
            contacted_at=now,
            contacted_by=actor.person_id,
        )
        .on_conflict_do_nothing()
        .returning(Contact.id)
    )
    if made is not None:
        act = Act("record_contact", "contact", made, instance.student_id)
        await record(session, actor, act, now=now)
    return Recorded(contact.contact_id, await calendar.local_date(session, instance.lead_school_id, now))
