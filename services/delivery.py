"""Delivery of stored letters: by e-mail, or a task to print and post, and what staff record by hand."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.ports import Attachment
from models.delivery import Message
from models.instances import Instance, Task
from models.letters import LetterArtifact
from models.meetings import MeetingAttendee
from models.people import School
from models.queries import calendar
from rules.delivery.mail_text import ATTACHMENT_NAME, letter_mail
from rules.errors import Conflict, Invalid, NotFound
from rules.ladder.commands import DeliveryState
from services import artifacts, mailing, school_days
from services.audit import Act, record
from services.case_tasks import NewTask, open_task
from services.context import Actor, CaseRef
from services.mailing import Outcome, Parcel, Ticket
from services.means import Means

PRINT_AND_POST: Final = "print_and_post"
TELL_BY_PHONE: Final = "tell_by_phone"
POST_WITHIN_SCHOOL_DAYS: Final = 1
POSTING_WORKING_DAYS: Final = 3
SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class HandOver:
    """What staff did with a letter: posted or handed over on a day, or could not deliver it."""

    instance_id: UUID
    guardian_id: UUID
    on: date
    posted: bool = True
    delivered: bool = True
    artifact_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What the update `record_delivery` tells the case: the day the wait counts from; of an invitation, its meeting."""

    message_id: UUID
    handed_over: bool
    effective_day: date
    meeting_id: UUID | None = None


async def deliver(means: Means, case: CaseRef, artifact_id: UUID, purpose: str = "letters") -> Outcome:
    """Send one stored letter to its guardian, or ask for it to be printed and posted; finished ones answer again."""
    async with means.sessions.tenant(case.tenant_id) as session:
        message_id = await _message_of(session, case, artifact_id)
        finished = mailing.outcome_of(await mailing.of_message(session, message_id))
    if finished:
        return finished
    pdf = await artifacts.content(means, case.actor, artifact_id, now=case.now, why="deliver")
    async with means.sessions.tenant(case.tenant_id) as session:
        message = await mailing.of_message(session, message_id)
        found = await look(means, session, case, message, purpose)
        text = letter_mail(**_contact(message.data["merge"]))
    if isinstance(found, Outcome):
        return found
    return await mailing.send(means, case, message_id, found, Parcel(text, (Attachment(ATTACHMENT_NAME, pdf),)))


def _contact(merge: dict[str, Any]) -> dict[str, str]:
    return {name: merge[name] for name in ("school_name", "contact_name", "contact_phone")}


async def look(means: Means, session: AsyncSession, case: CaseRef, message: Message, purpose: str) -> Outcome | Ticket:
    """In the very second: an answer (finished, withheld, to be posted), or the ticket to send with."""
    if finished := mailing.outcome_of(message):
        return finished
    if reason := await _superseded(session, message) or await mailing.withheld(session, case, message, purpose):
        return await mailing.withhold(session, case, message, reason)
    address = await mailing.mailable(session, case, message, purpose)
    await mailing.refuse_while_paused(session, case, "EMAIL" if address else "POST")
    message.withheld_reason = None
    if address is None:
        return await to_post(session, case, message)
    return await mailing.begin(means, session, case, message, address)


async def _superseded(session: AsyncSession, message: Message) -> str:
    artifact = await session.get(LetterArtifact, message.artifact_id) if message.artifact_id else None
    return "rescinded" if artifact and artifact.rescinded_at else ""


async def to_post(session: AsyncSession, case: CaseRef, message: Message) -> Outcome:
    """Ask staff to print and post it; the case waits for `record_delivery`."""
    message.status, message.channel = "QUEUED", "POST"
    message.data = {**message.data, "delivery": DeliveryState.AWAITING_POST.value}
    kind, title = (
        (PRINT_AND_POST, "Print this letter, post it, and record the day")
        if message.artifact_id
        else (TELL_BY_PHONE, "Tell this guardian by telephone: there is no address for e-mail and no letter")
    )
    task = NewTask(
        kind,
        title,
        await school_days.day_after(session, case, POST_WITHIN_SCHOOL_DAYS),
        str(message.id),
        "attendance_officer",
        {
            "artifact_id": str(message.artifact_id) if message.artifact_id else None,
            "guardian_id": str(message.guardian_id),
            "message_id": str(message.id),
            "letter_kind": message.kind,
        },
    )
    await open_task(session, case, task)
    return Outcome(DeliveryState.AWAITING_POST)


