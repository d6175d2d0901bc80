"""Book, invite, wait for what comes of the meeting, and carry it out."""

from rules.ladder import meetings
from rules.ladder.events import EventType
from rules.ladder.stages import Stage
from rules.ladder.state import MeetingState
from rules.ladder.steps import ApplyOutcome, AskOutcome, CancelMeeting, Invite, MissBooking, ResolveBooking
from workflows.case import Case
from workflows.ports.calendar import DeadlineOrder, school_deadlines
from workflows.ports.meetings import (
    BookingOrder,
    CancellationOrder,
    InvitationOrder,
    OutcomeOrder,
    apply_outcome,
    book_meeting,
    cancel_meeting,
    invite_attendees,
)
from workflows.ports.tasks import TaskKind, TaskOrder, open_task
from workflows.retry import READ


async def book(case: Case, stage: Stage) -> None:
    """A slot for the meeting, or slots offered."""
    state = case.state
    order = BookingOrder(
        **case.order(f"book_meeting/{state.reschedules}"),
        stage=stage,
        nth=state.reschedules,
        after=state.meeting_before,
    )
    booking = await case.perform(book_meeting, order, lasting=True)
    meeting = MeetingState(
        id=booking.meeting_id,
        status=booking.status,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        book_by=booking.book_by,
    )
    case.state = meetings.booked(case.state, meeting, case.now)


async def invite(case: Case, _step: Invite) -> None:
    """One invitation per attendee; a meeting moved meanwhile is announced again."""
    meeting = case.state.meeting
    assert meeting is not None
    order = InvitationOrder(**case.order("invite_attendees"), meeting_id=meeting.id)
    result = await case.perform(invite_attendees, order)
    if case.state.meeting == meeting:
        case.state = meetings.invited(case.state, case.now, delivered=result.delivered)


async def extend_booking(case: Case, _step: ResolveBooking) -> None:
    """A new last day for booking."""
    stage, meeting = case.state.stage, case.state.meeting
    assert stage is not None
    order = DeadlineOrder(**case.order("book_by"), from_day=None, school_days=(stage.within_school_days,))
    deadlines = await case.perform(school_deadlines, order, READ)
    if meeting and case.state.meeting == meeting:
        case.state = case.state.but(meeting=meeting.but(book_by=deadlines.instants[0]), due=deadlines.days[0])


async def miss_booking(case: Case, _step: MissBooking) -> None:
    """Nobody booked in time."""
    case.state = meetings.booking_missed(case.state, case.now)


async def ask_outcome(case: Case, _step: AskOutcome) -> None:
    """The meeting's time is over: a task asks for its outcome."""
    meeting = case.state.meeting
    assert meeting is not None
    order = TaskOrder(**case.order("ask_outcome"), kind=TaskKind.RECORD_OUTCOME, subject=str(meeting.id))
    await case.perform(open_task, order)
    if case.state.meeting == meeting:
        case.state = case.state.but(meeting=meeting.but(outcome_task=True))


async def carry_out_outcome(case: Case, _step: ApplyOutcome) -> None:
    """Store what was decided and go where it leads."""
    outcome, meeting, stage = case.state.outcome, case.state.meeting, case.state.stage
    assert outcome is not None
    assert meeting is not None
    assert stage is not None
    order = OutcomeOrder(
        **case.order("apply_outcome"),
        meeting_id=meeting.id,
        stage=stage,
        outcome=outcome,
        counted=meetings.counted(case.state),
    )
    turn = case.state.turn
    applied = await case.perform(apply_outcome, order)
    if case.state.turn == turn:
        case.state = meetings.outcome_applied(case.state, applied.on, case.now)


async def cancel(case: Case, _step: CancelMeeting) -> None:
    """The case has left its meeting behind."""
    meeting_id = case.state.cancelling
    assert meeting_id is not None
    order = CancellationOrder(**case.order("cancel_meeting"), meeting_id=meeting_id, reason="case_moved_on")
    await case.perform(cancel_meeting, order)
    case.state = case.state.but(cancelling=None).noting(
        EventType.MEETING_CANCELLED, case.now, meeting_id=str(meeting_id)
    )
