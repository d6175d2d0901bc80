"""Invitations to meetings: one per attendee with a calendar file of their own, and the word that a meeting is off."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.calendar_invitation import Invitation, InvitationMethod, calendar_file
from gateways.ports import Attachment, MailDeferred
from models.delivery import Message
from models.letters import LetterTemplateVersion
from models.meetings import Meeting, MeetingAttendee
from models.people import Person, School
from models.queries import calendar
from models.queries import meetings as bookings
from models.reliability import Effect
from rules.delivery.mail_text import ATTACHMENT_NAME, MailText, invitation_uid, letter_mail
from rules.ladder.commands import DeliveryState
from rules.ladder.state import REACHED, Basis
from rules.meetings.outcomes import MeetingStatus
from services import artifacts, letters, mailing
from services.audit import Act, record
from services.context import CaseRef
from services.delivery import look, withdraw_prints
from services.effects import once
from services.entitlement import BASE_LANGUAGE, Recipient, recipients
from services.letter_merge import Writing, frame_of_school
from services.letter_versions import approved_version
from services.mailing import CANCELLATION, Outcome, Parcel, Ticket
from services.means import Means
from services.meetings import one

INVITATION: Final = "INVITATION"
TEMPLATE: Final = "MEETING_INVITATION"
INVITED: Final = (
    "{school_name} would like to meet you. The time and place are in the calendar entry of this message.",
    "If the time does not suit you, please ring {contact_name} on {contact_phone}.",
    "If this message is not for you, please tell us and delete it.",
)
CALLED_OFF: Final = (
    "The meeting at {school_name} will not take place at the time we gave you. We will be in touch.",
    "If you would like to talk before then, please ring {contact_name} on {contact_phone}.",
    "If this message is not for you, please tell us and delete it.",
)


@dataclass(frozen=True, slots=True)
class Invited:
    """How many were invited, and whether at least one of the family was reached."""

    attendees: int
    delivered: bool


@dataclass(frozen=True, slots=True)
class _Occasion:
    """The meeting as its mails need it; read once, used without a transaction."""

    meeting: Meeting
    school_name: str
    frame: dict[str, str]
    method: InvitationMethod

    def entry(self, domain: str, sender: str, attendee_id: UUID, address: str, stamp: datetime) -> bytes:
        """The calendar file of one attendee: nobody else's name or address is in it."""
        assert self.meeting.starts_at is not None
        assert self.meeting.ends_at is not None
        return calendar_file(
            Invitation(
                uid=invitation_uid(self.meeting.id, attendee_id, domain),
                sequence=self.meeting.ics_sequence,
                starts_at=self.meeting.starts_at,
                ends_at=self.meeting.ends_at,
                school_name=self.school_name,
                organizer_address=sender,
                attendee_address=address,
                stamp=stamp,
                method=self.method,
            )
        )


async def invite(means: Means, case: CaseRef, meeting_id: UUID) -> Invited:
    """Invite everybody to the meeting at its present time; each once per key, staff too."""
    async with means.sessions.tenant(case.tenant_id) as session:
        meeting = await one(session, meeting_id)
        if meeting.status != MeetingStatus.SCHEDULED:
            return Invited(0, delivered=False)
        await _plan(session, case, meeting)
        occasion = await _occasion(session, case, meeting, InvitationMethod.REQUEST)
        mine = await _messages(session, case, meeting_id, INVITATION)
        staff = await _staff(session, meeting_id)
    later: MailDeferred | None = None
    reached = False
    for message in mine:
        try:
            there = await _invite_guardian(means, case, message, occasion)
        except MailDeferred as deferred:  # one mailbox in trouble does not keep the others waiting
            later = deferred
            continue
        reached = reached or there.state in REACHED
        await _note(means, case, message, there)
    for person_id in staff:
        await _tell_staff(means, case, person_id, occasion)
    if later:
        raise later
    return Invited(len(mine) + len(staff), delivered=reached)


async def _plan(session: AsyncSession, case: CaseRef, meeting: Meeting) -> None:
    if await _messages(session, case, meeting.id, INVITATION):
        return
    found = await recipients(session, case, "meetings", ("email", "post"))
    by_id = {one.guardian_id: one for one in found.allowed}
    version = await approved_version(session, TEMPLATE, case.school_id)
    for guardian_id in await _attending(session, meeting.id, "GUARDIAN"):
        values = _first_row(by_id.get(guardian_id), version, case)
        await session.execute(
            insert(Message)
            .values(
                dedupe_key=f"{case.key}/{guardian_id}",
                kind=INVITATION,
                instance_id=meeting.instance_id,
                student_id=meeting.student_id,
                guardian_id=guardian_id,
                meeting_id=meeting.id,
                stage_key=meeting.stage_key,
                **values,
            )
            .on_conflict_do_nothing()
        )
    await record(session, case.actor, Act("invite", "meeting", meeting.id, case.student_id), now=case.now)


