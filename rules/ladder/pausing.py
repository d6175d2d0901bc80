"""Facts that hold a case while they last: an exemption of scope hold, an accepted reason not yet in the register."""

from datetime import date, datetime, timedelta

from rules.ladder.events import EventType
from rules.ladder.state import Hold, Pause, State
from rules.ladder.words import Change, HoldKind, PauseKind, Phase

REMIND_AFTER = timedelta(days=2)
MAY_PAUSE = frozenset({Phase.EVALUATING, Phase.WAITING, Phase.AWAITING_APPROVAL, Phase.MEETING, Phase.ACTING})


def in_force(state: State, pauses: tuple[Pause, ...]) -> tuple[State, tuple[Pause, ...]]:
    """The facts that hold the case, without those that staff resumed over; these are remembered while they last."""
    over = {pause.id for pause in pauses} if state.passing else set(state.passed)
    passed = tuple(pause.id for pause in pauses if pause.id in over)
    return state.but(passing=False, passed=passed), tuple(pause for pause in pauses if pause.id not in over)


def paused(state: State, pauses: tuple[Pause, ...], now: datetime) -> State:
    """The case after a look at the facts: held while one lasts, going on when the last one is over."""
    if Change.FACTS_HOLD not in state.changes:
        return state
    state, left = in_force(state, pauses)
    if state.phase is Phase.ON_HOLD:
        return _still_held(state, left, now)
    return _held(state, left, now) if left and state.phase in MAY_PAUSE else state


def _held(state: State, left: tuple[Pause, ...], now: datetime) -> State:
    """On hold by these facts; an approved step not yet begun must be approved again."""
    back_to = Phase.AWAITING_APPROVAL if state.phase is Phase.ACTING and state.proposal else state.phase
    amending = any(pause.kind is PauseKind.AMEND_REGISTER for pause in left)
    hold = Hold(
        reason=_kind(left).value,
        until=_until(left),
        back_to=back_to,
        paused=True,
        remind_at=now + REMIND_AFTER if amending else None,
    )
    until = hold.until.isoformat() if hold.until else None
    state = state.noting(EventType.HELD, now, None, until=until, because=hold.reason)
    return state.moved(Phase.ON_HOLD, hold=hold, undo_until=None)


def _still_held(state: State, left: tuple[Pause, ...], now: datetime) -> State:
    hold = state.hold
    assert hold is not None
    if not hold.paused or hold.kind is not HoldKind.STAFF:
        return state
    if left:
        kind, until = _kind(left).value, _until(left)
        at = hold.until_at if until == hold.until else None
        return state.but(hold=hold.but(reason=kind, until=until, until_at=at))
    state = state.noting(EventType.RESUMED, now, None, because="facts")
    return state.moved(hold.back_to, hold=None, check_due=True, decide_due=True)


def _kind(left: tuple[Pause, ...]) -> PauseKind:
    """What is said of several: an exemption, which outlasts the amendment."""
    return min((pause.kind for pause in left), key=list(PauseKind).index)


def _until(left: tuple[Pause, ...]) -> date | None:
    """The day from which none of them holds, or None while one has no end."""
    ends = [pause.until for pause in left]
    known = [day for day in ends if day is not None]
    return max(known) if len(known) == len(ends) else None


def reminded(state: State, now: datetime) -> State:
    """Staff were asked again to amend the register."""
    assert state.hold is not None
    return state.but(hold=state.hold.but(remind_at=None)).noting(EventType.REMINDED, now, count=1)
