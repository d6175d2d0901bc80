"""The state of one walk: one frozen model with defaults, carried through continue-as-new. Never remove a field."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from rules.ids import ArtifactId, EvaluationId, GuardianId, MeetingId, ProposalId, SchoolId
from rules.ladder.commands import Command, DeliveryState, RecordMeetingOutcome
from rules.ladder.events import EventType, Fact, LadderEvent
from rules.ladder.parts import NewYear, Part, Referred, YearEnd
from rules.ladder.stages import Approval, LadderSnapshot, Stage
from rules.ladder.words import (
    Action,
    Change,
    HoldKind,
    NeedsStaff,
    PauseKind,
    Phase,
    ProposalKind,
    Status,
    StepResult,
    StopReason,
    StopThen,
    TransferChoice,
)
from rules.meetings.outcomes import MeetingStatus

COMMANDS_REMEMBERED = 50
REACHED = frozenset({DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.HANDED_OVER})
RETRIABLE = frozenset({DeliveryState.FAILED, DeliveryState.WITHHELD})


class Basis(Part):
    """What a step rests on; it holds while its condition is true on `on` under the marks known now (ladder.md, Basis).
    `holding`: which `values` had leaves that were true: what a letter may quote. `school_id`: whose register it was.
    """

    evaluation_id: EvaluationId | None = None
    digest: str = ""
    fired: tuple[str, ...] = ()
    on: date | None = None
    known_at: datetime | None = None
    values: dict[str, int | None] = Field(default_factory=dict)
    holding: tuple[str, ...] = ()
    sentence: str = ""
    kept: bool = False
    school_id: SchoolId | None = None


class Proposal(Part):
    """The next step, waiting for a person. `id` is the optimistic lock between two of them."""

    id: ProposalId
    kind: ProposalKind = ProposalKind.STEP
    stage_key: str | None = None
    approver: Approval = Approval.STAFF
    basis: Basis = Basis()
    opened_at: datetime | None = None
    due: date | None = None
    remind_at: tuple[datetime, ...] = ()
    reminded: int = 0
    note: str = ""


class Draft(Part):
    """A proposal to be opened; its id is given when the activity that opens it is first tried."""

    kind: ProposalKind = ProposalKind.STEP
    basis: Basis = Basis()
    note: str = ""
    id: ProposalId | None = None


class Hold(Part):
    """Why the case pauses, until when, and where it goes on; `paused` = by facts, and only while they last."""

    kind: HoldKind = HoldKind.STAFF
    until: date | None = None
    until_at: datetime | None = None
    reason: str = ""
    back_to: Phase = Phase.EVALUATING
    query: bool = False
    sentence: str = ""
    paused: bool = False
    remind_at: datetime | None = None


class Pause(Part):
    """One fact that holds the case: an exemption of scope hold, or an accepted reason that the register does not show
    yet. `until` = the first day on which the case goes on by itself.
    """

    id: UUID
    kind: PauseKind
    until: date | None = None


class Close(Part):
    """The case must end: first everything pending is cancelled, then the phase is CLOSED."""

    status: Status = Status.STOPPED
    reason: StopReason | None = None
    by: Command | None = None
    facts: dict[str, Fact] = Field(default_factory=dict)


class AfterEffects(Part):
    """A hold or stop said while effects were running: carried out when they are done."""

    hold: Hold | None = None
    stop: Close | None = None


class Recipient(Part):
    """One entitled guardian's letter: planned, then issued, then delivered."""

    guardian_id: GuardianId
    channel: str = ""
    language: str = ""
    artifact_id: ArtifactId | None = None
    state: DeliveryState | None = None
    effective_day: date | None = None


class Act(Part):
    """How far the present rung's effects have come: each finished effect is remembered, so a resumed act goes on
    where it was.
    """

    cleared: bool = False
    planned: bool = False
    recipients: tuple[Recipient, ...] = ()
    basis: Basis = Basis()
    asked: bool = False
    escalated: bool = False
    reached_on: date | None = None
    agreed: UUID | None = None
    agreed_on: date | None = None
    referred: tuple[Referred, ...] = ()


