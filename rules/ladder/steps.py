"""What a case does next: a pure reading of its state, so that the workflow's loop is only a list of named steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from rules.ladder.follow_up import complete
from rules.ladder.state import MeetingState, State
from rules.ladder.transfers import BeginTransfer, OfTransfer, expected, next_of_transfer
from rules.ladder.words import Change, HoldKind, Phase
from rules.ladder.year_ends import OfYearEnd, begins_at, next_of_year_end
from rules.meetings.outcomes import MeetingStatus

ASKING = "decide"
"""The effect by which the rules are asked."""


@dataclass(frozen=True)
class Report:
    """Project the state and its new facts."""


@dataclass(frozen=True)
class CloseCase:
    """Cancel what is pending and close."""


@dataclass(frozen=True)
class Decide:
    """Ask the rules."""

    may_advance: bool


@dataclass(frozen=True)
class CheckBasis:
    """Look again at what the pending and the last step rest on."""


@dataclass(frozen=True)
class Propose:
    """Open the drafted proposal."""


@dataclass(frozen=True)
class Remind:
    """Remind the assignee, then the leader, of a pending proposal."""


@dataclass(frozen=True)
class Preflight:
    """Look at everything once more just before acting."""


@dataclass(frozen=True)
class TakeStep:
    """Run the rung's effects."""


@dataclass(frozen=True)
class CarryOutAfterEffects:
    """A hold or stop that was said while effects were running."""


@dataclass(frozen=True)
class ResolveWait:
    """Turn school days of waiting into an instant."""


@dataclass(frozen=True)
class MissContact:
    """The time to make contact is over and nobody was reached."""


@dataclass(frozen=True)
class MonthlyTask:
    """The ladder is at its end: ask staff once a month what to do."""


@dataclass(frozen=True)
class ResolveHold:
    """Turn a hold's local date into an instant."""


@dataclass(frozen=True)
class EndHold:
    """The hold's date has come."""


@dataclass(frozen=True)
class RemindToAmend:
    """The register does not show an accepted reason yet: ask again."""


@dataclass(frozen=True)
class Rescind:
    """Take back the steps whose basis is gone, tell everybody who got them once."""


@dataclass(frozen=True)
class CancelMeeting:
    """Cancel a meeting that the case has left behind."""


@dataclass(frozen=True)
class Invite:
    """Invite each attendee to the booked meeting."""


@dataclass(frozen=True)
class ResolveBooking:
    """Give the booking a new last day."""


@dataclass(frozen=True)
class MissBooking:
    """Not booked in time: propose to extend, skip or escalate."""


@dataclass(frozen=True)
class AskOutcome:
    """The meeting's time is over: ask for the outcome."""


@dataclass(frozen=True)
class ApplyOutcome:
    """Carry out what the meeting decided."""


@dataclass(frozen=True)
class TellBounce:
    """A letter that had reached the family came back: open a task; the ladder does not move."""


@dataclass(frozen=True)
class MuteExit:
    """Turn a rejected exit's silence into an instant."""


@dataclass(frozen=True)
class TellFamily:
    """Tell the family of the exit: a warm letter."""


@dataclass(frozen=True)
class NextWeek:
    """Find the next school week of the follow-up."""


@dataclass(frozen=True)
class CheckWeek:
    """Check one school week of the follow-up; `again` after a correction."""

    again: bool = False


@dataclass(frozen=True)
class Complete:
    """A clean follow-up: figures before and after, then COMPLETED."""


@dataclass(frozen=True)
class Idle:
    """Nothing to do until `until` or the next message."""

    until: datetime | None = None
    why: str = "next message"