def _first_row(one: Recipient | None, version: LetterTemplateVersion | None, case: CaseRef) -> dict[str, Any]:
    language = one.language if one and version and one.language in version.translations else BASE_LANGUAGE
    data = {"invites": case.key, "language": language}
    if version:
        data["version_id"] = str(version.id)
    return {"channel": one.channel.upper() if one else "POST", "data": data}


async def _attending(session: AsyncSession, meeting_id: UUID, kind: str) -> Sequence[UUID]:
    wanted = select(MeetingAttendee.attendee_id).where(
        MeetingAttendee.meeting_id == meeting_id, MeetingAttendee.kind == kind
    )
    return (await session.scalars(wanted.order_by(MeetingAttendee.id))).all()


async def _staff(session: AsyncSession, meeting_id: UUID) -> Sequence[UUID]:
    return await _attending(session, meeting_id, "STAFF")


async def _messages(session: AsyncSession, case: CaseRef, meeting_id: UUID, kind: str) -> Sequence[Message]:
    mine = select(Message).where(
        Message.meeting_id == meeting_id, Message.kind == kind, Message.dedupe_key.startswith(f"{case.key}/")
    )
    return (await session.scalars(mine.order_by(Message.id))).all()


async def _occasion(session: AsyncSession, case: CaseRef, meeting: Meeting, method: InvitationMethod) -> _Occasion:
    school = await session.get(School, meeting.school_id)
    assert school is not None
    frame = await frame_of_school(session, case, school)
    kept = {name: frame[name] for name in ("school_name", "contact_name", "contact_phone")}
    kept["contact_phone"] = kept["contact_phone"] or "the school's number"  # calling off must never fail for want of it
    return _Occasion(meeting, school.name, kept, method)


async def _invite_guardian(means: Means, case: CaseRef, message: Message, occasion: _Occasion) -> Outcome:
    own = replace(case, key=f"{case.key}/{message.guardian_id}")
    async with means.sessions.tenant(case.tenant_id) as session:
        row = await mailing.of_message(session, message.id)
        if finished := mailing.outcome_of(row):
            return finished
        if reason := await mailing.withheld(session, own, row, "meetings"):
            return await mailing.withhold(session, own, row, reason)
    attached = await _letter(means, own, message, occasion)
    async with means.sessions.tenant(case.tenant_id) as session:
        found = await look(means, session, own, await mailing.of_message(session, message.id), "meetings")
    if isinstance(found, Outcome):
        return found
    text = letter_mail(**occasion.frame) if attached else _said(INVITED, occasion.frame)
    return await mailing.send(means, own, message.id, found, _parcel(means, message, occasion, text, attached))


def _parcel(
    means: Means, message: Message, occasion: _Occasion, text: MailText, attached: tuple[Attachment, ...] = ()
) -> Parcel:
    entry = partial(occasion.entry, means.sender.domain, means.sender.address, message.guardian_id)
    return Parcel(text, attached, entry)


