"""Meetings: free times, booking, moving, and what came of them."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.ladder import Cases
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.meetings import (
    AttendeeOut,
    MeetingFileOut,
    MeetingIn,
    MeetingOut,
    MeetingPut,
    SlotOut,
    SlotsOut,
)
from models.queries.keyset import Window
from models.session import Session
from rules.access.permissions import Permission
from rules.bounds import AnyDay
from rules.errors import Conflict, DomainError, Invalid
from rules.ids import MeetingId
from rules.ladder.commands import RecordMeetingOutcome
from rules.ladder.verbs import Verb
from services import filters, meeting_diary, meeting_outcomes, meetings
from services.meeting_diary import MeetingQuery, Said, SlotQuery
from services.meetings import MoveMeeting, ScheduleMeeting

router = APIRouter(prefix="/meetings", tags=["meetings"], route_class=HandrailRoute)


async def _file(session: Session, caller: Caller, meeting_id: UUID, *, lock: bool = False) -> MeetingFileOut:
    row = await meetings.one(session, meeting_id, lock=lock)
    reach.of_school(caller, row.school_id, row.student_id)
    invited = await meeting_diary.attendees(session, meeting_id)
    present = {one.attendee_id for one in invited if one.kind == "STAFF"}
    return MeetingFileOut(
        meeting=MeetingOut.of(row, notes=reach.reads_notes(caller, present)),
        attendees=[AttendeeOut.model_validate(one) for one in invited],
    )


@router.get("")
async def list_meetings(
    caller: Annotated[Caller, permit(Permission.MEETING_READ)],
    session: Work,
    school_id: UUID | None = None,
    student_id: UUID | None = None,
    instance_id: UUID | None = None,
    status: Literal["PROPOSED", "SCHEDULED", "HELD", "CANCELLED", "NO_SHOW"] | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[MeetingOut]:
    """Meetings of your schools, the oldest first."""
    await filters.must_exist(session, student_id=student_id, instance_id=instance_id)
    asked = MeetingQuery(await reach.scope(session, caller, school_id), student_id, instance_id, status)
    rows = await meeting_diary.listed(session, asked, Window(limit, after(cursor)))
    notes = reach.reads_notes(caller)
    return page(rows, limit, lambda row: MeetingOut.of(row, notes=notes), lambda row: (row.id,))


@router.get("/slots")
async def list_slots(
    caller: Annotated[Caller, permit(Permission.MEETING_READ)],
    session: Work,
    school_id: UUID,
    student_id: UUID,
    from_date: Annotated[AnyDay, Query(alias="from")],
    to_date: Annotated[AnyDay, Query(alias="to")],
    staff_id: UUID | None = None,
) -> SlotsOut:
    """The next times free for the student and a colleague (left out: you)."""
    await reach.student(session, caller, student_id)
    await reach.school(session, caller, school_id)
    await filters.must_exist(session, staff_id=staff_id)
    asked = SlotQuery(school_id, student_id, staff_id or caller.actor.person_id, from_date, to_date)
    spans = await meeting_diary.free_times(session, asked, now=caller.now)
    return SlotsOut(items=[SlotOut(starts_at=start, ends_at=end) for start, end in spans])


@router.post("", status_code=201)
async def book_meeting(
    body: MeetingIn, caller: Annotated[Caller, permit(Permission.MEETING_WRITE)], _key: CommandKey, session: Work
) -> MeetingOut:
    """Book a meeting by hand; a time that somebody has already is refused with what is taken."""
    await reach.student(session, caller, body.student_id)
    await reach.school(session, caller, body.school_id)
    made = await meetings.schedule(session, caller.actor, ScheduleMeeting(**body.model_dump()), now=caller.now)
    await meeting_diary.tell_case(session, made)
    return MeetingOut.model_validate(made)


@router.get("/{meeting_id:uuid}")
async def read_meeting(
    meeting_id: UUID, caller: Annotated[Caller, permit(Permission.MEETING_READ)], session: Work, response: Response
) -> MeetingFileOut:
    """One meeting with those invited, and the ETag that an edit needs."""
    return tagged(response, await _file(session, caller, meeting_id))


@router.put(
    "/{meeting_id:uuid}",
    responses={202: {"model": MeetingFileOut, "description": "Accepted, not yet confirmed: send it again, same key."}},
)
async def put_meeting(
    meeting_id: UUID,
    body: MeetingPut,
    caller: Annotated[Caller, permit(Permission.MEETING_WRITE)],
    key: CommandKey,
    given: Parts,
    cases: Cases,
    response: Response,
    if_match: IfMatch = None,
) -> MeetingFileOut:
    """Move the meeting, or record what came of it: the walk goes on by the outcome."""
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        seen = await _file(session, caller, meeting_id, lock=True)
        unchanged(if_match, seen)
        if body.outcome is None:
            await _moved(session, caller, meeting_id, body)
        else:
            meeting = await meetings.one(session, meeting_id)
            meeting_diary.check_reason(meeting, body.outcome.notes, body.reason)
            await meeting_outcomes.reserve(session, meeting, key, now=caller.now)
    if body.outcome is not None:
        try:
            await _decided(given, caller, key, cases, meeting_id, body)
        except DomainError:
            async with given.sessions.tenant(caller.actor.tenant_id) as session:
                await meeting_outcomes.give_back(session, meeting_id, key)
            raise
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        return tagged(response, await _file(session, caller, meeting_id))


async def _moved(session: Session, caller: Caller, meeting_id: UUID, body: MeetingPut) -> None:
    if body.starts_at is None or body.ends_at is None:
        missing = {"body.starts_at": "send both times, or an outcome"}
        raise Invalid("nothing_to_change", "Send another time or an outcome.", fields=missing)
    wanted = MoveMeeting(meeting_id, body.starts_at, body.ends_at, body.reason or "")
    moved = await meetings.move(session, caller.actor, wanted, now=caller.now)
    await meeting_diary.tell_case(session, moved)


async def _decided(given: Parts, caller: Caller, key: str, cases: Cases, meeting_id: UUID, body: MeetingPut) -> None:
    """The case says yes first; then the meeting shows what was said, whenever the case carries it out."""
    outcome = body.outcome
    assert outcome is not None, "a meeting without an outcome is moved"
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        meeting = await meetings.one(session, meeting_id)
        if meeting.instance_id is None:
            raise Conflict("meeting_without_case", f"Meeting {meeting_id} belongs to no walk: nothing follows from it.")
        instance_id = meeting.instance_id
    meeting_diary.check_said(meeting, Said(outcome.code, outcome.held_at, outcome.until), now=caller.now)
    found = await cases.reached(caller, instance_id)
    command = RecordMeetingOutcome(
        command_id=key,
        actor_id=caller.actor.person_id,
        role=caller.actor.role,
        meeting_id=MeetingId(meeting_id),
        outcome=outcome.code,
        **outcome.model_dump(exclude={"code", "notes"}),
    )
    told = await cases.tell(caller, found, Verb.RECORD_MEETING_OUTCOME, command)
    if told.answer is None:
        return
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        meeting = await meetings.one(session, meeting_id, lock=True)
        await meeting_outcomes.write(session, caller.actor, meeting, command, now=caller.now)
        if outcome.notes:
            await meeting_diary.note(session, caller.actor, meeting, outcome.notes, body.reason, now=caller.now)
