"""Meetings: book, invite, cancel, carry out what was decided."""

from temporalio import activity

from activities.boundary import case_of
from rules.ids import MeetingId
from services import invitations, meeting_outcomes, meetings
from services.means import Means
from services.meeting_outcomes import Decided
from workflows.ports.common import Done
from workflows.ports.meetings import (
    Booking,
    BookingOrder,
    CancellationOrder,
    InvitationOrder,
    Invited,
    OutcomeApplied,
    OutcomeOrder,
)


class MeetingActivities:
    """The database refuses a double booking; each attendee hears of each change once."""

    def __init__(self, means: Means) -> None:
        self._means = means

    @activity.defn
    async def book_meeting(self, order: BookingOrder) -> Booking:
        stage = order.stage
        async with self._means.sessions.tenant(order.tenant_id) as session:
            booked = await meetings.book_for_case(session, case_of(order), stage.within_school_days, stage.key)
        return Booking(
            meeting_id=MeetingId(booked.meeting_id),
            status=booked.status,
            starts_at=booked.starts_at,
            ends_at=booked.ends_at,
            book_by=booked.book_by,
        )

    @activity.defn
    async def invite_attendees(self, order: InvitationOrder) -> Invited:
        invited = await invitations.invite(self._means, case_of(order), order.meeting_id)
        return Invited(attendees=invited.attendees, delivered=invited.delivered)

    @activity.defn
    async def cancel_meeting(self, order: CancellationOrder) -> Done:
        await invitations.cancel(self._means, case_of(order), order.meeting_id, order.reason)
        return Done(ref=str(order.meeting_id))

    @activity.defn
    async def apply_outcome(self, order: OutcomeOrder) -> OutcomeApplied:
        case = case_of(order)
        decided = Decided(order.meeting_id, order.outcome, order.counted)
        async with self._means.sessions.tenant(order.tenant_id) as session:
            on = await meeting_outcomes.apply(session, case, decided)
        await invitations.tell_released(self._means, case, order.meeting_id)
        return OutcomeApplied(on=on)