async def _message_of(session: AsyncSession, case: CaseRef, artifact_id: UUID) -> UUID:
    mine = select(Message.id).where(Message.artifact_id == artifact_id, Message.instance_id == case.instance_id)
    found = (await session.scalars(mine.order_by(Message.id.desc()).limit(1))).first()
    if found is None:
        raise NotFound("message_not_found", f"Artifact {artifact_id} belongs to no planned letter of this case.")
    return found


async def withdraw_prints(session: AsyncSession, message_ids: Collection[UUID], *, now: datetime) -> None:
    """Letters that were to be printed and posted stay in the house; one already handed over is past this."""
    waiting = update(Task).where(
        Task.kind.in_((PRINT_AND_POST, TELL_BY_PHONE)),
        Task.status == "OPEN",
        Task.details["message_id"].as_string().in_([str(one) for one in message_ids]),
    )
    await session.execute(waiting.values(status="CANCELLED", done_at=now))


async def record_handover(session: AsyncSession, actor: Actor, command: HandOver, *, now: datetime) -> HandedOver:
    """Write down what staff did; the route then sends the update `record_delivery` with the answer's day."""
    instance = await session.get(Instance, command.instance_id)
    if instance is None:
        raise NotFound("instance_not_found", f"There is no instance {command.instance_id} here.")
    today = await calendar.local_date(session, instance.lead_school_id, now)
    if command.on > today:
        raise Invalid("day_in_the_future", "A letter is recorded on the day it went out.", fields={"on": "not later"})
    message = await _undelivered(session, command)
    day = await _counts_from(session, instance.lead_school_id, command)
    state = DeliveryState.HANDED_OVER if command.delivered else DeliveryState.FAILED
    message.status = "SENT" if command.delivered else "FAILED"
    message.data = {**message.data, "delivery": state.value}
    message.recorded_by, message.sent_at = actor.person_id, now
    message.effective_day = day if command.delivered else None
    await _close_task(session, actor, message, now)
    if message.meeting_id and command.delivered:
        await _invitation_arrived(session, message)
    act = Act("record_delivery", "message", message.id, message.student_id, after={"delivery": state.value})
    await record(session, actor, act, now=now)
    return HandedOver(message.id, command.delivered, day, message.meeting_id)


async def _undelivered(session: AsyncSession, command: HandOver) -> Message:
    mine = select(Message).where(Message.instance_id == command.instance_id, Message.guardian_id == command.guardian_id)
    if command.artifact_id:
        mine = mine.where(Message.artifact_id == command.artifact_id)
    else:
        mine = mine.where(Message.artifact_id.is_not(None), Message.meeting_id.is_(None))
    message = (await session.scalars(mine.order_by(Message.id.desc()).limit(1).with_for_update())).first()
    if message is None:
        raise NotFound("letter_not_found", f"No letter to guardian {command.guardian_id} is stored in this case.")
    if message.status in {"SENT", "DELIVERED", "SUPERSEDED"}:
        raise Conflict(
            "letter_already_delivered",
            f"Message {message.id} is {message.data.get('delivery') or message.status} already; its wait counts from "
            "that. If it came back, record a contact that reached the family.",
            state=message.status,
        )
    return message


async def _counts_from(session: AsyncSession, school_id: UUID, command: HandOver) -> date:
    if not command.posted:
        return command.on
    school = await session.get(School, school_id)
    assert school is not None
    return working_days_after(command.on, int(school.settings.get("posting_working_days", POSTING_WORKING_DAYS)))


def working_days_after(day: date, many: int) -> date:
    """The post's own days: Monday to Friday, holidays of schools or not."""
    left = many
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < SATURDAY
    return day


async def _close_task(session: AsyncSession, actor: Actor, message: Message, now: datetime) -> None:
    await session.execute(
        update(Task)
        .where(
            Task.kind.in_((PRINT_AND_POST, TELL_BY_PHONE, "no_reachable_channel")),
            Task.details["message_id"].as_string() == str(message.id),
            Task.status == "OPEN",
        )
        .values(status="DONE", done_by=actor.person_id, done_at=now)
    )


async def _invitation_arrived(session: AsyncSession, message: Message) -> None:
    await session.execute(
        update(MeetingAttendee)
        .where(
            MeetingAttendee.meeting_id == message.meeting_id,
            MeetingAttendee.kind == "GUARDIAN",
            MeetingAttendee.attendee_id == message.guardian_id,
        )
        .values(invitation_delivered=True)
    )
