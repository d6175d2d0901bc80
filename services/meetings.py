"""Meetings: booked by the case or by staff, never twice for one person or room, and moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Instance
from models.meetings import Booking, Meeting, MeetingAttendee
from models.people import Person, RoleAssignment, School, SchoolScope
from models.queries import calendar
from models.queries import meetings as bookings
from rules.errors import Conflict, Invalid, NotFound
from rules.ids import InstanceId, SchoolId, StudentId
from rules.meetings.outcomes import MeetingStatus
from rules.meetings.slots import MeetingHours, Span, free_slots, slots
from services import school_days
from services.audit import Act, record
from services.context import Actor, CaseRef
from services.entitlement import recipients

NOTICE_SCHOOL_DAYS = 3
OFFERED = 12
ROOMS = UUID("6f1d3c58-6f0e-5c43-9a55-0a8c5b7f2d10")  # namespace: the same room name is the same room
CONVENERS = ("attendance_officer", "school_leader")


@dataclass(frozen=True, slots=True)
class Booked:
    """A meeting row as the case needs it; PROPOSED when staff must choose the time until `book_by`."""

    meeting_id: UUID
    status: MeetingStatus
    starts_at: datetime | None
    ends_at: datetime | None
    book_by: datetime


@dataclass(frozen=True, slots=True)
class MoveMeeting:
    """Another time, and why; a meeting that has no time yet needs no reason for its first."""

    meeting_id: UUID
    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ScheduleMeeting:
    """A meeting that staff book themselves, for a case or on its own."""

    student_id: UUID
    school_id: UUID
    starts_at: datetime
    ends_at: datetime
    staff_id: UUID | None = None
    room: str = ""
    mode: str = "in_person"
    instance_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom a slot must suit, and in which span of local days."""

    school_id: UUID
    student_id: UUID
    staff_id: UUID | None
    days: Sequence[date]
    not_before: datetime


async def book_for_case(session: AsyncSession, case: CaseRef, within_school_days: int, stage_key: str) -> Booked:
    """Book the first slot free for the convener and the student, or offer times to staff; once per effect key."""
    last, after = (await school_days.count(session, case, None, (within_school_days, within_school_days + 1))).days
    book_by = await school_days.start_of(session, case, after)
    if found := (await session.scalars(select(Meeting).where(Meeting.effect_key == case.key))).first():
        return Booked(found.id, MeetingStatus(found.status), found.starts_at, found.ends_at, book_by)
    meeting = Meeting(
        instance_id=case.instance_id,
        student_id=case.student_id,
        school_id=case.school_id,
        stage_key=stage_key,
        status=MeetingStatus.PROPOSED,
        mode="in_person",
        effect_key=case.key,
        data={"book_by": book_by.isoformat()},
    )
    session.add(meeting)
    await session.flush()
    meeting.ics_uid = f"{meeting.id}@handrail"
    staff_id = await convener(session, case)
    wanted = await _window(session, case, staff_id, last)
    await _take_first(session, meeting, wanted)
    await _attendees(session, case, meeting.id, staff_id)
    await record(session, case.actor, Act("book_meeting", "meeting", meeting.id, case.student_id), now=case.now)
    return Booked(meeting.id, MeetingStatus(meeting.status), meeting.starts_at, meeting.ends_at, book_by)


async def _window(session: AsyncSession, case: CaseRef, staff_id: UUID | None, last: date) -> Wanted:
    today = await school_days.today(session, case)
    notice = await school_days.day_after(session, case, NOTICE_SCHOOL_DAYS)
    days = await calendar.open_days_between(session, case.school_id, min(notice, last), last)
    return Wanted(case.school_id, case.student_id, staff_id, [day for day in days if day > today], case.now)


async def _take_first(session: AsyncSession, meeting: Meeting, wanted: Wanted) -> None:
    if wanted.staff_id is None:
        return
    put_off = await _put_off(session, meeting)
    for span in await offered_slots(session, wanted):
        if any(span[0] < ended and began < span[1] for began, ended in put_off):
            continue  # the time did not suit: a meeting put off is not offered for the same time again
        if await bookings.book(session, meeting.id, _resources(wanted.staff_id, meeting.student_id, ""), span):
            meeting.status = MeetingStatus.SCHEDULED
            meeting.starts_at, meeting.ends_at = span
            await session.flush()
            return


