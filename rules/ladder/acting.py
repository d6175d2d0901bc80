"""What acting and waiting do to the state: the look just before, the step taken, nobody reached, the wait resolved."""

from datetime import date, datetime, timedelta
from uuid import UUID

from rules.ladder.commands import DeliveryState
from rules.ladder.events import EventType
from rules.ladder.pausing import paused
from rules.ladder.stages import StageType
from rules.ladder.state import REACHED, AfterEffects, Parked, Recipient, State, Step, Verdict
from rules.ladder.steps import ASKING
from rules.ladder.transitions import STANDS_STILL, after_hold, basis_lost, basis_of, contact_stopped, stop_found
from rules.ladder.words import Change, NeedsStaff, Phase, StepResult

FIRST_SENDING_WAIT = timedelta(minutes=10)
FAMILY_FACING = frozenset({StageType.CONTACT, StageType.LETTER, StageType.MEETING, StageType.NOTICE})
LONGEST_SENDING_WAIT = timedelta(hours=1)


def cleared(state: State, verdict: Verdict, now: datetime) -> State:
    """The look just before acting: each check may end, hold or delay the act; otherwise effects may start."""
    if verdict.basis.holds is False and not basis_of(state).kept:
        return basis_lost(state, verdict.basis, now)
    if verdict.stop and state.exit.muted_key != verdict.stop.key:
        return stop_found(state, verdict.stop, now)
    before, state = state, paused(state, verdict.pauses, now)
    if state.phase is not before.phase:
        return state
    if verdict.contact_stop:
        return contact_stopped(state.but(contact_stop=True))
    if not verdict.sending:
        wait = min(FIRST_SENDING_WAIT * 2**state.sending_tries, LONGEST_SENDING_WAIT)
        return state.but(sending_retry_at=now + wait, sending_tries=min(state.sending_tries + 1, 3))
    if verdict.entitled == 0 and state.stage and state.stage.type in FAMILY_FACING:
        return step_taken(state.but(proposal=None, undo_until=None), Step(stage_key=state.stage.key), now)
    proposal = state.proposal
    basis = proposal.basis if proposal else state.act.basis
    act = state.act.but(cleared=True, basis=basis)
    return state.but(act=act, proposal=None, undo_until=None, sending_retry_at=None, sending_tries=0)


def written(state: State, sent: tuple[Recipient, ...]) -> Step:
    """A rung of letters: it counts from the first that reached somebody; a notice from the last, so that nobody has
    less time than it says.
    """
    days = [r.effective_day for r in sent if r.state in REACHED and r.effective_day]
    counted = (max if _notice(state) else min)(days, default=None)
    return Step(stage_key=state.stage_key or "", deliveries=sent, reached=bool(days), effective_day=counted)


def _notice(state: State) -> bool:
    return state.stage is not None and state.stage.type is StageType.NOTICE


def step_taken(state: State, step: Step, now: datetime) -> State:
    """The rung's effects are done: the wait starts at its effective day, or a person must reach the family first."""
    if step.plan_id and step.plan_id == state.act.agreed:
        step = step.but(reached=True, effective_day=state.act.agreed_on)
    elif not step.reached and state.act.reached_on and not step.on_record and not _notice(state):
        step = step.but(reached=True, effective_day=state.act.reached_on, contact_by=None)
    state = state.but(steps=(*state.steps, step.but(basis=state.act.basis)), wait_from=step.effective_day)
    state = noted_when_done(state, now, begun=True).moved(Phase.WAITING)
    pending = not step.settled or step.contact_by is not None or step.on_record
    if not step.reached and not pending:
        return not_reached(state, now)
    return state.but(wait_due=step.effective_day is not None)


def noted_when_done(state: State, now: datetime, *, begun: bool = False) -> State:
    """STEP_TAKEN once, when every letter of the step has come to its end and somebody was reached.

    Before DONE_WHEN_IT_ARRIVED it was noted as soon as the effects had begun.
    """
    step = state.last_step
    if Change.DONE_WHEN_IT_ARRIVED not in state.changes:
        return state.noting(EventType.STEP_TAKEN, now, reached=bool(step and step.reached)) if begun else state
    if step is None or not step.done or step.noted or step.result is not StepResult.TAKEN:
        return state
    return with_step(state, step.but(noted=True)).noting(EventType.STEP_TAKEN, now, reached=True)


def with_recipient(state: State, recipient: Recipient) -> State:
    """The same with one recipient's letter further on."""
    people = (recipient if r.guardian_id == recipient.guardian_id else r for r in state.act.recipients)
    return state.but(act=state.act.but(recipients=tuple(people)))


