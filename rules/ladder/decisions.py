"""People's verbs: what each does to the state once `verbs.check` has let it through."""

from datetime import datetime, timedelta

from rules.errors import Conflict, Invalid
from rules.ladder import follow_up
from rules.ladder.acting import reached, with_step
from rules.ladder.commands import (
    ApplyRuleSetVersion,
    Approve,
    BasisChoice,
    ConfirmExit,
    DeliveryState,
    Escalate,
    HoldCase,
    Reassign,
    RecordContact,
    RecordDelivery,
    RecordMeetingOutcome,
    RejectExit,
    Reopen,
    ResolveBasis,
    Resume,
    Skip,
    Stop,
    WithdrawApproval,
)
from rules.ladder.events import EventType
from rules.ladder.facts import delivered
from rules.ladder.last_year import rests_on_last_year
from rules.ladder.state import AfterEffects, Basis, Close, Draft, ExitState, Hold, MeetingState, State, Step
from rules.ladder.transitions import SUPPORTIVE, basis_of, entered, jumped, leaving, resumed
from rules.ladder.verbs import Row, row_of
from rules.ladder.words import (
    STAFF_STOP_REASONS,
    NeedsStaff,
    Phase,
    ProposalKind,
    Status,
    StepResult,
    StopReason,
)
from rules.meetings.outcomes import Outcome


def approve(state: State, command: Approve, now: datetime, undo: timedelta) -> State:
    """Agreed: a rung starts acting after the undo; in a follow-up the case goes back to a rung or ends."""
    proposal = state.proposal
    assert proposal is not None
    considered = command.support_considered
    state = state.noting(EventType.APPROVED, now, command, proposal_id=str(proposal.id), considered=considered)
    match proposal.kind:
        case ProposalKind.RELAPSE:
            return _back_on(state, state.ladder.follow_up.relapse_to, proposal.basis, now)
        case ProposalKind.INCONCLUSIVE:
            return state.but(closing=Close(status=Status.COMPLETED, by=command.who()))
        case ProposalKind.EXTEND_MEETING:
            return _extended(state, now)
        case _:
            act = state.act.but(cleared=False, basis=proposal.basis)
            return state.moved(Phase.ACTING, undo_until=now + undo, act=act)


def _extended(state: State, now: datetime) -> State:
    assert state.meeting is not None
    meeting = state.meeting.but(book_by=None)
    return state.noting(EventType.MEETING_EXTENDED, now).moved(Phase.MEETING, proposal=None, meeting=meeting)


def _back_on(state: State, key: str | None, basis: Basis, now: datetime) -> State:
    index = state.ladder.index_of(key) if key else 0
    state = leaving(state.but(proposal=None, exit=ExitState()), now).noting(EventType.REOPENED, now, to=key)
    return entered(state, index or 0, basis, now)


def withdraw_approval(state: State, command: WithdrawApproval, now: datetime) -> State:
    """Taken back within the undo: waiting for approval again, nothing has happened."""
    state = state.noting(EventType.APPROVAL_WITHDRAWN, now, command, proposal_id=str(command.proposal_id))
    return state.moved(Phase.AWAITING_APPROVAL, undo_until=None, after_effects=AfterEffects(), check_due=True)


def skip(state: State, command: Skip, now: datetime) -> State:
    """Leave something out: the rung, the relapse proposal, the effect that failed, or the family that was not
    reached.
    """
    if state.phase is Phase.FOLLOW_UP:
        return _refused(state, command, now)
    if state.parked and state.parked.why is NeedsStaff.EFFECT_FAILED:
        effect, back_to = state.parked.effect, state.parked.back_to
        state = state.noting(EventType.EFFECT_GIVEN_UP, now, command, effect=effect)
        return state.moved(back_to, parked=None, given_up=(*state.given_up, effect))
    state = state.noting(EventType.SKIPPED, now, command)
    return _skipped(state, now).moved(
        Phase.WAITING, hold=None, parked=None, undo_until=None, wait_due=True, wait_from=None
    )


