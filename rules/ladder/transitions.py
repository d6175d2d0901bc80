"""What the results of a case's steps do to its state; people's verbs are in `decisions`, machines' facts in `facts`."""

from datetime import datetime

from rules.ids import EvaluationId
from rules.ladder.events import EventType, Fact
from rules.ladder.last_year import quiet, rests_on_last_year
from rules.ladder.pausing import paused
from rules.ladder.stages import StageType
from rules.ladder.state import (
    Act,
    Basis,
    BasisCheck,
    Close,
    Decision,
    Draft,
    ExitState,
    Hold,
    Proposal,
    State,
    Step,
    StopFound,
)
from rules.ladder.words import (
    Action,
    Change,
    HoldKind,
    Phase,
    ProposalKind,
    Status,
    StepResult,
    StopReason,
    StopThen,
)

HARD = frozenset({StageType.ESCALATION, StageType.REFERRAL})
SUPPORTIVE = frozenset({StageType.CONTACT, StageType.PLAN})
STANDS_STILL = frozenset({Phase.ON_HOLD, Phase.NEEDS_STAFF, Phase.EXIT_REVIEW, Phase.FOLLOW_UP, Phase.TRANSFER_PENDING})


def opened(state: State, evaluation_id: EvaluationId | None, now: datetime) -> State:
    """The workflow reports for the first time."""
    state = state.but(status=Status.ACTIVE, evaluation_id=evaluation_id or state.evaluation_id)
    return state.noting(EventType.INSTANCE_OPENED, now, rule_set=state.ladder.rule_set_key)


def decided(state: State, decision: Decision, now: datetime, *, may_advance: bool) -> State:
    """One answer of the rules: at most one rung, never from an unknown, never when the engines differ."""
    passed = state.decide_at is not None and now >= state.decide_at
    state = unmuted(state.but(decide_due=False, decide_at=None if passed else state.decide_at), decision.true_stops)
    looked = state if _ends(decision) else paused(state, decision.pauses, now)
    if looked.phase is not state.phase:
        return looked
    return _taken(looked, decision, now, may_advance=may_advance)


def _taken(state: State, decision: Decision, now: datetime, *, may_advance: bool) -> State:
    at_the_end = may_advance and not state.ended and state.index + 1 >= len(state.ladder.stages)
    if state.phase in STANDS_STILL:
        return fact_found(state, decision)
    match decision.action:
        case Action.ENGINES_DIFFER:
            return engines_differ(state, decision, now)
        case _ if quiet(state, now):
            return _too_early(state, decision)
        case Action.STOP if decision.stop:
            return stop_found(state, decision.stop, now, decision.basis)
        case Action.ESCALATE if _ahead(state, decision.to) and not state.support_only:
            return jumped(state, decision.to or "", decision.basis, now)
        case Action.ADVANCE if may_advance and not at_the_end and not state.ended:
            return entered(state, state.index + 1, decision.basis, now)
        case _ if at_the_end:
            return ladder_ended(state, now)
        case _:
            return _resting(state)


def fact_found(state: State, decision: Decision) -> State:
    """Where the ladder stands still only a fact that a person has entered acts: it ends the case."""
    if decision.stop and _ends(decision):
        return state.but(closing=Close(reason=decision.stop.reason))
    return state


def _too_early(state: State, decision: Decision) -> State:
    """In the first days of a school year only an entered fact acts; the rules are asked again when they are over."""
    year = state.new_year
    assert year is not None
    state = fact_found(_resting(state), decision)
    return state.but(decide_at=state.decide_at or year.quiet_until)


def _ends(decision: Decision) -> bool:
    stop = decision.stop
    return decision.action is Action.STOP and stop is not None and stop.then is StopThen.STOPPED


def _ahead(state: State, key: str | None) -> bool:
    index = state.ladder.index_of(key) if key else None
    return index is not None and index > state.index


def ladder_ended(state: State, now: datetime) -> State:
    """Nothing further to propose: wait for a stop condition, and ask staff once a month."""
    state = state.noting(EventType.LADDER_ENDED, now)
    return _resting(state.but(ended=True, wait_due=state.task_at is None))


def _resting(state: State) -> State:
    return state.moved(Phase.WAITING) if state.phase is Phase.EVALUATING else state