class MeetingState(Part):
    """The present rung's meeting."""

    id: MeetingId
    status: MeetingStatus = MeetingStatus.PROPOSED
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    book_by: datetime | None = None
    invited: bool = False
    invitation_delivered: bool = False
    no_shows: int = 0
    awaiting_decision: bool = False
    outcome_task: bool = False


class Step(Part):
    """One rung behind us; what a rescission goes back through. `plan_id`: it counts from the day that plan is agreed,
    and no talk in between stands for it. `referrals`: it counts from the day the last of them is sent.
    """

    stage_key: str
    result: StepResult = StepResult.TAKEN
    basis: Basis = Basis()
    effective_day: date | None = None
    reached: bool = False
    contact_by: datetime | None = None
    meeting_id: MeetingId | None = None
    deliveries: tuple[Recipient, ...] = ()
    noted: bool = False
    plan_id: UUID | None = None
    referrals: tuple[Referred, ...] = ()

    @property
    def on_record(self) -> bool:
        """Whether it counts by what is recorded of a plan or of referrals, not by a talk or a letter."""
        return self.plan_id is not None or bool(self.referrals)

    @property
    def done(self) -> bool:
        """Whether every letter has come to its end and somebody was reached (ladder.md, A stage)."""
        return self.settled and self.reached

    @property
    def settled(self) -> bool:
        """Whether every recipient's letter has come to an end."""
        return all(r.state is not DeliveryState.AWAITING_POST for r in self.deliveries)

    @property
    def artifacts(self) -> tuple[ArtifactId, ...]:
        """The letters that this step stored."""
        return tuple(r.artifact_id for r in self.deliveries if r.artifact_id)


class ExitState(Part):
    """The recommendation to leave, and how long a rejected one keeps silent."""

    stop_key: str | None = None
    muted_key: str | None = None
    muted_until: datetime | None = None
    tell_family: bool = False


class FollowUp(Part):
    """The weekly checks: `assessed` of `weeks` counted so far, `checked` school weeks in all, `through` the last
    one's Sunday.
    """

    weeks: int = 6
    most_weeks: int = 10
    started_at: datetime | None = None
    assessed: int = 0
    checked: int = 0
    through: date | None = None
    through_first: date | None = None
    week_first: date | None = None
    week_last: date | None = None
    check_at: datetime | None = None
    look_again: bool = False


class Parked(Part):
    """An effect that exhausted its retries, or a family nobody reached."""

    why: NeedsStaff = NeedsStaff.EFFECT_FAILED
    effect: str = ""
    key: str = ""
    error: str = ""
    back_to: Phase = Phase.ACTING


class Transfer(Part):
    """The student went to another school of the tenant: `back_to`, `redo` and `hold` are what the case goes on with."""

    to_school_id: SchoolId
    begun: bool = False
    back_to: Phase = Phase.WAITING
    redo: Draft | None = None
    hold: Hold | None = None
    decide_at: datetime | None = None
    choice: TransferChoice | None = None
    by: Command | None = None


class StopFound(Part):
    """A stop condition that `decide` or the preflight found true."""

    key: str
    then: StopThen
    reason: StopReason = StopReason.STOP_CONDITION
    sentence: str = ""


class Decision(Part):
    """What `decide` answers: the action, its row, and which stop conditions are true whatever the action."""

    action: Action = Action.WAIT
    basis: Basis = Basis()
    stop: StopFound | None = None
    to: str | None = None
    true_stops: tuple[str, ...] = ()
    pauses: tuple[Pause, ...] = ()


class BasisCheck(Part):
    """One basis looked at again under the marks known now; an unknown condition does not hold. None = not looked at."""

    holds: bool | None = None
    before: dict[str, int | None] = Field(default_factory=dict)
    after: dict[str, int | None] = Field(default_factory=dict)
    sentence: str = ""
    today: str = ""


class Verdict(Part):
    """What the look just before acting found."""

    basis: BasisCheck = BasisCheck()
    stop: StopFound | None = None
    contact_stop: bool = False
    entitled: int = 0
    sending: bool = True
    pauses: tuple[Pause, ...] = ()