def letter_delivered(state: State, recipient: Recipient, reason: str, now: datetime) -> State:
    """One letter has left, waits for the post, or could not go."""
    there = recipient.state
    assert there is not None
    kind = EventType.LETTER_SENT if there in REACHED else EventType.LETTER_NOT_DELIVERED
    kind = EventType.LETTER_TO_POST if there is DeliveryState.AWAITING_POST else kind
    facts = {"guardian_id": str(recipient.guardian_id), "artifact_id": str(recipient.artifact_id)}
    return with_recipient(state, recipient).noting(kind, now, None, **facts, state=there.value, reason=reason)


def not_reached(state: State, now: datetime) -> State:
    """Nobody was reached: the ladder does not go on by itself."""
    parked = Parked(why=NeedsStaff.FAMILY_NOT_REACHED, back_to=Phase.WAITING)
    return state.noting(EventType.FAMILY_NOT_REACHED, now).moved(Phase.NEEDS_STAFF, parked=parked)


def reached(state: State, day: date, now: datetime) -> State:
    """Somebody of the family was reached: the last step counts from the first such day."""
    step = state.last_step
    if step is None or step.stage_key != state.stage_key or step.result is not StepResult.TAKEN:
        return state.but(act=state.act.but(reached_on=state.act.reached_on or day))
    if step.reached or step.on_record or _notice(state):
        return state
    return counts_from(state, step, day, now)


def arrived(state: State, day: date, now: datetime) -> State:
    """A letter reached somebody. A notice that another guardian gets later runs from then on."""
    step = state.last_step
    if step is None or step.stage_key != state.stage_key or not _notice(state):
        return reached(state, day, now)
    before = step.effective_day
    return state if before and day <= before else counts_from(state, step, day, now)


def plan_agreed(state: State, plan_id: UUID, day: date, now: datetime) -> State:
    """The plan that the last step asked for is agreed: the step counts from that day. One of a meeting moves none."""
    step = state.last_step
    if step is not None and step.plan_id == plan_id and step.result is StepResult.TAKEN:
        return state if step.reached else counts_from(state, step, day, now)
    return state.but(act=state.act.but(agreed=plan_id, agreed_on=day)) if state.phase is Phase.ACTING else state


def counts_from(state: State, step: Step, day: date, now: datetime) -> State:
    """The last step has reached somebody, and its wait begins on a day."""
    state = with_step(state, step.but(reached=True, effective_day=day, contact_by=None))
    state = noted_when_done(state.but(wait_due=True, wait_from=day), now)
    if state.parked and state.parked.why is NeedsStaff.FAMILY_NOT_REACHED:
        return state.moved(Phase.WAITING, parked=None)
    return state


def with_step(state: State, changed: Step) -> State:
    """The same with its last step of that rung replaced."""
    at = max(i for i, step in enumerate(state.steps) if step.stage_key == changed.stage_key)
    return state.but(steps=(*state.steps[:at], changed, *state.steps[at + 1 :]))


def parked(state: State, effect: str, error: str, now: datetime) -> State:
    """An effect exhausted its retries: parked for a person, with its key kept; the case never fails. Asking the rules
    where the ladder stands still anyhow is no reason to park it.
    """
    if effect == ASKING and state.phase in STANDS_STILL:
        return state.noting(EventType.NEEDS_STAFF, now, effect=effect, error=error)
    park = Parked(effect=effect, key=state.keys.get(effect, ""), error=error, back_to=state.phase)
    return state.noting(EventType.NEEDS_STAFF, now, effect=effect, error=error).moved(Phase.NEEDS_STAFF, parked=park)


def after_effects(state: State) -> State:
    """The hold or stop that was said while effects were running."""
    said = state.after_effects
    state = state.but(after_effects=AfterEffects())
    if said.stop:
        return state.but(closing=said.stop)
    assert said.hold is not None
    return state.moved(Phase.ON_HOLD, hold=said.hold.but(back_to=after_hold(state)), undo_until=None)


def wait_resolved(state: State, day: date, counted_from: date, at: datetime, now: datetime) -> State:
    """The wait ends at an instant; at the ladder's end it is the next monthly look."""
    state = state.but(wait_due=False)
    if state.ended:
        return state.but(task_at=at, due=day)
    step = state.last_step
    if step and step.effective_day is None:
        state = with_step(state, step.but(effective_day=counted_from))
    state = state.but(advance_at=at, decide_at=at, due=day)
    if _notice(state) and state.stage:
        weeks = state.stage.period_school_weeks
        state = state.noting(EventType.NOTICE_RUNS, now, until=day.isoformat(), weeks=weeks)
    return state.noting(EventType.WAIT_STARTED, now, until=day.isoformat())


def monthly_task_opened(state: State) -> State:
    """Asked; the next look is a month on."""
    return state.but(task_at=None, wait_due=True)