Next = (
    Report
    | CloseCase
    | Decide
    | CheckBasis
    | Propose
    | Remind
    | Preflight
    | TakeStep
    | CarryOutAfterEffects
    | ResolveWait
    | MissContact
    | MonthlyTask
    | ResolveHold
    | EndHold
    | RemindToAmend
    | Rescind
    | CancelMeeting
    | Invite
    | ResolveBooking
    | MissBooking
    | AskOutcome
    | ApplyOutcome
    | TellBounce
    | MuteExit
    | TellFamily
    | NextWeek
    | CheckWeek
    | Complete
    | OfTransfer
    | OfYearEnd
    | Idle
)


def next_step(state: State, now: datetime) -> Next:
    """The one thing to do now. Facts are reported before anything else happens."""
    if state.unreported:
        return Report()
    if state.closing:
        return CloseCase()
    if expected(state):
        return BeginTransfer()
    aside = _beside_the_ladder(state) if state.phase is not Phase.NEEDS_STAFF else None
    return aside or next_of_year_end(state, now) or _by_phase(state, now)


def _by_phase(state: State, now: datetime) -> Next:
    """What the phase asks for; whatever a case waits for, it wakes when the school year ends."""
    step, at = BY_PHASE[state.phase](state, now), begins_at(state, now)
    if isinstance(step, Idle) and at and (step.until is None or at < step.until):
        return Idle(at, "the new school year")
    return step


def _beside_the_ladder(state: State) -> Next | None:
    if state.cancelling:
        return CancelMeeting()
    if state.bounced:
        return TellBounce()
    if state.exit.muted_key and state.exit.muted_until is None:
        return MuteExit()
    return None


def due_at(state: State, now: datetime) -> datetime | None:
    """When the case will do something by itself, if nobody tells it anything before; a look that is still to be taken
    changes nothing of that by itself.
    """
    plan = state.follow_up.but(look_again=False) if state.follow_up else None
    step = next_step(state.but(unreported=(), check_due=False, decide_due=False, follow_up=plan), now)
    return step.until if isinstance(step, Idle) else None


def _evaluating(state: State, now: datetime) -> Next:
    return Propose() if state.draft else Decide(may_advance=state.may_advance(now))


def _awaiting(state: State, now: datetime) -> Next:
    rechecked = _rechecked(state)
    if rechecked:
        return rechecked
    return _reminded(state, now, "approval")


def _rechecked(state: State) -> Next | None:
    if state.check_due:
        return CheckBasis()
    return Decide(may_advance=False) if state.decide_due else None


def _acting(state: State, now: datetime) -> Next:
    if state.undo_until and now < state.undo_until:
        return Idle(state.undo_until, "undo")
    if not state.act.cleared:
        if state.after_effects.stop or state.after_effects.hold:
            return CarryOutAfterEffects()
        if state.sending_retry_at and now < state.sending_retry_at:
            return Idle(state.sending_retry_at, "sending is paused")
        return Preflight()
    return TakeStep()


def _waiting(state: State, now: datetime) -> Next:
    step = state.last_step
    if state.after_effects.stop or state.after_effects.hold:
        return CarryOutAfterEffects()
    if state.wait_due:
        return ResolveWait()
    if state.check_due:
        return CheckBasis()
    if state.decide_due or (state.decide_at and now >= state.decide_at):
        return Decide(may_advance=state.may_advance(now))
    if step and step.contact_by and not step.reached:
        return MissContact() if now >= step.contact_by else Idle(step.contact_by, "contact")
    if state.task_at:
        return MonthlyTask() if now >= state.task_at else Idle(state.task_at, "monthly look at the ladder's end")
    return Idle(state.decide_at, "wait before the next step" if state.decide_at else "new attendance")


def _on_hold(state: State, now: datetime) -> Next:
    hold = state.hold
    assert hold is not None
    if state.rescinding:
        return Rescind()
    if state.check_due and hold.kind in {HoldKind.BASIS, HoldKind.STAFF}:
        return CheckBasis()
    if _fact_due(state):
        return Decide(may_advance=False)
    if hold.until and hold.until_at is None:
        return ResolveHold()
    if hold.until_at and now >= hold.until_at:
        return EndHold()
    if hold.remind_at and now >= hold.remind_at:
        return RemindToAmend()
    return Idle(min(filter(None, (hold.until_at, hold.remind_at)), default=None), "hold")