def entered(state: State, index: int, basis: Basis, now: datetime) -> State:
    """On a rung: its proposal is drafted, everything of the rung before is put away."""
    stage = state.ladder.stages[index]
    if state.support_only and stage.type not in SUPPORTIVE:
        return _passed_over(state, index, basis, now)
    if rests_on_last_year(state, stage, basis):
        return _of_last_year(state, stage.key, now)
    hard = stage.type in HARD
    state = state.moved(
        Phase.EVALUATING,
        index=index,
        status=Status.ESCALATED if hard else state.status,
        draft=Draft(basis=basis, note=basis.sentence),
        proposal=None,
        **_fresh(),
    )
    return state.noting(EventType.STAGE_ENTERED, now, type=stage.type.value, because=basis.sentence)


def _passed_over(state: State, index: int, basis: Basis, now: datetime) -> State:
    """Support only: no letter and nothing harder; on to the next contact or plan, else to the ladder's end."""
    stages = state.ladder.stages
    ahead = next((i for i in range(index, len(stages)) if stages[i].type in SUPPORTIVE), None)
    over = [stage.key for stage in stages[index:ahead]]
    steps = (Step(stage_key=key, result=StepResult.JUMPED, basis=basis) for key in over)
    state = leaving(state, now).but(steps=(*state.steps, *steps))
    for passed in over:
        state = state.noting(EventType.JUMPED, now, over=passed, to=None if ahead is None else stages[ahead].key)
    if ahead is not None:
        return entered(state, ahead, basis, now)
    last = state.last_step
    back = state.ladder.index_of(last.stage_key) if last else None
    return ladder_ended(state.moved(Phase.WAITING, **(_fresh() | {"index": -1 if back is None else back})), now)


def _of_last_year(state: State, key: str, now: datetime) -> State:
    """A rung of the law waits until this year's counts ask for it."""
    last = state.last_step
    back = state.ladder.index_of(last.stage_key) if last else None
    state = leaving(state, now).noting(EventType.STEP_OF_LAST_YEAR, now, to=key)
    return state.moved(Phase.WAITING, **(_fresh() | {"index": -1 if back is None else back, "wait_due": True}))


def _fresh() -> dict[str, object]:
    return {
        "act": Act(),
        "keys": {},
        "given_up": (),
        "undo_until": None,
        "meeting": None,
        "outcome": None,
        "reschedules": 0,
        "meeting_before": None,
        "advance_at": None,
        "decide_at": None,
        "wait_due": False,
        "wait_from": None,
        "task_at": None,
        "ended": False,
        "due": None,
        "hold": None,
        "parked": None,
        "follow_up": None,
    }


def jumped(state: State, key: str, basis: Basis, now: datetime) -> State:
    """Over the rungs between to a later one; the pending proposal is superseded, the rungs passed over are JUMPED."""
    target = state.ladder.index_of(key)
    assert target is not None
    first = state.index if undone(state) else state.index + 1
    over = [stage.key for stage in state.ladder.stages[max(first, 0) : target]]
    state = leaving(state, now).but(
        steps=(*state.steps, *(Step(stage_key=key, result=StepResult.JUMPED, basis=basis) for key in over))
    )
    for passed in over:
        state = state.noting(EventType.JUMPED, now, over=passed, to=key)
    return entered(state, target, basis, now)


def undone(state: State) -> bool:
    """Whether the present rung was entered but not taken."""
    return state.stage_key is not None and (state.last_step is None or state.last_step.stage_key != state.stage_key)


def leaving(state: State, now: datetime) -> State:
    """Put away what is pending on this rung: the proposal is withdrawn, the meeting will be cancelled."""
    if state.proposal:
        state = state.noting(EventType.PROPOSAL_WITHDRAWN, now, proposal_id=str(state.proposal.id))
    cancelling = state.meeting.id if state.meeting and not _met(state) else state.cancelling
    return state.but(proposal=None, draft=None, meeting=None, outcome=None, cancelling=cancelling)


def _met(state: State) -> bool:
    return state.meeting is not None and any(step.meeting_id == state.meeting.id for step in state.steps)


