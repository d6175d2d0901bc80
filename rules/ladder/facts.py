"""Machines' facts (signals) and what each does to the state: they wake the case, hold it, or end it."""

from datetime import date, datetime

from rules.ids import GuardianId
from rules.ladder import acting, transfers
from rules.ladder.acting import arrived, not_reached, noted_when_done, with_step
from rules.ladder.commands import (
    AttendanceChanged,
    ContactStopChanged,
    DeliveryResult,
    DeliveryState,
    EnrolmentChanged,
    EnrolmentEnd,
    FactChanged,
    MeetingChanged,
    PlanAgreed,
    RegisterQueried,
    SendingChanged,
)
from rules.ladder.events import EventType
from rules.ladder.stages import RegisterQuery
from rules.ladder.state import REACHED, AfterEffects, Close, Hold, Recipient, State
from rules.ladder.transitions import contact_stopped, resumed
from rules.ladder.words import HoldKind, Phase, ProposalKind, StopReason
from rules.meetings.outcomes import MeetingStatus

UNDELIVERED = frozenset({DeliveryState.FAILED, DeliveryState.BOUNCED, DeliveryState.RETURNED, DeliveryState.WITHHELD})
QUERY_HOLDS = frozenset(
    {Phase.EVALUATING, Phase.WAITING, Phase.AWAITING_APPROVAL, Phase.MEETING, Phase.ACTING, Phase.FOLLOW_UP}
)


def attendance_changed(state: State, signal: AttendanceChanged, _now: datetime) -> State:
    """Newer attendance: look at basis, stop and escalation again. Late and repeated deliveries are dropped."""
    if signal.seq <= state.last_seq:
        return state
    state = state.but(last_seq=signal.seq, evaluation_id=signal.evaluation_id)
    if state.phase is Phase.FOLLOW_UP and state.follow_up:
        return state.but(follow_up=state.follow_up.but(look_again=signal.corrected and bool(state.follow_up.through)))
    return state.but(check_due=True, decide_due=True)


def fact_changed(state: State, _signal: FactChanged, _now: datetime) -> State:
    """A reason, exemption or resolution: the next decide reads it."""
    return state.but(decide_due=True)


def enrolment_changed(state: State, signal: EnrolmentChanged, _now: datetime) -> State:
    """The student is no longer ours: the running effect finishes, nothing else starts, the case closes. Gone to another
    school of the tenant, it waits for that school's leader.
    """
    inside = signal.end is EnrolmentEnd.RETURNED or signal.to_school_id is not None
    if inside:
        return transfers.told(state, signal)
    return state.but(closing=Close(reason=StopReason(signal.end.value)))


def contact_stop_changed(state: State, signal: ContactStopChanged, now: datetime) -> State:
    """Set: a pending step is held at once, checks go on elsewhere. Lifted: somebody resumes."""
    kind = EventType.CONTACT_STOP_SET if signal.active else EventType.CONTACT_STOP_LIFTED
    state = state.noting(kind, now, reason=signal.reason_code).but(contact_stop=signal.active)
    pending = state.phase is Phase.AWAITING_APPROVAL or (state.phase is Phase.ACTING and not state.act.cleared)
    return contact_stopped(state) if signal.active and pending else state


def register_queried(state: State, signal: RegisterQueried, now: datetime) -> State:
    """The family says the register is wrong: the clock stops until it is answered, unless the rule set lets it run."""
    query = str(signal.query_id)
    if not signal.opened:
        state = state.noting(EventType.REGISTER_ANSWERED, now, query_id=query)
        return _answered(state)
    state = state.noting(EventType.REGISTER_QUERIED, now, query_id=query)
    if state.ladder.register_query is RegisterQuery.CONTINUE or state.phase not in QUERY_HOLDS:
        return state
    hold = Hold(reason="register_query", back_to=state.phase, query=True)
    if state.phase is Phase.ACTING:
        return state.but(after_effects=state.after_effects.but(hold=hold))
    return state.moved(Phase.ON_HOLD, hold=hold)


