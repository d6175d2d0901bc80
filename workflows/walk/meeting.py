"""Book, invite, wait for what comes of the meeting, and carry it out."""

from rules.ladder import meetings
from rules.ladder.events import EventType
from rules.ladder.stages import Stage
from rules.ladder.state import MeetingState, State
from rules.ladder.steps import ApplyOutcome, AskOutcome, CancelMeeting, Invite, MissBooking, ResolveBooking
from workflows.case import Case
from workflows.ports.calendar import DeadlineOrder, Deadlines, school_deadlines
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
    await case.settle(
        invite_attendees,
        order,
        lambda now, sent: meetings.invited(now, case.now, delivered=sent.delivered),
        about=lambda now: now.meeting,
    )


async def extend_booking(case: Case, _step: ResolveBooking) -> None:
    """A new last day for booking."""
    stage, meeting = case.state.stage, case.state.meeting
    assert stage is not None
    assert meeting is not None
    order = DeadlineOrder(**case.order("book_by"), from_day=None, school_days=(stage.within_school_days,))

    def extended(now: State, found: Deadlines) -> State:
        return now.but(meeting=meeting.but(book_by=found.instants[0]), due=found.days[0])

    await case.settle(school_deadlines, order, extended, READ, about=lambda now: now.meeting)


async def miss_booking(case: Case, _step: MissBooking) -> None:
    """Nobody booked in time."""
    case.state = meetings.booking_missed(case.state, case.now)


async def ask_outcome(case: Case, _step: AskOutcome) -> None:
    """The meeting's time is over: a task asks for its outcome."""
    meeting = case.state.meeting
    assert meeting is not None
    order = TaskOrder(**case.order("ask_outcome"), kind=TaskKind.RECORD_OUTCOME, subject=str(meeting.id))

    def asked(now: State, _: object) -> State:
        return now.but(meeting=meeting.but(outcome_task=True))

    await case.settle(open_task, order, asked, about=lambda now: now.meeting)


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
    await case.settle(apply_outcome, order, lambda now, applied: meetings.outcome_applied(now, applied.on, case.now))


async def cancel(case: Case, _step: CancelMeeting) -> None:
    """The case has left its meeting behind."""
    meeting_id = case.state.cancelling
    assert meeting_id is not None
    order = CancellationOrder(**case.order("cancel_meeting"), meeting_id=meeting_id, reason="case_moved_on")
    await case.perform(cancel_meeting, order)
    case.state = case.state.but(cancelling=None).noting(
        EventType.MEETING_CANCELLED, case.now, meeting_id=str(meeting_id)
    )