def stop_found(state: State, stop: StopFound, now: datetime, basis: Basis | None = None) -> State:
    """A stop condition is true: close for a fact that a person entered, otherwise recommend the exit (ladder.md).

    `basis` is what the recommendation rests on: for the queue to tell, never to be looked at again like a step's.
    """
    if stop.then is StopThen.STOPPED:
        return state.but(closing=Close(reason=stop.reason))
    if state.exit.muted_key == stop.key:
        return _resting(state)
    return exit_recommended(state, stop.key, stop.sentence, now, basis)


def exit_recommended(state: State, key: str | None, sentence: str, now: datetime, basis: Basis | None = None) -> State:
    """To exit review: a person confirms or rejects."""
    last = state.last_step
    back = state.ladder.index_of(last.stage_key) if last else None
    state = leaving(state, now).moved(
        Phase.EXIT_REVIEW,
        index=-1 if back is None else back,
        status=Status.ACTIVE,
        draft=Draft(kind=ProposalKind.EXIT, basis=basis or Basis(), note=sentence),
        exit=ExitState(stop_key=key),
        hold=None,
        act=Act(),
        undo_until=None,
        decide_due=False,
    )
    return state.noting(EventType.EXIT_RECOMMENDED, now, stop=key, because=sentence)


def unmuted(state: State, true_stops: tuple[str, ...]) -> State:
    """A rejected exit may be recommended again once its condition was false."""
    quiet = state.exit.muted_key
    return state.but(exit=ExitState()) if quiet and quiet not in true_stops else state


def mute_over(state: State, now: datetime) -> State:
    """Or once its 20 school days are over."""
    over = state.exit.muted_until is not None and now >= state.exit.muted_until
    return state.but(exit=ExitState()) if over else state


def engines_differ(state: State, decision: Decision, now: datetime) -> State:
    """Two engines disagree: never an action, always a person."""
    hold = Hold(kind=HoldKind.ENGINES_DIFFER, back_to=state.phase, sentence=decision.basis.sentence)
    state = state.moved(Phase.ON_HOLD, hold=hold)
    return state.noting(EventType.ENGINES_DIFFER, now, evaluation_id=str(decision.basis.evaluation_id))


def proposed(state: State, proposal: Proposal, now: datetime, *, automatic: bool) -> State:
    """The proposal is open; an automatic step goes on without a person, a contact stop holds it at once."""
    state = state.noting(
        EventType.PROPOSED, now, proposal_id=str(proposal.id), kind=proposal.kind.value, automatic=automatic
    ).but(draft=None, proposal=proposal, due=proposal.due)
    if proposal.kind not in {ProposalKind.STEP, ProposalKind.EXTEND_MEETING}:
        return state.but(turn=state.turn + 1)
    if state.contact_stop:
        return contact_stopped(state.moved(Phase.AWAITING_APPROVAL))
    return state.moved(Phase.ACTING) if automatic else state.moved(Phase.AWAITING_APPROVAL)


def after_hold(state: State) -> Phase:
    """Where a hold leads back to: an approved step not yet begun must be approved again."""
    return Phase.AWAITING_APPROVAL if state.phase is Phase.ACTING and state.proposal else state.phase


def contact_stopped(state: State) -> State:
    """Held until the contact stop is lifted and somebody resumes."""
    hold = Hold(kind=HoldKind.CONTACT_STOP, back_to=after_hold(state))
    return state.moved(Phase.ON_HOLD, hold=hold, undo_until=None)


def reminded(state: State, now: datetime) -> State:
    """A reminder has gone out; those that fell due at the same time (after a hold) are not sent one by one."""
    assert state.proposal is not None
    count = state.proposal.reminded + 1
    if Change.ONE_REMINDER_AT_A_TIME in state.changes:
        count = max(count, sum(at <= now for at in state.proposal.remind_at))
    return state.but(proposal=state.proposal.but(reminded=count)).noting(EventType.REMINDED, now, count=count)


def basis_checked(state: State, check: BasisCheck, now: datetime) -> State:
    """A look at the basis in force: lost only if it is known to be false on its own date."""
    state = state.but(check_due=False)
    if check.holds is False and not basis_of(state).kept:
        return basis_lost(state, check, now)
    if state.phase is Phase.ON_HOLD and state.hold and state.hold.kind is HoldKind.BASIS and check.holds:
        return resumed(state.noting(EventType.BASIS_RESTORED, now, because=check.sentence))
    if state.proposal and check.today != state.proposal.note and check.today:
        state = state.but(proposal=state.proposal.but(note=check.today))
        return state.noting(EventType.NO_LONGER_AT_THRESHOLD, now, today=check.today)
    return state