def _skipped(state: State, now: datetime) -> State:
    last = state.last_step
    if last and last.stage_key == state.stage_key and state.meeting is None:
        basis = last.basis.but(kept=True)
        result = StepResult.TAKEN if last.reached else StepResult.SKIPPED
        return with_step(state, last.but(basis=basis, result=result, contact_by=None))
    if state.stage_key is None:
        return leaving(state, now)
    step = Step(stage_key=state.stage_key, result=StepResult.SKIPPED, basis=basis_of(state))
    return leaving(state.but(proposal=None), now).but(steps=(*state.steps, step))


def _refused(state: State, command: Skip, now: datetime) -> State:
    assert state.proposal is not None
    if state.proposal.kind is ProposalKind.INCONCLUSIVE:
        state = state.noting(EventType.SKIPPED, now, command).but(proposal=None)
        return _to_exit_review(state)
    return follow_up.relapse_refused(state.noting(EventType.RELAPSE_REFUSED, now, command), now)


def _to_exit_review(state: State) -> State:
    draft = Draft(kind=ProposalKind.EXIT, note="The follow-up could not be assessed.")
    return state.moved(Phase.EXIT_REVIEW, draft=draft, follow_up=None, exit=ExitState())


def hold(state: State, command: HoldCase, now: datetime) -> State:
    """Pause by staff; while effects run it waits for them; on a held case it only sets a new date."""
    wanted = Hold(until=command.until, reason=command.reason, back_to=state.phase)
    until = command.until.isoformat() if command.until else None
    state = state.noting(EventType.HELD, now, command, until=until)
    if state.phase is Phase.ACTING:
        return state.but(after_effects=state.after_effects.but(hold=wanted))
    if state.phase is Phase.ON_HOLD and state.hold:
        return state.but(hold=wanted.but(back_to=state.hold.back_to), turn=state.turn + 1)
    return state.moved(Phase.ON_HOLD, hold=wanted)


def resume(state: State, command: Resume, now: datetime) -> State:
    """On again: a hold goes back and looks afresh, a parked effect is tried again under the same key."""
    if state.parked is None:
        over = state.hold is not None and state.hold.paused
        return resumed(state.but(passing=over).noting(EventType.RESUMED, now, command))
    park = state.parked
    state = state.noting(EventType.EFFECT_RETRIED, now, command, effect=park.effect or park.why.value)
    if park.why is NeedsStaff.EFFECT_FAILED:
        return state.moved(park.back_to, parked=None)
    return _tried_again(state)


def _tried_again(state: State) -> State:
    last = state.last_step
    assert last is not None
    steps = state.steps[: state.steps.index(last)]
    act = state.act.but(cleared=False, planned=False, asked=False, recipients=(), basis=last.basis)
    return state.moved(Phase.ACTING, parked=None, steps=steps, act=act)


def stop(state: State, command: Stop, _now: datetime) -> State:
    """End the case for a reason that staff may give."""
    close = Close(reason=stop_reason(command.reason_code), by=command.who())
    if state.phase is Phase.ACTING:
        return state.but(after_effects=state.after_effects.but(stop=close))
    return state.but(closing=close)


def stop_reason(code: str) -> StopReason:
    """The stop reason of a code, refused with the codes that staff may use."""
    known = {reason.value: reason for reason in STAFF_STOP_REASONS}
    if code not in known:
        raise Invalid(
            "unknown_stop_reason",
            f"{code} is no stop reason.",
            fields={"reason_code": f"One of: {', '.join(sorted(known))}."},
        )
    return known[code]


def escalate(state: State, command: Escalate, now: datetime) -> State:
    """Over the rungs between; the rung there still needs its own approval."""
    key = escalation_target(state, command.to)
    state = state.noting(EventType.ESCALATED, now, command, to=key)
    return jumped(state, key, basis_of(state), now)


