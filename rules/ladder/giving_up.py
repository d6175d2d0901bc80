"""Going on without an effect: what the case does when staff give up an effect that would not succeed."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from rules.ladder import follow_up, pausing, steps
from rules.ladder.acting import monthly_task_opened
from rules.ladder.commands import DeliveryState
from rules.ladder.state import Close, Decision, Draft, ExitState, State, Step
from rules.ladder.transitions import STANDS_STILL, basis_of, decided, leaving, reminded
from rules.ladder.words import Phase, ProposalKind, Status, StepResult

EACH_RECIPIENT = ("issue_letter/", "deliver_letter/")


def again(state: State, step: steps.Next) -> State:
    """The step did not finish: what woke it is still to be looked at."""
    match step:
        case steps.Decide():
            parked = state.parked is not None and state.parked.effect == steps.ASKING
            return state.but(decide_due=parked or state.phase not in STANDS_STILL)
        case steps.CheckBasis():
            return state.but(check_due=True)
        case _:
            return state


def without(state: State, step: steps.Next, effect: str, now: datetime) -> State:
    """The state as if the step were done without its effect; never an act that was not looked at just before."""
    state = state.but(given_up=tuple(name for name in state.given_up if name != effect))
    if effect.startswith(EACH_RECIPIENT):
        return _recipient_given_up(state, effect.partition("/")[2])
    return WITHOUT[type(step)](state, now)


def _recipient_given_up(state: State, guardian: str) -> State:
    recipients = tuple(
        r.but(state=DeliveryState.GIVEN_UP) if str(r.guardian_id) == guardian else r for r in state.act.recipients
    )
    return state.but(act=state.act.but(recipients=recipients))


def rung_left_out(state: State, now: datetime) -> State:
    """The rung is skipped and the same wait begins."""
    basis = basis_of(state)
    state = leaving(state, now)
    left = Step(stage_key=state.stage_key or "", result=StepResult.SKIPPED, basis=basis)
    behind = (*state.steps, left) if state.stage_key else state.steps
    return state.moved(Phase.WAITING, steps=behind, wait_due=True, wait_from=None, undo_until=None, hold=None)


def _propose(state: State, now: datetime) -> State:
    draft = state.draft
    if draft is None or draft.kind is ProposalKind.STEP:
        return rung_left_out(state, now)
    return state.but(draft=None)


def _wait(state: State, now: datetime) -> State:
    return state.but(wait_due=False, advance_at=now, decide_at=None, task_at=None)


def _open_hold(state: State, _now: datetime) -> State:
    assert state.hold is not None
    return state.but(hold=state.hold.but(until=None))


def _uninvited(state: State, _now: datetime) -> State:
    assert state.meeting is not None
    return state.but(meeting=state.meeting.but(invited=True, invitation_delivered=False))


def _outcome_asked(state: State, _now: datetime) -> State:
    assert state.meeting is not None
    return state.but(meeting=state.meeting.but(outcome_task=True))


def _no_more_weeks(state: State, _now: datetime) -> State:
    assert state.follow_up is not None
    draft = Draft(kind=ProposalKind.INCONCLUSIVE, note="No further school week could be found.")
    return state.but(follow_up=state.follow_up.but(checked=state.follow_up.most_weeks), draft=draft)


def _week_unknown(state: State, now: datetime) -> State:
    return follow_up.week_checked(state, follow_up.WeekFinding(), now)


WITHOUT: Mapping[type[Any], Callable[[State, datetime], State]] = {
    steps.Decide: lambda state, now: decided(state, Decision(), now, may_advance=False),
    steps.CheckBasis: lambda state, _: state.but(check_due=False),
    steps.Propose: _propose,
    steps.Remind: reminded,
    steps.Preflight: rung_left_out,
    steps.TakeStep: rung_left_out,
    steps.ResolveWait: _wait,
    steps.MonthlyTask: lambda state, _: monthly_task_opened(state),
    steps.ResolveHold: _open_hold,
    steps.RemindToAmend: pausing.reminded,
    steps.Rescind: lambda state, _: state.but(rescinding=None),
    steps.CancelMeeting: lambda state, _: state.but(cancelling=None),
    steps.Invite: _uninvited,
    steps.ResolveBooking: rung_left_out,
    steps.AskOutcome: _outcome_asked,
    steps.ApplyOutcome: lambda state, _: state.but(outcome=None),
    steps.TellBounce: lambda state, _: state.but(bounced=()),
    steps.MuteExit: lambda state, _: state.but(exit=ExitState()),
    steps.TellFamily: lambda state, _: state.but(exit=state.exit.but(tell_family=False)),
    steps.NextWeek: _no_more_weeks,
    steps.CheckWeek: _week_unknown,
    steps.Complete: lambda state, _: state.but(closing=Close(status=Status.COMPLETED)),
}