async def _put_off(session: AsyncSession, meeting: Meeting) -> list[Span]:
    """The times of this walk's meetings that did not take place."""
    earlier = select(Meeting.starts_at, Meeting.ends_at).where(
        Meeting.instance_id == meeting.instance_id,
        Meeting.id != meeting.id,
        Meeting.status.in_((MeetingStatus.CANCELLED, MeetingStatus.NO_SHOW)),
    )
    return [(began, ended) for began, ended in await session.execute(earlier) if began and ended]


async def convener(session: AsyncSession, case: CaseRef) -> UUID | None:
    """Who meets the family: the case's assignee, else an attendance officer of the school, else a leader of it."""
    assignee = (await session.scalars(select(Instance.assignee_id).where(Instance.id == case.instance_id))).first()
    if assignee:
        return assignee
    on = await school_days.today(session, case)
    staff = (
        select(RoleAssignment.role, Person.id)
        .join(Person, Person.id == RoleAssignment.person_id)
        .outerjoin(SchoolScope, (SchoolScope.person_id == Person.id) & (SchoolScope.school_id == case.school_id))
        .where(
            Person.active,
            RoleAssignment.role.in_(CONVENERS),
            RoleAssignment.all_schools | SchoolScope.school_id.is_not(None),
            (RoleAssignment.starts_on.is_(None)) | (RoleAssignment.starts_on <= on),
            (RoleAssignment.ends_on.is_(None)) | (RoleAssignment.ends_on >= on),
        )
        .order_by(RoleAssignment.all_schools, Person.id)
    )
    found = [(CONVENERS.index(role), person_id) for role, person_id in (await session.execute(staff)).all()]
    return min(found)[1] if found else None


async def offered_slots(session: AsyncSession, wanted: Wanted) -> list[Span]:
    """The next free slots in the school's meeting hours, for the convener and the student together."""
    if not wanted.days:
        return []
    school = (await session.scalars(select(School).where(School.id == wanted.school_id))).one()
    hours = MeetingHours(**school.settings.get("meeting_hours", {}))
    every = list(slots(wanted.days, hours, await calendar.time_zone(session, wanted.school_id)))
    taken = (
        await bookings.busy(session, _resources(wanted.staff_id, wanted.student_id, ""), (every[0][0], every[-1][1]))
        if every
        else []
    )
    return list(free_slots(every, taken, wanted.not_before))[:OFFERED]


def _resources(staff_id: UUID | None, student_id: UUID, room: str) -> list[bookings.Resource]:
    wanted: list[bookings.Resource] = [("STUDENT", student_id)]
    if staff_id:
        wanted.append(("STAFF", staff_id))
    if room:
        wanted.append(("ROOM", uuid5(ROOMS, room.strip().lower())))
    return wanted


async def _attendees(session: AsyncSession, case: CaseRef, meeting_id: UUID, staff_id: UUID | None) -> None:
    entitled = await recipients(session, case, "meetings")
    rows: list[dict[str, Any]] = [
        {"meeting_id": meeting_id, "kind": "GUARDIAN", "attendee_id": one.guardian_id} for one in entitled.allowed
    ]
    if staff_id:
        rows.append({"meeting_id": meeting_id, "kind": "STAFF", "attendee_id": staff_id})
    if rows:
        await session.execute(insert(MeetingAttendee).values(rows).on_conflict_do_nothing())


async def schedule(session: AsyncSession, actor: Actor, wanted: ScheduleMeeting, *, now: datetime) -> Meeting:
    """Book a meeting by hand; a PROPOSED one of the case takes the time. Conflict names what is already taken."""
    _check_times(wanted.starts_at, wanted.ends_at, now)
    await _check_walk(session, wanted)
    meeting = await _proposed(session, wanted.instance_id) or Meeting(
        instance_id=wanted.instance_id, student_id=wanted.student_id, school_id=wanted.school_id
    )
    meeting.created_by = actor.person_id
    meeting.mode, meeting.location = wanted.mode, wanted.room or None
    session.add(meeting)
    await session.flush()
    meeting.ics_uid = meeting.ics_uid or f"{meeting.id}@handrail"
    await _take(session, meeting, wanted.staff_id or actor.person_id, (wanted.starts_at, wanted.ends_at))
    await _attendees(session, case_of_meeting(actor, meeting, now), meeting.id, wanted.staff_id or actor.person_id)
    await record(session, actor, Act("schedule_meeting", "meeting", meeting.id, meeting.student_id), now=now)
    return meeting