def escalation_target(state: State, to: str | None) -> str:
    """Where an escalation goes: a later rung, by default the first ESCALATION."""
    first = state.ladder.first_escalation()
    key = to or (first.key if first else None)
    _refuse_beyond_support(state, key)
    _refuse_on_last_year(state, key)
    index = state.ladder.index_of(key) if key else None
    if key is None or index is None or index <= state.index:
        later = [stage.key for stage in state.ladder.stages[state.index + 1 :]]
        raise Invalid(
            "no_such_stage", f"{key} is not a later rung.", fields={"to": f"One of: {', '.join(later) or 'none'}."}
        )
    return key


def _refuse_beyond_support(state: State, key: str | None) -> None:
    """A case with support only takes no letter and nothing harder, by whatever way."""
    index = state.ladder.index_of(key) if key else None
    if state.support_only and index is not None and state.ladder.stages[index].type not in SUPPORTIVE:
        message = f"This case goes on with support only, without {key}; stop it and start a new walk, with the reason."
        raise Conflict("support_only", message)


def _refuse_on_last_year(state: State, key: str | None) -> None:
    """No rung of the law on counts of a school year that is over, by whatever way."""
    index = state.ladder.index_of(key) if key else None
    if index is not None and rests_on_last_year(state, state.ladder.stages[index], basis_of(state)):
        message = f"What this case rests on was counted last school year; {key} needs counts of this one."
        raise Conflict("last_years_counts", message)


def check_outcome(state: State, command: RecordMeetingOutcome) -> None:
    """Refuse an outcome of another meeting, an incomplete one, and an escalation that skips what must come first."""
    meeting = state.meeting
    if meeting is None or meeting.id != command.meeting_id:
        raise Conflict(
            "stale_meeting",
            f"Meeting {command.meeting_id} is not this case's present one.",
            current=str(meeting and meeting.id),
        )
    if command.outcome is Outcome.NO_SHOW and command.no_show is None:
        raise Invalid("no_show_by_whom", "Say who did not come.", fields={"no_show": "FAMILY or SCHOOL."})
    if command.outcome is Outcome.MEDICAL_PLAN and command.until is None:
        raise Invalid("until_required", "A medical plan needs its end date.", fields={"until": "Last day of the plan."})
    if meeting.awaiting_decision:
        _check_after_no_show(meeting, command)


def _check_after_no_show(meeting: MeetingState, command: RecordMeetingOutcome) -> None:
    if command.outcome not in {Outcome.RESCHEDULE, Outcome.ESCALATE}:
        raise Conflict(
            "decide_no_show",
            "After a no-show the meeting is rescheduled or the case escalated.",
            allowed=["RESCHEDULE", "ESCALATE"],
        )
    if command.outcome is Outcome.ESCALATE and not (meeting.no_shows and command.other_mode_offered):
        message = "Escalate only after the family's own no-show, with another mode offered and logged."
        raise Conflict("other_mode_first", message, allowed=["RESCHEDULE"])


def record_meeting_outcome(state: State, command: RecordMeetingOutcome, now: datetime) -> State:
    """Recorded; carried out when the case is (again) in its meeting."""
    state = state.noting(EventType.MEETING_OUTCOME_RECORDED, now, command, outcome=command.outcome.value)
    return state.but(outcome=command)


def record_contact(state: State, command: RecordContact, now: datetime) -> State:
    """A contact counts when it reached somebody."""
    state = state.noting(
        EventType.CONTACT_RECORDED, now, command, contact_id=str(command.contact_id), reached=command.reached
    )
    return reached(state, command.on, now) if command.reached else state


def record_delivery(state: State, command: RecordDelivery, now: datetime) -> State:
    """A letter handed over, or not, by hand."""
    there = DeliveryState.HANDED_OVER if command.handed_over else DeliveryState.FAILED
    state = state.noting(
        EventType.DELIVERY_RECORDED, now, command, guardian_id=str(command.guardian_id), state=there.value
    )
    if command.meeting_id is None:
        return delivered(state, command.guardian_id, there, command.effective_day, now)
    meeting = state.meeting
    if not command.handed_over or meeting is None or meeting.id != command.meeting_id:
        return state
    return state.but(meeting=meeting.but(invitation_delivered=True))