async def _letter(means: Means, case: CaseRef, message: Message, occasion: _Occasion) -> tuple[Attachment, ...]:
    """The invitation as a stored letter, where its template is approved."""
    if "version_id" not in message.data:
        return ()
    meeting = occasion.meeting
    async with means.sessions.tenant(case.tenant_id) as session:
        zone = await calendar.time_zone(session, meeting.school_id)
    assert meeting.starts_at is not None
    assert meeting.ends_at is not None
    extra = {
        "meeting_time": meeting.starts_at.astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
        "meeting_place": meeting.location or occasion.school_name,
        "meeting_minutes": int((meeting.ends_at - meeting.starts_at).total_seconds() // 60),
    }
    writing = Writing(message.guardian_id, message.data["language"], Basis(), extra)
    issued = await letters.issue(means, replace(case, key=f"{case.key}/letter"), message.id, writing)
    pdf = await artifacts.content(means, case.actor, issued.artifact_id, now=case.now, why="deliver")
    return (Attachment(ATTACHMENT_NAME, pdf),)


def _said(lines: Sequence[str], frame: dict[str, str]) -> MailText:
    neutral = letter_mail(**frame)
    said = [line.format(**frame) for line in lines]
    paragraphs = "\n".join(f"<p>{line}</p>" for line in _escaped(said))
    html = f'<html lang="en"><head><meta charset="utf-8"></head><body>\n{paragraphs}\n</body></html>\n'
    return MailText(neutral.subject, "\n\n".join(said) + "\n", html)


def _escaped(lines: Sequence[str]) -> list[str]:
    return [line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for line in lines]


async def _note(means: Means, case: CaseRef, message: Message, there: Outcome) -> None:
    arrived = None if there.state is DeliveryState.AWAITING_POST else there.state in REACHED
    async with means.sessions.tenant(case.tenant_id) as session:
        mine = update(MeetingAttendee).where(
            MeetingAttendee.meeting_id == message.meeting_id,
            MeetingAttendee.kind == "GUARDIAN",
            MeetingAttendee.attendee_id == message.guardian_id,
        )
        await session.execute(mine.values(invited_at=case.now, invitation_delivered=arrived))


async def _tell_staff(means: Means, case: CaseRef, person_id: UUID, occasion: _Occasion) -> None:
    own = replace(case, key=f"{case.key}/staff/{person_id}")
    async with means.sessions.tenant(case.tenant_id) as session:
        told = (await session.scalars(select(Effect.key).where(Effect.key == own.key))).first()
        person = await session.get(Person, person_id)
        if told or person is None or not person.email:
            return
        await mailing.refuse_while_paused(session, case, "EMAIL")
    lines = INVITED if occasion.method is InvitationMethod.REQUEST else CALLED_OFF
    entry = partial(occasion.entry, means.sender.domain, means.sender.address, person_id)
    ticket = Ticket(person_id, person.email, occasion.school_name, case.now)
    receipt = await mailing.post(means, own, ticket, Parcel(_said(lines, occasion.frame), (), entry))
    async with means.sessions.tenant(case.tenant_id) as session:
        await once(session, own.key, "invitation")
        mine = update(MeetingAttendee).where(
            MeetingAttendee.meeting_id == occasion.meeting.id, MeetingAttendee.attendee_id == person_id
        )
        arrived = receipt.code < mailing.PERMANENT
        await session.execute(mine.values(invited_at=case.now, invitation_delivered=arrived))


async def release(session: AsyncSession, case: CaseRef, meeting: Meeting) -> None:
    """Free the slot and queue the word for everybody who was invited; letters not yet posted are withdrawn."""
    await bookings.free(session, meeting.id)
    invited = await session.scalars(
        select(Message).where(Message.meeting_id == meeting.id, Message.kind == INVITATION).with_for_update()
    )
    told: set[UUID] = set()
    for message in invited.all():
        state = mailing.outcome_of(message)
        if state and state.state is DeliveryState.AWAITING_POST:
            message.status = "SUPERSEDED"
            await withdraw_prints(session, [message.id], now=case.now)
        elif state and state.state in REACHED and message.guardian_id not in told:
            told.add(message.guardian_id)
            await _queue_cancellation(session, case, meeting, message)
    meeting.ics_sequence += 1
    meeting.revision += 1
    meeting.data = {**meeting.data, "released_by": case.key}


async def _queue_cancellation(session: AsyncSession, case: CaseRef, meeting: Meeting, invited: Message) -> None:
    await session.execute(
        insert(Message)
        .values(
            dedupe_key=f"{case.key}/{invited.guardian_id}",
            kind=CANCELLATION,
            instance_id=meeting.instance_id,
            student_id=meeting.student_id,
            guardian_id=invited.guardian_id,
            meeting_id=meeting.id,
            stage_key=meeting.stage_key,
            channel=invited.channel,
            data={"language": invited.data.get("language", BASE_LANGUAGE)},
        )
        .on_conflict_do_nothing()
    )


async def tell_released(means: Means, case: CaseRef, meeting_id: UUID) -> int:
    """Send the queued word to each attendee once; nothing when this key released nothing. How many were told."""
    async with means.sessions.tenant(case.tenant_id) as session:
        meeting = await one(session, meeting_id)
        if meeting.data.get("released_by") != case.key or meeting.starts_at is None:
            return 0
        occasion = await _occasion(session, case, meeting, InvitationMethod.CANCEL)
        mine = await _messages(session, case, meeting_id, CANCELLATION)
        invited = select(MeetingAttendee.attendee_id).where(
            MeetingAttendee.meeting_id == meeting_id,
            MeetingAttendee.kind == "STAFF",
            MeetingAttendee.invited_at.is_not(None),
        )
        staff = (await session.scalars(invited)).all()
    for message in mine:
        await _call_off(means, case, message, occasion)
    for person_id in staff:
        await _tell_staff(means, case, person_id, occasion)
    return len(mine) + len(staff)


async def _call_off(means: Means, case: CaseRef, message: Message, occasion: _Occasion) -> None:
    own = replace(case, key=f"{case.key}/{message.guardian_id}")
    async with means.sessions.tenant(case.tenant_id) as session:
        found = await look(means, session, own, await mailing.of_message(session, message.id), "meetings")
    if isinstance(found, Ticket):
        text = _said(CALLED_OFF, occasion.frame)
        await mailing.send(means, own, message.id, found, _parcel(means, message, occasion, text))


async def cancel(means: Means, case: CaseRef, meeting_id: UUID, reason: str) -> None:
    """Free the slot, CANCELLED, tell each invited attendee once; a meeting already held or cancelled is left alone."""
    async with means.sessions.tenant(case.tenant_id) as session:
        meeting = await session.get(Meeting, meeting_id, with_for_update=True)
        if meeting and meeting.status in {MeetingStatus.PROPOSED, MeetingStatus.SCHEDULED}:
            meeting.status = MeetingStatus.CANCELLED
            await release(session, case, meeting)
            act = Act("cancel_meeting", "meeting", meeting.id, case.student_id, reason)
            await record(session, case.actor, act, now=case.now)
    await tell_released(means, case, meeting_id)
