"""The end of the school year: people are asked what becomes of a running case, and it is carried out when it begins."""

from dataclasses import dataclass
from datetime import date, datetime

from rules.errors import Conflict
from rules.ladder.commands import ChooseYearEnd, YearEnds
from rules.ladder.events import EventType
from rules.ladder.parts import NewYear, YearEnd
from rules.ladder.stages import StageType
from rules.ladder.state import Act, Close, Hold, State
from rules.ladder.transfers import PUT_DOWN, with_what_went_out
from rules.ladder.transitions import HARD, leaving, undone
from rules.ladder.words import (
    Change,
    HoldKind,
    Phase,
    ProposalKind,
    Status,
    StepResult,
    StopReason,
    YearEndChoice,
)
from rules.meetings.outcomes import MeetingStatus

REVIEW = "review_in_autumn"
"""Why a case is on hold until somebody has looked at it in the new year."""
STANDS = frozenset({Phase.MEETING, Phase.EXIT_REVIEW, Phase.FOLLOW_UP})
WITH_PEOPLE = frozenset({Phase.EXIT_REVIEW, Phase.FOLLOW_UP})


@dataclass(frozen=True)
class AskYearEnd:
    """Open the proposal, find the instant at which the new year begins."""


@dataclass(frozen=True)
class CarryOutYearEnd:
    """The new year begins: what was chosen, without a choice the review in autumn."""


OfYearEnd = AskYearEnd | CarryOutYearEnd


def nears(state: State, signal: YearEnds, _now: datetime) -> State:
    """The year ends soon. A year that the case is asked about or was taken into already is no news."""
    known = [one for one in (state.year_end and state.year_end.begins, state.new_year and state.new_year.began) if one]
    if any(signal.begins <= one for one in known):
        return state
    return state.but(year_end=YearEnd(begins=signal.begins))


def next_of_year_end(state: State, now: datetime) -> OfYearEnd | None:
    """The one thing to do for it now. A running effect, steps being taken back and a transfer come first."""
    ending = state.year_end
    if ending is None or state.phase is Phase.CLOSED or Change.YEAR_ENDS not in state.changes:
        return None
    if ending.begins_at is None:
        return AskYearEnd()
    busy = state.phase is Phase.ACTING and state.act.cleared
    if now < ending.begins_at or busy or state.rescinding or state.transfer:
        return None
    return CarryOutYearEnd()


def begins_at(state: State, now: datetime) -> datetime | None:
    """When the case must wake for it."""
    ending = state.year_end
    if ending is None or ending.begins_at is None or Change.YEAR_ENDS not in state.changes:
        return None
    return ending.begins_at if now < ending.begins_at else None


def asked(state: State, at: datetime, now: datetime) -> State:
    """People see the proposal; the review in autumn is what happens by itself."""
    ending = state.year_end
    assert ending is not None
    state = state.noting(EventType.YEAR_END_ASKED, now, begins=ending.begins.isoformat())
    return state.but(year_end=ending.but(begins_at=at))


def is_open(state: State) -> bool:
    """Whether people may choose: asked, and not being carried out. What was chosen can be changed until then."""
    ending = state.year_end
    return ending is not None and ending.begins_at is not None and not ending.settling


def check_choice(state: State, command: ChooseYearEnd) -> None:
    """Refuse a choice about another year's end."""
    current = state.year_end.begins if state.year_end else None
    if current != command.begins:
        raise Conflict(
            "stale_year_end",
            f"The case is asked about the year that begins on {current}; look at it again.",
            current=current.isoformat() if current else None,
        )


def choose(state: State, command: ChooseYearEnd, now: datetime) -> State:
    """A person has chosen; it is carried out on the first day of the new year."""
    ending = state.year_end
    assert ending is not None
    state = state.noting(EventType.YEAR_END_CHOSEN, now, command, choice=command.choice.value)
    return state.but(year_end=ending.but(choice=command.choice, by=command.who()))


def settling(state: State) -> State:
    """From here on nobody chooses any more."""
    assert state.year_end is not None
    return state.but(year_end=state.year_end.but(settling=True))


def chosen(ending: YearEnd) -> YearEndChoice:
    """What was chosen last, without a choice the review in autumn."""
    return ending.choice or YearEndChoice.REVIEW_IN_AUTUMN


