"""What people and machines tell a running case: updates carry a person and a command id, signals carry facts."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from rules.ids import EvaluationId, GuardianId, InstanceId, MeetingId, PersonId, ProposalId, SchoolId
from rules.ladder.stages import LadderSnapshot
from rules.ladder.words import TransferChoice, YearEndChoice
from rules.meetings.outcomes import MeetingStatus, NoShow, Outcome


class Message(BaseModel):
    """Base of everything sent to a case: frozen, unknown fields refused by the API before they get here."""

    model_config = ConfigDict(frozen=True)


class Command(Message):
    """A person's verb. `command_id` is the Idempotency-Key; permission was decided by the API, actor and role are
    recorded.
    """

    command_id: str
    actor_id: PersonId | None = None
    role: str = ""
    reason: str = ""

    def who(self) -> "Command":
        """Only the person, the id and the reason: what an event keeps."""
        return Command(command_id=self.command_id, actor_id=self.actor_id, role=self.role, reason=self.reason)


class Approve(Command):
    """Agree to the pending proposal; no reason needed. `support_considered` is what safeguards.md 5 asks of flagged
    cases.
    """

    proposal_id: ProposalId
    support_considered: str = ""


class WithdrawApproval(Command):
    """Take the approval back while the undo runs."""

    proposal_id: ProposalId


class Skip(Command):
    """Leave the step out; in FOLLOW_UP refuse the relapse proposal; in NEEDS_STAFF give the effect up."""

    proposal_id: ProposalId | None = None


class HoldCase(Command):
    """Pause. `until` is a local school date; without it the hold lasts until somebody resumes."""

    until: date | None = None


class Resume(Command):
    """Go on: to the phase before the hold, or try the parked effect again under the same key."""


class Stop(Command):
    """End the case; `reason_code` is one of `StopReason`."""

    reason_code: str


class Escalate(Command):
    """Pass over rungs to `to` (default: the first ESCALATION)."""

    to: str | None = None


class RecordMeetingOutcome(Command):
    """What came of the meeting. The activity `apply_outcome` writes the row; notes are already stored and named by
    id.
    """

    meeting_id: MeetingId
    outcome: Outcome
    held_at: datetime | None = None
    until: date | None = None
    no_show: NoShow | None = None
    other_mode_offered: bool = False
    notes_id: UUID | None = None


class PlanAgreed(Message):
    """A support plan was agreed with the family; `on` is its local date."""

    plan_id: UUID
    on: date


class ReferralChange(StrEnum):
    """What became of one guardian's referral. LEFT_OUT: a person decided not to send it."""

    SENT = "SENT"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RESULT = "RESULT"
    LEFT_OUT = "LEFT_OUT"
    WITHDRAWN = "WITHDRAWN"


class ReferralChanged(Message):
    """One guardian's referral has come further; `on` is the local date of it."""

    referral_id: UUID
    guardian_id: GuardianId
    change: ReferralChange
    on: date


class RecordContact(Command):
    """A contact that the service has already stored; `on` is its local date."""

    contact_id: UUID
    guardian_id: GuardianId | None = None
    reached: bool
    on: date


class RecordDelivery(Command):
    """A letter handed over or posted by hand; `effective_day` is what the wait counts from (posting day plus the
    setting). With `meeting_id` it is the invitation to that meeting, no letter of a rung.
    """

    guardian_id: GuardianId
    handed_over: bool
    effective_day: date
    meeting_id: MeetingId | None = None


class ConfirmExit(Command):
    """A person agrees that the case may go to follow-up."""


class RejectExit(Command):
    """A person disagrees: back to the rung."""


class Reopen(Command):
    """Back onto the ladder from EXIT_REVIEW or FOLLOW_UP."""

    to_stage: str


class Reassign(Command):
    """Another person looks after the case."""

    assignee_id: PersonId


class BasisChoice(StrEnum):
    """What to do with a step whose reason a correction has removed."""

    RESCIND = "rescind"
    KEEP = "keep"


class ResolveBasis(Command):
    """Rescind (supersede, tell everybody who got it once, go back) or keep with a reason."""

    choice: BasisChoice


class ChooseTransfer(Command):
    """What the receiving school does with the case; `to_school_id` = the school that this leader answers for."""

    choice: TransferChoice
    to_school_id: SchoolId


class ChooseYearEnd(Command):
    """What becomes of the case at the year's end; `begins` = first day of the new year that was asked about."""

    choice: YearEndChoice
    begins: date


class ApplyRuleSetVersion(Command):
    """Re-pin the case to another version of its rule set; `acknowledged` = the difference was seen."""

    ladder: LadderSnapshot
    acknowledged: bool


class AttendanceChanged(Message):
    """Signal: newer attendance; `seq` only grows per instance, older ones are dropped. The evaluation row is already
    written.
    """

    seq: int
    evaluation_id: EvaluationId | None = None
    corrected: bool = False


class FactChanged(Message):
    """Signals `guardian_reason`, `exemption_changed`, `case_resolved`: a person entered a fact; the next decide reads
    it.
    """

    ref: UUID | None = None


class EnrolmentEnd(StrEnum):
    """Why a case must close whatever its phase; TRANSFERRED with a school of the tenant waits for that school's leader,
    RETURNED = on roll again where the case is led.
    """

    WITHDRAWN = "WITHDRAWN"
    TRANSFERRED = "TRANSFERRED"
    MERGED = "MERGED"
    DECEASED = "DECEASED"
    STUDENT_REMOVED = "STUDENT_REMOVED"
    RETURNED = "RETURNED"


class EnrolmentChanged(Message):
    """Signal: the student left, moved, was merged, died or was removed. The schools are those of a move inside the
    tenant: from the school that led when it was noticed, to the one where the student is registered in full.
    """

    end: EnrolmentEnd
    from_school_id: SchoolId | None = None
    to_school_id: SchoolId | None = None


class YearEnds(Message):
    """Signal: twenty school days or fewer are left of the school year; `begins` = first day of the next one."""

    begins: date


class MeetingChanged(Message):
    """Signal: the meeting's row changed outside the workflow (booked by hand, moved, cancelled)."""

    meeting_id: MeetingId
    status: MeetingStatus
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class DeliveryState(StrEnum):
    """Where one recipient's letter stands. AWAITING_POST is the only one that is not an end."""

    AWAITING_POST = "AWAITING_POST"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    HANDED_OVER = "HANDED_OVER"
    FAILED = "FAILED"
    BOUNCED = "BOUNCED"
    RETURNED = "RETURNED"
    WITHHELD = "WITHHELD"
    GIVEN_UP = "GIVEN_UP"


class DeliveryResult(Message):
    """Signal: a later word on one recipient's letter (delivered, bounced, returned)."""

    guardian_id: GuardianId
    state: DeliveryState
    effective_day: date | None = None


class ContactStopChanged(Message):
    """Signal: a contact stop that covers this student was set, or the last one was lifted."""

    active: bool
    reason_code: str = ""


class RegisterQueried(Message):
    """Signal `register_query`: the family says the register is wrong, or the query was answered."""

    query_id: UUID
    opened: bool


class SendingChanged(Message):
    """Signal: the sending switch that covers this school was turned."""

    on: bool


class Answer(Message):
    """What every update returns, at the moment the decision is in history; projection and audit row follow."""

    command_id: str = ""
    instance_id: InstanceId | None = None
    status: str = ""
    phase: str = ""
    stage_key: str | None = None
    proposal_id: ProposalId | None = None
    revision: int = 0
    undo_until: datetime | None = None
    verbs: tuple[str, ...] = Field(default=())
