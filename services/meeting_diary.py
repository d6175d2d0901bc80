"""Meetings as staff read them: lists, attendees, free times; and telling a case that its meeting has moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.meetings import Meeting, MeetingAttendee
from models.queries import calendar
from models.queries.keyset import Window, paged
from rules.errors import Invalid
from rules.ids import MeetingId
from rules.ladder.commands import MeetingChanged
from rules.meetings.outcomes import MeetingStatus, Outcome
from rules.meetings.slots import Span
from services import audit
from services.audit import Act
from services.context import Actor
from services.meetings import Wanted, offered_slots
from services.scopes import Scope
from services.signals import tell

MOST_DAYS = 60


@dataclass(frozen=True, slots=True)
class MeetingQuery:
    """Which meetings: within the caller's reach, perhaps of one student, walk or state."""

    scope: Scope
    student_id: UUID | None = None
    instance_id: UUID | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class SlotQuery:
    """Free times for a student and a colleague between two days."""

    school_id: UUID
    student_id: UUID
    staff_id: UUID | None
    first: date
    last: date


async def listed(session: AsyncSession, asked: MeetingQuery, window: Window) -> Sequence[Meeting]:
    """A page of meetings, the oldest first."""
    wanted = select(Meeting).where(*asked.scope.rows(Meeting.school_id, Meeting.student_id))
    for column, value in (
        (Meeting.student_id, asked.student_id),
        (Meeting.instance_id, asked.instance_id),
        (Meeting.status, asked.status),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    return (await session.scalars(paged(wanted, (Meeting.id,), window))).all()


async def attendees(session: AsyncSession, meeting_id: UUID) -> Sequence[MeetingAttendee]:
    """Who is invited."""
    invited = select(MeetingAttendee).where(MeetingAttendee.meeting_id == meeting_id).order_by(MeetingAttendee.id)
    return (await session.scalars(invited)).all()


async def free_times(session: AsyncSession, asked: SlotQuery, *, now: datetime) -> Sequence[Span]:
    """The next free times in the school's meeting hours."""
    if not 0 <= (asked.last - asked.first).days < MOST_DAYS:
        raise Invalid(
            "bad_span", "Ask for at most sixty days, the first before the last.", fields={"query.to": "choose another"}
        )
    days = await calendar.open_days_between(session, asked.school_id, asked.first, asked.last)
    return await offered_slots(session, Wanted(asked.school_id, asked.student_id, asked.staff_id, days, now))


async def tell_case(session: AsyncSession, meeting: Meeting) -> None:
    """Let the walk know that its meeting was booked or moved by hand."""
    if meeting.instance_id is None:
        return
    changed = MeetingChanged(
        meeting_id=MeetingId(meeting.id),
        status=MeetingStatus(meeting.status),
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
    )
    await tell(session, [meeting.instance_id], "meeting_changed", changed)


@dataclass(frozen=True, slots=True)
class Said:
    """What staff say came of a meeting."""

    outcome: Outcome
    held_at: datetime | None
    until: date | None


def check_said(meeting: Meeting, said: Said, *, now: datetime) -> None:
    """Refuse what cannot have happened yet, before the walk hears of it."""
    if said.held_at is not None and said.held_at > now:
        later = {"body.outcome.held_at": "when it was held: not later than now"}
        raise Invalid("held_in_the_future", f"Meeting {meeting.id} cannot have been held yet.", fields=later)
    if said.outcome is Outcome.NO_SHOW and meeting.starts_at is not None and meeting.starts_at > now:
        early = {"body.outcome.code": "NO_SHOW is possible once the meeting has begun; before that: RESCHEDULE"}
        raise Invalid("not_begun_yet", f"Meeting {meeting.id} has not begun: nobody has missed it.", fields=early)
    if said.until is not None and said.until <= now.date():
        over = {"body.outcome.until": "the plan's last day: a day to come"}
        raise Invalid("plan_over", f"A plan until {said.until} would be over already.", fields=over)


def check_reason(meeting: Meeting, notes: str, reason: str | None) -> None:
    """Notes once written change only with a reason."""
    if notes and meeting.notes and meeting.notes != notes and not reason:
        why = {"body.reason": "say why the notes of this meeting are replaced"}
        raise Invalid(
            "reason_missing", f"Meeting {meeting.id} has notes already: replacing them needs a reason.", fields=why
        )


async def note(
    session: AsyncSession, actor: Actor, meeting: Meeting, notes: str, reason: str | None, *, now: datetime
) -> None:
    """Keep what was said at the meeting; it stays here and enters no workflow."""
    check_reason(meeting, notes, reason)
    before, meeting.notes = meeting.notes, notes
    await session.flush()
    old = {} if before is None else {"notes": before}
    act = Act("note_meeting", "meeting", meeting.id, meeting.student_id, reason, before=old, after={"notes": notes})
    await audit.record(session, actor, act, now=now)
