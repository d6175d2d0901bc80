"""Port: book meetings, invite, cancel, and carry out what a meeting decided."""

from datetime import date, datetime

from temporalio import activity

from rules.ids import MeetingId
from rules.ladder.commands import RecordMeetingOutcome
from rules.ladder.stages import Stage
from rules.meetings.outcomes import MeetingStatus
from workflows.ports.common import Done, Order, PortModel


class BookingOrder(Order):
    """The MEETING rung; `nth` = 0 for the first, then the number of reschedules; `after` = meeting it replaces."""

    stage: Stage
    nth: int
    after: MeetingId | None


class Booking(PortModel):
    """SCHEDULED with times, or PROPOSED: slots are offered and staff book by hand until `book_by` (signal
    `meeting_changed`).
    """

    meeting_id: MeetingId
    status: MeetingStatus
    starts_at: datetime | None
    ends_at: datetime | None
    book_by: datetime


class InvitationOrder(Order):
    """The booked meeting at its present time."""

    meeting_id: MeetingId


class Invited(PortModel):
    """`delivered` = at least one family attendee's invitation arrived or was handed over."""

    attendees: int
    delivered: bool


class CancellationOrder(Order):
    """The case has left the meeting behind."""

    meeting_id: MeetingId
    reason: str


class OutcomeOrder(Order):
    """What the meeting decided, as recorded; `counted` = a no-show that counts (rules.meetings.outcomes.counts)."""

    meeting_id: MeetingId
    stage: Stage
    outcome: RecordMeetingOutcome
    counted: bool


class OutcomeApplied(PortModel):
    """`on` = the local day it counts from (the day it was held, else today)."""

    on: date


@activity.defn
async def book_meeting(order: BookingOrder) -> Booking:
    """Create the meeting row and book the first slot free for staff, room and student within `within_school_days`, or
    offer slots.

    Once per key. No double booking (database constraint). `book_by` = start of the school day after the last bookable
    one.
    """
    raise NotImplementedError(order)


@activity.defn
async def invite_attendees(order: InvitationOrder) -> Invited:
    """One invitation with `.ics` per attendee (stable UID, rising SEQUENCE when the time moved), separated guardians
    apart.

    Re-checks contact stop and entitlement per attendee; withheld ones are recorded. Once per key and attendee.
    """
    raise NotImplementedError(order)


@activity.defn
async def cancel_meeting(order: CancellationOrder) -> Done:
    """Free the slot, status CANCELLED, tell each invited attendee once (`.ics` CANCEL). Already held or cancelled: do
    nothing.
    """
    raise NotImplementedError(order)


@activity.defn
async def apply_outcome(order: OutcomeOrder) -> OutcomeApplied:
    """One transaction, once per key: status (rules.meetings.outcomes.status_after), held_at, outcome, notes, creator;
    then

    MEDICAL_PLAN: exemption of scope `hold` until `outcome.until`. SUPPORT_PLAN: follow-up task due in 20 school days.
    NO_SHOW: task "reschedule or escalate" due in 5 school days. RESCHEDULE and ESCALATE of an unheld meeting: the
    slot is freed and attendees are told.
    """
    raise NotImplementedError(order)
