"""What a meeting does to the case: booked, missed, invited, and each of its outcomes."""

from datetime import date, datetime, timedelta

from rules.ladder.acting import step_taken
from rules.ladder.events import EventType
from rules.ladder.giving_up import rung_left_out
from rules.ladder.stages import StageType
from rules.ladder.state import Draft, Hold, MeetingState, State, Step
from rules.ladder.transitions import exit_recommended, jumped
from rules.ladder.words import HoldKind, Phase, ProposalKind
from rules.meetings.outcomes import HELD, MeetingStatus, Outcome, counts


def booked(state: State, meeting: MeetingState, now: datetime) -> State:
    """A slot is taken, or slots are offered until `book_by`."""
    kind = EventType.MEETING_BOOKED if meeting.status is MeetingStatus.SCHEDULED else EventType.MEETING_PROPOSED
    return state.noting(kind, now, meeting_id=str(meeting.id)).moved(Phase.MEETING, meeting=meeting)


def booking_missed(state: State, now: datetime) -> State:
    """Not booked in time: a person extends, skips or escalates."""
    draft = Draft(kind=ProposalKind.EXTEND_MEETING, basis=state.act.basis, note="The meeting was not booked in time.")
    return state.noting(EventType.MEETING_NOT_BOOKED, now).moved(Phase.EVALUATING, draft=draft)


def invited(state: State, now: datetime, *, delivered: bool) -> State:
    """Everybody who may be invited was; `delivered` = the family's invitation arrived."""
    assert state.meeting is not None
    meeting = state.meeting.but(invited=True, invitation_delivered=delivered)
    return state.but(meeting=meeting).noting(EventType.MEETING_INVITED, now, delivered=delivered)


def counted(state: State) -> bool:
    """Whether the recorded outcome is a no-show that counts."""
    assert state.outcome is not None
    delivered = state.meeting is not None and state.meeting.invitation_delivered
    return state.outcome.outcome is Outcome.NO_SHOW and counts(state.outcome.no_show, invitation_delivered=delivered)


def outcome_applied(state: State, on: date, now: datetime) -> State:
    """What the meeting decided, carried out on the ladder."""
    assert state.outcome is not None
    match state.outcome.outcome:
        case Outcome.NO_SHOW:
            return _no_show(state)
        case Outcome.RESCHEDULE:
            return _rescheduled(state, now)
        case Outcome.ESCALATE:
            return _escalated(state, on, now)
        case _:
            return _held(state, on, now)


def _no_show(state: State) -> State:
    meeting = state.meeting
    assert meeting is not None
    shows = meeting.no_shows + (1 if counted(state) else 0)
    return state.but(meeting=meeting.but(no_shows=shows, awaiting_decision=True), outcome=None)


def _rescheduled(state: State, now: datetime) -> State:
    stage, meeting = state.stage, state.meeting
    assert stage is not None
    assert meeting is not None
    if state.reschedules + 1 > stage.max_reschedules:
        return _to_escalation(state, f"Rescheduled {state.reschedules} times.", now)
    act = state.act.but(cleared=False)
    return state.moved(
        Phase.ACTING, reschedules=state.reschedules + 1, meeting_before=meeting.id, meeting=None, outcome=None, act=act
    )


def _escalated(state: State, on: date, now: datetime) -> State:
    assert state.outcome is not None
    if state.outcome.held_at is None:
        return _to_escalation(state, "The meeting did not take place.", now)
    return _to_escalation(_with_meeting_step(state, on, now), "The meeting decided to escalate.", now)


def _to_escalation(state: State, why: str, now: datetime) -> State:
    ahead = state.ladder.stages[state.index + 1 :]
    target = next((stage for stage in ahead if stage.type is StageType.ESCALATION), None)
    if target is None:
        return rung_left_out(state, now) if state.meeting else state
    return jumped(state, target.key, state.act.basis.but(sentence=why), now)


def _held(state: State, on: date, now: datetime) -> State:
    outcome = state.outcome
    assert outcome is not None
    state = _with_meeting_step(state, on, now)
    if outcome.outcome in {Outcome.RESOLVED, Outcome.NO_ACTION}:
        return exit_recommended(state, None, f"Meeting outcome {outcome.outcome}.", now)
    if outcome.outcome is Outcome.MEDICAL_PLAN:
        goes_on = outcome.until + timedelta(days=1) if outcome.until else None
        hold = Hold(kind=HoldKind.STAFF, until=goes_on, reason="medical_plan", back_to=Phase.WAITING, paused=True)
        return state.noting(EventType.HELD, now, until=outcome.until.isoformat() if outcome.until else None).moved(
            Phase.ON_HOLD, hold=hold
        )
    return state


def _with_meeting_step(state: State, on: date, now: datetime) -> State:
    assert state.outcome is not None
    assert state.meeting is not None
    held = state.outcome.outcome in HELD or state.outcome.held_at is not None
    step = Step(stage_key=state.stage_key or "", effective_day=on, reached=held, meeting_id=state.meeting.id)
    return step_taken(state, step, now).but(outcome=None, meeting=None)