async def _check_walk(session: AsyncSession, wanted: ScheduleMeeting) -> None:
    """A meeting may belong only to a walk of the same student."""
    if wanted.instance_id is None:
        return
    walk = await session.get(Instance, wanted.instance_id)
    if walk is None or walk.student_id != wanted.student_id:
        raise NotFound(
            "instance_not_found", f"The student has no walk {wanted.instance_id} here; see GET /interventions/students."
        )


async def _proposed(session: AsyncSession, instance_id: UUID | None) -> Meeting | None:
    if instance_id is None:
        return None
    waiting = select(Meeting).where(Meeting.instance_id == instance_id, Meeting.status == MeetingStatus.PROPOSED)
    return (await session.scalars(waiting.order_by(Meeting.id.desc()))).first()


def _check_times(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    if starts_at <= now:
        raise Invalid(
            "meeting_in_the_past", "A meeting begins in the future.", fields={"starts_at": "choose a later time"}
        )
    if not timedelta() < ends_at - starts_at <= timedelta(hours=8):
        raise Invalid(
            "meeting_length", "A meeting ends after it begins, within eight hours.", fields={"ends_at": "check"}
        )


async def _take(session: AsyncSession, meeting: Meeting, staff_id: UUID | None, span: Span) -> None:
    await bookings.free(session, meeting.id)
    room = f"{meeting.school_id}/{meeting.location}" if meeting.location else ""
    wanted = _resources(staff_id, meeting.student_id, room)
    if not await bookings.book(session, meeting.id, wanted, span):
        taken = await bookings.busy(session, wanted, span)
        raise Conflict(
            "double_booking",
            "The student, the staff member or the room is taken at that time; nothing was booked. "
            "Choose one of GET /meetings/slots.",
            taken=[[start.isoformat(), end.isoformat()] for start, end in taken],
        )
    if meeting.starts_at is not None:
        meeting.ics_sequence += 1
    meeting.starts_at, meeting.ends_at = span
    meeting.status = MeetingStatus.SCHEDULED
    meeting.revision += 1
    await session.flush()


async def move(session: AsyncSession, actor: Actor, command: MoveMeeting, *, now: datetime) -> Meeting:
    """Another time for a meeting that has not been held; its invitations go out again with the next SEQUENCE."""
    span, meeting_id = (command.starts_at, command.ends_at), command.meeting_id
    _check_times(*span, now)
    meeting = await one(session, meeting_id)
    before = (meeting.starts_at, meeting.ends_at)
    if before != (None, None) and not command.reason.strip():
        why = {"body.reason": "say why the meeting is moved"}
        raise Invalid("reason_missing", f"Meeting {meeting_id} has a time: another one needs a reason.", fields=why)
    if meeting.status not in {MeetingStatus.PROPOSED, MeetingStatus.SCHEDULED}:
        raise Conflict("meeting_over", f"Meeting {meeting_id} is {meeting.status.lower()}: book another one.")
    staff = select(Booking.resource_id).where(Booking.meeting_id == meeting_id, Booking.resource_kind == "STAFF")
    staff_id = (await session.scalars(staff.order_by(Booking.id.desc()))).first() or actor.person_id
    await _take(session, meeting, staff_id, span)
    old, new = ({"starts_at": starts, "ends_at": ends} for starts, ends in (before, span))
    told = {"before": old if any(before) else {}, "after": new}
    act = Act("move_meeting", "meeting", meeting_id, meeting.student_id, command.reason or None, **told)
    await record(session, actor, act, now=now)
    return meeting


async def one(session: AsyncSession, meeting_id: UUID, *, lock: bool = False) -> Meeting:
    """A meeting of this tenant, or NotFound."""
    meeting = await session.get(Meeting, meeting_id, with_for_update=lock, populate_existing=lock)
    if meeting is None:
        raise NotFound("meeting_not_found", f"There is no meeting {meeting_id} here.")
    return meeting


def case_of_meeting(actor: Actor, meeting: Meeting, now: datetime) -> CaseRef:
    """The meeting's case as services take it; a meeting of its own stands in for the instance it does not have."""
    return CaseRef(
        actor.tenant_id,
        SchoolId(meeting.school_id),
        StudentId(meeting.student_id),
        InstanceId(meeting.instance_id or meeting.id),
        key=actor.request_id,
        now=now,
    )