def _meeting(state: State, now: datetime) -> Next:
    if state.after_effects.stop or state.after_effects.hold:
        return CarryOutAfterEffects()
    if state.rescinding:
        return Rescind()
    if state.outcome:
        return ApplyOutcome()
    return _rechecked(state) or _meeting_time(state.meeting, now)


def _meeting_time(meeting: MeetingState | None, now: datetime) -> Next:
    assert meeting is not None
    if meeting.status is MeetingStatus.PROPOSED:
        if meeting.book_by is None:
            return ResolveBooking()
        return MissBooking() if now >= meeting.book_by else Idle(meeting.book_by, "booking")
    if not meeting.invited:
        return Invite()
    if meeting.awaiting_decision or meeting.outcome_task or meeting.ends_at is None:
        return Idle(None, "meeting outcome")
    return AskOutcome() if now >= meeting.ends_at else Idle(meeting.ends_at, "meeting")


def _fact_due(state: State) -> bool:
    """Whether the rules are asked where the ladder stands still: only what a person has entered may act there."""
    asking_failed = state.parked is not None and state.parked.effect == ASKING
    return state.decide_due and not asking_failed and Change.FACTS_IN_EVERY_PHASE in state.changes


def _exit_review(state: State, now: datetime) -> Next:
    if state.draft:
        return Propose()
    return _looked_again(state) or _reminded(state, now, "exit review")


def _looked_again(state: State) -> Next | None:
    if state.check_due:
        return CheckBasis()
    return Decide(may_advance=False) if _fact_due(state) else None


def _reminded(state: State, now: datetime, why: str) -> Next:
    proposal = state.proposal
    if proposal and proposal.reminded < len(proposal.remind_at):
        at = proposal.remind_at[proposal.reminded]
        return Remind() if now >= at else Idle(at, "reminder")
    return Idle(None, why)


def _follow_up(state: State, now: datetime) -> Next:
    plan = state.follow_up
    assert plan is not None
    if state.exit.tell_family:
        return TellFamily()
    if state.draft:
        return Propose()
    if _fact_due(state):
        return Decide(may_advance=False)
    if plan.look_again and plan.through:
        return CheckWeek(again=True)
    if complete(plan) and state.proposal is None:
        return Complete()
    if complete(plan) or plan.checked >= plan.most_weeks:
        return _reminded(state, now, "decision on the follow-up")
    if plan.check_at is None:
        return NextWeek()
    return CheckWeek() if now >= plan.check_at else Idle(plan.check_at, "follow-up week")


def _needs_staff(state: State, _now: datetime) -> Next:
    if state.after_effects.stop:
        return CarryOutAfterEffects()
    return Decide(may_advance=False) if _fact_due(state) else Idle(None, "staff")


def _transfer_pending(state: State, now: datetime) -> Next:
    waits = Idle(state.transfer.decide_at if state.transfer else None, "choice of the receiving school")
    return next_of_transfer(state, now) or _looked_again(state) or waits


BY_PHASE: Mapping[Phase, Callable[[State, datetime], Next]] = {
    Phase.EVALUATING: _evaluating,
    Phase.AWAITING_APPROVAL: _awaiting,
    Phase.ON_HOLD: _on_hold,
    Phase.ACTING: _acting,
    Phase.WAITING: _waiting,
    Phase.MEETING: _meeting,
    Phase.EXIT_REVIEW: _exit_review,
    Phase.FOLLOW_UP: _follow_up,
    Phase.NEEDS_STAFF: _needs_staff,
    Phase.TRANSFER_PENDING: _transfer_pending,
    Phase.CLOSED: lambda _state, _now: Idle(None, "next message"),
}