def basis_of(state: State) -> Basis:
    """The basis in force: the pending proposal's or the acting rung's, else the last step's."""
    if state.transfer and state.transfer.redo and state.transfer.redo.kind is ProposalKind.STEP:
        return state.transfer.redo.basis
    if state.proposal and state.proposal.kind is ProposalKind.STEP:
        return state.proposal.basis
    if undone(state):
        return state.draft.basis if state.draft else state.act.basis
    return state.last_step.basis if state.last_step else Basis()


def basis_lost(state: State, check: BasisCheck, now: datetime) -> State:
    """A correction has removed the reason: pause and ask; where the table says so, only show it."""
    state = state.noting(EventType.TRIGGER_INVALIDATED, now, None, because=check.sentence, **_values(check))
    if state.phase is Phase.ON_HOLD and state.hold:
        return state.but(hold=state.hold.but(kind=HoldKind.BASIS, until=None, until_at=None, sentence=check.sentence))
    if state.phase in {Phase.EXIT_REVIEW, Phase.TRANSFER_PENDING}:
        return state
    hold = Hold(kind=HoldKind.BASIS, back_to=after_hold(state), sentence=check.sentence)
    return state.moved(Phase.ON_HOLD, hold=hold, undo_until=None)


def _values(check: BasisCheck) -> dict[str, Fact]:
    before: dict[str, Fact] = {f"before {key}": value for key, value in check.before.items()}
    return before | {f"after {key}": value for key, value in check.after.items()}


def resumed(state: State) -> State:
    """Back to the phase before the hold, to be looked at afresh."""
    assert state.hold is not None
    due = state.proposal.due if state.proposal else None if state.due == state.hold.until else state.due
    return state.moved(state.hold.back_to, hold=None, check_due=True, decide_due=True, due=due)


def _last_holding(steps: tuple[Step, ...], holding: tuple[bool, ...]) -> int:
    kept = [i for i, step in enumerate(steps) if step.result is StepResult.TAKEN and holding[i]]
    return kept[-1] if kept else -1


def to_rescind(steps: tuple[Step, ...], holding: tuple[bool, ...]) -> tuple[Step, ...]:
    """The taken steps after the last one whose basis holds."""
    return tuple(s for s in steps[_last_holding(steps, holding) + 1 :] if s.result is StepResult.TAKEN)


def back_to(steps: tuple[Step, ...], holding: tuple[bool, ...]) -> Step | None:
    """Where a rescission leads: the last step whose basis holds; None without one."""
    last = _last_holding(steps, holding)
    return steps[last] if last >= 0 else None


def rescinded(state: State, holding: tuple[bool, ...], now: datetime) -> State:
    """Back to the last step whose basis holds; without one the case stops. `holding` answers for each step, oldest
    first.
    """
    by, kept, gone = state.rescinding, back_to(state.steps, holding), to_rescind(state.steps, holding)
    state = state.noting(EventType.STEP_RESCINDED, now, by, steps=", ".join(step.stage_key for step in gone))
    steps = tuple(step.but(result=StepResult.RESCINDED) if step in gone else step for step in state.steps)
    state = leaving(state, now).but(rescinding=None, steps=steps)
    if kept is None:
        return state.but(closing=Close(reason=StopReason.BASIS_REMOVED))
    back = {"index": state.ladder.index_of(kept.stage_key), "wait_from": kept.effective_day, "wait_due": True}
    return state.moved(Phase.WAITING, **(_fresh() | back))


def closed(state: State, now: datetime) -> State:
    """The end: nothing is pending, history stays."""
    assert state.closing is not None
    ended = state.closing
    state = state.moved(
        Phase.CLOSED,
        status=ended.status,
        stop_reason=ended.reason,
        closing=None,
        proposal=None,
        draft=None,
        hold=None,
        parked=None,
        transfer=None,
    )
    kind = EventType.COMPLETED if ended.status is Status.COMPLETED else EventType.STOPPED
    return state.noting(kind, now, ended.by, reason=ended.reason.value if ended.reason else None, **ended.facts)