def _answered(state: State) -> State:
    if state.phase is Phase.ON_HOLD and state.hold and state.hold.query and state.hold.kind is HoldKind.STAFF:
        return resumed(state)
    waiting = state.after_effects.hold
    return state.but(after_effects=AfterEffects(stop=state.after_effects.stop)) if waiting and waiting.query else state


def meeting_changed(state: State, signal: MeetingChanged, now: datetime) -> State:
    """Staff booked, moved or cancelled the present meeting outside the case."""
    meeting = state.meeting
    if meeting is None or meeting.id != signal.meeting_id:
        return state
    if signal.status is MeetingStatus.CANCELLED:
        state = state.noting(EventType.MEETING_CANCELLED, now, meeting_id=str(meeting.id))
        changed = meeting.but(status=MeetingStatus.PROPOSED, starts_at=None, ends_at=None, invited=False, book_by=None)
        return state.but(meeting=changed)
    if signal.status is not MeetingStatus.SCHEDULED:
        return state
    changed = meeting.but(
        status=signal.status, starts_at=signal.starts_at, ends_at=signal.ends_at, invited=False, outcome_task=False
    )
    state = state.noting(EventType.MEETING_BOOKED, now, meeting_id=str(meeting.id)).but(meeting=changed)
    extending = state.proposal is not None and state.proposal.kind is ProposalKind.EXTEND_MEETING
    if extending and state.phase is Phase.AWAITING_APPROVAL:
        return state.moved(Phase.MEETING, proposal=None)
    return state.but(draft=None).moved(Phase.MEETING) if state.phase is Phase.EVALUATING else state


def plan_agreed(state: State, signal: PlanAgreed, now: datetime) -> State:
    """Staff and family agreed on a support plan."""
    state = state.noting(EventType.PLAN_AGREED, now, plan_id=str(signal.plan_id))
    return acting.plan_agreed(state, signal.plan_id, signal.on, now)


def delivery_result(state: State, signal: DeliveryResult, now: datetime) -> State:
    """A later word on a letter."""
    return delivered(state, signal.guardian_id, signal.state, signal.effective_day, now)


def delivered(
    state: State, guardian_id: GuardianId, there: DeliveryState, effective_day: date | None, now: datetime
) -> State:
    """One recipient's letter has come to `there`: the last one to end decides whether the family was reached."""
    step = state.last_step
    mine = next((r for r in step.deliveries if r.guardian_id == guardian_id), None) if step else None
    if step is None or mine is None:
        return _while_acting(state, guardian_id, there, effective_day)
    if mine.state is there:
        return state
    was_reached = step.reached
    changed = step.but(deliveries=_replaced(step.deliveries, mine.but(state=there, effective_day=effective_day)))
    state = with_step(state, changed)
    if there in REACHED and effective_day:
        sent = state.noting(EventType.LETTER_SENT, now, guardian_id=str(guardian_id), state=there.value)
        return noted_when_done(arrived(sent, effective_day, now), now)
    if there in UNDELIVERED:
        state = state.noting(EventType.LETTER_NOT_DELIVERED, now, guardian_id=str(guardian_id), state=there.value)
    state = noted_when_done(state, now)
    if was_reached:
        return state.but(bounced=(*state.bounced, guardian_id)) if there in UNDELIVERED else state
    waiting = state.phase is Phase.WAITING and changed.settled and step.stage_key == state.stage_key
    return not_reached(state, now) if waiting else state


def _while_acting(state: State, guardian_id: GuardianId, there: DeliveryState, effective_day: date | None) -> State:
    sent = next((r for r in state.act.recipients if r.guardian_id == guardian_id and r.state), None)
    if sent is None:
        return state
    changed = _replaced(state.act.recipients, sent.but(state=there, effective_day=effective_day))
    return state.but(act=state.act.but(recipients=changed))


def _replaced(recipients: tuple[Recipient, ...], mine: Recipient) -> tuple[Recipient, ...]:
    return tuple(mine if r.guardian_id == mine.guardian_id else r for r in recipients)


def sending_changed(state: State, signal: SendingChanged, _now: datetime) -> State:
    """The switch is on again: an approved step that waited for it goes on at once."""
    return state.but(sending_retry_at=None, sending_tries=0) if signal.on else state