def puts_down(state: State) -> bool:
    """Whether what waits to be sent rests on last year's rungs; a case that closes has its own end."""
    ending = state.year_end
    assert ending is not None
    return chosen(ending) is not YearEndChoice.CLOSE_WITH_SUMMARY and not _stands(state)


def settled(state: State, first_open: date, quiet_until: datetime, now: datetime) -> State:
    """The new year has begun: the case ends, or goes on in it with last year's evidence and nothing of it pending."""
    ending = state.year_end
    assert ending is not None
    choice = chosen(ending)
    state = state.noting(EventType.YEAR_ENDED, now, ending.by, choice=choice.value, begins=ending.begins.isoformat())
    state = state.but(year_end=None)
    if choice is YearEndChoice.CLOSE_WITH_SUMMARY:
        return state.but(closing=state.closing or Close(reason=StopReason.YEAR_END, by=ending.by))
    state = state.but(new_year=NewYear(began=ending.begins, first_open=first_open, quiet_until=quiet_until))
    state = _booked_anew(state) if _stands(state) else _put_down(state, first_open, now)
    return state if choice is YearEndChoice.CARRY else _to_review(state, now)


def _below(state: State) -> Phase:
    """Where the case really stands, below a hold or a failed effect."""
    if state.hold:
        return state.hold.back_to
    return state.parked.back_to if state.parked else state.phase


def _stands(state: State) -> bool:
    """A meeting, an exit and a follow-up are with people and go on; so is every proposal that is no rung."""
    pending = state.proposal or state.draft
    return _below(state) in STANDS or (pending is not None and pending.kind is not ProposalKind.STEP)


def _booked_anew(state: State) -> State:
    """A meeting that is not booked yet has its time counted from now."""
    meeting = state.meeting
    if meeting is None or meeting.status is not MeetingStatus.PROPOSED:
        return state
    return state.but(meeting=meeting.but(book_by=None))


def _put_down(state: State, first_open: date, now: datetime) -> State:
    """Nothing that rests on last year is sent any more: the rung is proposed again once this year's counts ask for it.

    A hold holds on. The wait restarts on the first open day; a notice runs as long as it says.
    """
    hold, stop = state.hold or state.after_effects.hold, state.after_effects.stop
    state = _without_unreached(with_what_went_out(state))
    last = state.last_step
    back = state.ladder.index_of(last.stage_key) if last else None
    unentered = undone(state) and state.stage is not None and state.stage.type in HARD
    status = Status.ACTIVE if unentered else state.status
    act = Act(reached_on=state.act.reached_on)
    state = leaving(state, now).moved(Phase.WAITING, **{**PUT_DOWN, "act": act, "status": status, "keys": {}})
    state = state.but(index=-1 if back is None else back, closing=state.closing or stop, given_up=())
    state = _waiting_anew(state, first_open)
    if hold is None:
        return state
    return state.moved(Phase.ON_HOLD, hold=hold.but(back_to=Phase.WAITING), due=hold.until)


def _without_unreached(state: State) -> State:
    """A rung that reached nobody is not taken; a plan that waits for its agreement is."""
    last = state.last_step
    if last is None or last.reached or last.plan_id or last.result is not StepResult.TAKEN:
        return state
    return state.but(steps=tuple(step for step in state.steps if step is not last))


def _waiting_anew(state: State, first_open: date) -> State:
    last = state.last_step
    if state.ended or (last and last.plan_id and not last.reached):
        return state
    if last and state.stage and state.stage.type is StageType.NOTICE:
        return state
    return state.but(wait_due=True, wait_from=first_open, advance_at=None, decide_at=None)


def _to_review(state: State, now: datetime) -> State:
    """On hold until somebody resumes; what waits for people anyway, or is held for another reason, stays there."""
    hold = state.hold
    if state.closing or state.parked or _below(state) in WITH_PEOPLE or (hold and hold.kind is not HoldKind.STAFF):
        return state
    state = state.noting(EventType.HELD, now, None, until=None, because=REVIEW)
    return state.moved(Phase.ON_HOLD, hold=Hold(reason=REVIEW, back_to=_below(state)), due=None)
