"""One mail to one guardian: looked at again in the very second of sending, tried under one Message-ID, recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.ports import Attachment, MailDeferred, MailOutcome, MailReceipt, OutgoingMail
from models.attendance import Enrolment
from models.delivery import Message, MessageAttempt
from models.guardians import Guardian
from models.people import School
from models.students import Student
from rules.delivery.mail_text import MailText, message_id
from rules.errors import NotFound, Unavailable
from rules.ladder.commands import DeliveryState
from services import caps, school_days
from services.audit import Act, record
from services.case_tasks import NewTask, open_task
from services.context import CaseRef
from services.entitlement import may_send, recipients, sending_on
from services.means import Means

PAUSED: Final = "SENDING_PAUSED"
RESCISSION: Final = "RESCISSION"
CANCELLATION: Final = "CANCELLATION"
PERMANENT: Final = 500
ADDRESS_REFUSED: Final = frozenset({550, 551, 553, 521, 556})
FINISHED: Final = frozenset({"SENT", "DELIVERED", "BOUNCED", "RETURNED", "SUPERSEDED", "NO_ADDRESS"})


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes into the mail; `invitation` makes the calendar file for the one address it is sent to."""

    text: MailText
    attachments: tuple[Attachment, ...] = ()
    invitation: Callable[[str, datetime], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the message stands now; `effective_day` only when it left or arrived."""

    state: DeliveryState
    effective_day: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A try that may go out now; None of its fields is read again before the provider is called."""

    attempt_id: UUID
    recipient: str
    sender_name: str
    mail_at: datetime


def outcome_of(message: Message) -> Outcome | None:
    """The answer of a finished message; None while it may still be tried."""
    said = message.data.get("delivery")
    if said == DeliveryState.AWAITING_POST and message.status == "QUEUED":
        return Outcome(DeliveryState.AWAITING_POST)
    if said == DeliveryState.HANDED_OVER:
        return Outcome(DeliveryState.HANDED_OVER, message.effective_day)
    if message.status not in FINISHED:
        return None
    known = message.status if message.status in DeliveryState.__members__ else DeliveryState.WITHHELD
    return Outcome(DeliveryState(known), message.effective_day, message.withheld_reason or "")


async def of_message(session: AsyncSession, message_id: UUID) -> Message:
    """The message, locked for this transaction."""
    message = await session.get(Message, message_id, with_for_update=True, populate_existing=True)
    if message is None:
        raise NotFound("message_not_found", f"There is no message {message_id} here.")
    return message


async def withheld(session: AsyncSession, case: CaseRef, message: Message, purpose: str) -> str | None:
    """The look in the very second: contact stop, entitlement, order dates, enrolment; the reason against, or None."""
    student = await session.get(Student, case.student_id, populate_existing=True)
    if student is None or student.deceased_on or student.deleted_at or student.merged_into_id:
        return "student_gone"
    on = await school_days.today(session, case)
    enrolled = select(Enrolment.id).where(
        Enrolment.student_id == case.student_id,
        Enrolment.school_id == case.school_id,
        Enrolment.start_date <= on,
        or_(Enrolment.end_date.is_(None), Enrolment.end_date >= on),
    )
    # a letter that takes another one back, or a meeting off, is owed to a family that has moved on, too
    if message.kind not in {RESCISSION, CANCELLATION} and (await session.scalars(enrolled.limit(1))).first() is None:
        return "not_enrolled"
    return await may_send(session, case, message.guardian_id, purpose)


async def mailable(session: AsyncSession, case: CaseRef, message: Message, purpose: str) -> str | None:
    """The guardian's address if e-mail is the way now, else None: the letter goes by post."""
    if message.channel != "EMAIL" or await address_bounced(session, message.guardian_id):
        return None
    found = await recipients(session, case, purpose, ("email", "post"))
    by_mail = any(one.guardian_id == message.guardian_id and one.channel == "email" for one in found.allowed)
    guardian = await session.get(Guardian, message.guardian_id, populate_existing=True)
    return guardian.email if by_mail and guardian else None


async def address_bounced(session: AsyncSession, guardian_id: UUID) -> bool:
    """Whether the guardian's present address has refused mail before; another address starts anew."""
    address = (await session.scalars(select(Guardian.email).where(Guardian.id == guardian_id))).first()
    refused = select(Message.id).where(
        Message.guardian_id == guardian_id,
        Message.status == "BOUNCED",
        Message.data["address"].as_string() == _mark(address or ""),
    )
    return bool(address) and (await session.scalars(refused.limit(1))).first() is not None


def _mark(address: str) -> str:
    return sha256(address.strip().lower().encode()).hexdigest()


async def refuse_while_paused(session: AsyncSession, case: CaseRef, channel: str) -> None:
    """Raise what the workflow retries while a switch that covers the school and channel is off."""
    if not await sending_on(session, case.school_id, channel):
        raise Unavailable(PAUSED, f"Sending by {channel.lower()} is switched off for school {case.school_id}.")


async def withhold(session: AsyncSession, case: CaseRef, message: Message, reason: str) -> Outcome:
    """Record that it was not sent, and why."""
    message.status, message.withheld_reason = "WITHHELD", reason
    act = Act("withhold_message", "message", message.id, case.student_id, reason)
    await record(session, case.actor, act, now=case.now)
    return Outcome(DeliveryState.WITHHELD, reason=reason)


async def begin(means: Means, session: AsyncSession, case: CaseRef, message: Message, address: str) -> Ticket:
    """Write the attempt before the provider is called: a crash leaves a trace, never silence."""
    await caps.refuse_beyond(means, session, case, message.id)
    earlier = select(func.max(MessageAttempt.number)).where(MessageAttempt.message_id == message.id)
    number = ((await session.scalars(earlier)).first() or 0) + 1
    mail_at = datetime.fromisoformat(message.data["mail_at"]) if "mail_at" in message.data else case.now
    attempt = (
        insert(MessageAttempt)
        .values(
            message_id=message.id,
            number=number,
            channel="EMAIL",
            status="SENDING",
            provider="smtp",
            provider_id=message_id(case.key, means.sender.domain),
            attempted_at=case.now,
        )
        .returning(MessageAttempt.id)
    )
    attempt_id: UUID = (await session.execute(attempt)).scalar_one()
    message.status = "SENDING"
    message.data = {**message.data, "mail_at": mail_at.isoformat(), "address": _mark(address)}
    school = await session.get(School, case.school_id)
    assert school is not None
    return Ticket(attempt_id, address, school.name, mail_at)


async def post(means: Means, case: CaseRef, ticket: Ticket, parcel: Parcel) -> MailReceipt:
    """Hand the mail over. A retry of the same key is the same mail, byte for byte."""
    made = parcel.invitation(ticket.recipient, ticket.mail_at) if parcel.invitation else None
    mail = OutgoingMail(
        message_id=message_id(case.key, means.sender.domain),
        sender_name=ticket.sender_name,
        sender_address=means.sender.address,
        recipient=ticket.recipient,
        subject=parcel.text.subject,
        text=parcel.text.text,
        html=parcel.text.html,
        sent_at=ticket.mail_at,
        reply_to=means.sender.reply_to,
        attachments=parcel.attachments,
        invitation=made,
    )
    return await means.mailer.send(mail)


async def send(means: Means, case: CaseRef, message_id_: UUID, ticket: Ticket, parcel: Parcel) -> Outcome:
    """Send and record the answer; trouble that may pass is recorded and raised, for the same key to try again."""
    try:
        receipt = await post(means, case, ticket, parcel)
    except MailDeferred as deferred:
        async with means.sessions.tenant(case.tenant_id) as session:
            await _answered(session, ticket, "FAILED", f"deferred {deferred.code}")
        raise
    async with means.sessions.tenant(case.tenant_id) as session:
        message = await of_message(session, message_id_)
        return await _finish(session, case, message, ticket, receipt)


async def _answered(session: AsyncSession, ticket: Ticket, status: str, error: str | None) -> None:
    attempt = await session.get(MessageAttempt, ticket.attempt_id)
    assert attempt is not None
    attempt.status, attempt.error = status, error


async def _finish(
    session: AsyncSession, case: CaseRef, message: Message, ticket: Ticket, receipt: MailReceipt
) -> Outcome:
    if receipt.outcome is MailOutcome.ACCEPTED:
        message.status, message.sent_at = "SENT", case.now
        message.effective_day = await school_days.today(session, case)
        await _answered(session, ticket, "SENT", None)
        await record(session, case.actor, Act("send_message", "message", message.id, case.student_id), now=case.now)
        return Outcome(DeliveryState.SENT, message.effective_day)
    state = DeliveryState.BOUNCED if receipt.code in ADDRESS_REFUSED else DeliveryState.FAILED
    message.status = state.value
    await _answered(session, ticket, state.value, f"refused {receipt.code}")
    await _ask_for_a_way(session, case, message)
    act = Act("refused_message", "message", message.id, case.student_id, str(receipt.code))
    await record(session, case.actor, act, now=case.now)
    return Outcome(state, reason=f"smtp_{receipt.code}")


async def _ask_for_a_way(session: AsyncSession, case: CaseRef, message: Message) -> None:
    task = NewTask(
        "no_reachable_channel",
        "An e-mail address refused our letter: print and post it, and ask for a working address",
        await school_days.day_after(session, case, 1),
        str(message.guardian_id),
        "attendance_officer",
        {
            "guardian_id": str(message.guardian_id),
            "artifact_id": str(message.artifact_id) if message.artifact_id else None,
            "message_id": str(message.id),
        },
    )
    await open_task(session, case, task)