def confirm_exit(state: State, command: ConfirmExit, now: datetime) -> State:
    """To follow-up: the family is told, the weekly checks begin."""
    exited = state.exit.but(tell_family=not state.support_only)
    state = state.noting(EventType.EXIT_CONFIRMED, now, command)
    return follow_up.entered(state.moved(Phase.FOLLOW_UP, proposal=None, draft=None, exit=exited, due=None), now)


def reject_exit(state: State, command: RejectExit, now: datetime) -> State:
    """Back to the rung; the same condition keeps silent until it was false once, or for 20 school days."""
    state = state.noting(EventType.EXIT_REJECTED, now, command)
    exited = ExitState(muted_key=state.exit.stop_key)
    last = state.last_step
    again = {
        "wait_due": last is not None,
        "wait_from": last.effective_day if last else None,
        "decide_due": last is None,
    }
    return state.moved(Phase.WAITING, proposal=None, draft=None, exit=exited, **again)


def reopen(state: State, command: Reopen, now: datetime) -> State:
    """Back onto a rung from exit review or follow-up."""
    index = reopening_index(state, command.to_stage)
    basis = basis_of(state)
    state = leaving(state, now).noting(EventType.REOPENED, now, command, to=command.to_stage)
    return entered(state.but(exit=ExitState()), index, basis, now)


def reopening_index(state: State, key: str) -> int:
    """Where a reopened case goes on; any rung of the pinned version."""
    _refuse_beyond_support(state, key)
    _refuse_on_last_year(state, key)
    index = state.ladder.index_of(key)
    if index is None:
        keys = ", ".join(stage.key for stage in state.ladder.stages)
        raise Invalid("no_such_stage", f"{key} is no rung.", fields={"to_stage": f"One of: {keys}."})
    return index


def reassign(state: State, command: Reassign, now: datetime) -> State:
    """Another person looks after the case."""
    return state.noting(EventType.REASSIGNED, now, command, assignee_id=str(command.assignee_id))


def resolve_basis(state: State, command: ResolveBasis, now: datetime) -> State:
    """Keep with a reason: the basis counts as holding. Rescind: taken back by the next step."""
    if command.choice is BasisChoice.RESCIND:
        return state.but(rescinding=command.who(), turn=state.turn + 1)
    state = _kept(state.noting(EventType.BASIS_KEPT, now, command))
    return state if row_of(state) is Row.MEETING else resumed(state)


def _kept(state: State) -> State:
    if state.proposal:
        return state.but(proposal=state.proposal.but(basis=state.proposal.basis.but(kept=True)))
    if state.draft:
        return state.but(draft=state.draft.but(basis=state.draft.basis.but(kept=True)))
    last = state.last_step
    if last:
        state = with_step(state, last.but(basis=last.basis.but(kept=True)))
    return state.but(act=state.act.but(basis=state.act.basis.but(kept=True)))


def apply_ruleset_version(state: State, command: ApplyRuleSetVersion, now: datetime) -> State:
    """Re-pin; the case stands on the rung of the same key."""
    index = command.ladder.index_of(state.stage_key) if state.stage_key else None
    version = command.ladder.rule_set_version
    state = state.noting(EventType.RULESET_APPLIED, now, command, old=state.ladder.rule_set_version, new=version)
    return state.but(ladder=command.ladder, index=-1 if index is None else index, decide_due=True)


def check_version(state: State, command: ApplyRuleSetVersion) -> None:
    """Refuse another rule set, an unseen difference, and a version that lacks the rung the case stands on."""
    if not command.acknowledged:
        raise Invalid(
            "acknowledge_difference", "Look at the difference first.", fields={"acknowledged": "Must be true."}
        )
    if command.ladder.rule_set_key != state.ladder.rule_set_key:
        raise Conflict("other_rule_set", "A case stays with its rule set; only the version changes.")
    if state.stage_key and command.ladder.index_of(state.stage_key) is None:
        raise Conflict("rung_missing", f"That version has no rung {state.stage_key}, on which the case stands.")