class State(Part):
    """Everything one walk knows. Transitions return a new one; the workflow holds the latest.

    `changes` are those of `words.Change` that this run of the case goes by: all of them, unless it began before.
    `passed` are the facts that staff resumed over; `passing` = the facts of the next look are such. `school_id` leads
    the case once it has moved; `support_only` = contact and plan, no letters. `year_end` = the end that nears,
    `new_year` = the latest year into which the case was taken.
    """

    status: Status = Status.STARTING
    phase: Phase = Phase.EVALUATING
    ladder: LadderSnapshot = LadderSnapshot()
    index: int = -1
    revision: int = 0
    turn: int = 0
    draft: Draft | None = None
    proposal: Proposal | None = None
    hold: Hold | None = None
    after_effects: AfterEffects = AfterEffects()
    undo_until: datetime | None = None
    sending_retry_at: datetime | None = None
    sending_tries: int = 0
    act: Act = Act()
    steps: tuple[Step, ...] = ()
    wait_due: bool = False
    wait_from: date | None = None
    advance_at: datetime | None = None
    decide_at: datetime | None = None
    due: date | None = None
    ended: bool = False
    task_at: datetime | None = None
    meeting: MeetingState | None = None
    reschedules: int = 0
    meeting_before: MeetingId | None = None
    outcome: RecordMeetingOutcome | None = None
    cancelling: MeetingId | None = None
    bounced: tuple[GuardianId, ...] = ()
    rescinding: Command | None = None
    exit: ExitState = ExitState()
    follow_up: FollowUp | None = None
    contact_stop: bool = False
    passing: bool = False
    passed: tuple[UUID, ...] = ()
    parked: Parked | None = None
    transfer: Transfer | None = None
    school_id: SchoolId | None = None
    support_only: bool = False
    year_end: YearEnd | None = None
    new_year: NewYear | None = None
    closing: Close | None = None
    stop_reason: StopReason | None = None
    check_due: bool = False
    decide_due: bool = False
    evaluation_id: EvaluationId | None = None
    last_seq: int = -1
    effects: int = 0
    keys: dict[str, str] = Field(default_factory=dict)
    given_up: tuple[str, ...] = ()
    runs: int = 0
    unreported: tuple[LadderEvent, ...] = ()
    commands: tuple[str, ...] = ()
    changes: tuple[str, ...] = tuple(Change)

    @property
    def stage(self) -> Stage | None:
        """The rung the case stands on, or None before the first."""
        return self.ladder.at(self.index)

    @property
    def stage_key(self) -> str | None:
        """Key of that rung."""
        return self.stage.key if self.stage else None

    @property
    def last_step(self) -> Step | None:
        """The last rung that was taken or skipped: what the wait and "since the step" count from."""
        behind = {StepResult.TAKEN, StepResult.SKIPPED}
        return next((step for step in reversed(self.steps) if step.result in behind), None)

    @property
    def previous_reached(self) -> bool:
        """Whether the last taken step reached somebody; a first step has no predecessor."""
        taken = next((step for step in reversed(self.steps) if step.result is StepResult.TAKEN), None)
        return taken is None or taken.reached

    def may_advance(self, now: datetime) -> bool:
        """Whether the wait is over and every letter of the last step has come to its end."""
        step = self.last_step
        if step is None:
            return True
        return step.settled and self.advance_at is not None and now >= self.advance_at

    def seen(self, command_id: str) -> bool:
        """Whether this command was already carried out (the server itself remembers only within one run)."""
        return command_id in self.commands

    def noting(self, event_type: EventType, at: datetime, by: Command | None = None, /, **facts: Fact) -> "State":
        """The same state with one more fact to report."""
        who = by.who() if by else None
        event = LadderEvent(type=event_type, at=at, stage_key=self.stage_key, by=who, facts=facts)
        return self.but(unreported=(*self.unreported, event))

    def remembering(self, command_id: str) -> "State":
        """The same state knowing this command id, the oldest forgotten."""
        return self.but(commands=(*self.commands, command_id)[-COMMANDS_REMEMBERED:])

    def moved(self, phase: Phase, **changes: Any) -> "State":
        """In another phase: whatever a running step still finds out belongs to the past (`turn`)."""
        return self.but(phase=phase, turn=self.turn + 1, **changes)

    def reported(self, count: int) -> "State":
        """Without the facts that the projection now holds."""
        return self.but(unreported=self.unreported[count:])
