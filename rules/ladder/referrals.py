"""A case's referrals, one for each guardian: the rung counts once every one of them is sent or left out."""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Final

from rules.ladder import acting
from rules.ladder.commands import ReferralChange, ReferralChanged
from rules.ladder.events import EventType
from rules.ladder.parts import Referred, last_sent
from rules.ladder.state import State, Step
from rules.ladder.words import Phase, StepResult

TOLD: Final[Mapping[ReferralChange, EventType]] = MappingProxyType(
    {
        ReferralChange.SENT: EventType.REFERRAL_SENT,
        ReferralChange.ACKNOWLEDGED: EventType.REFERRAL_ACKNOWLEDGED,
        ReferralChange.RESULT: EventType.REFERRAL_RESULT,
        ReferralChange.LEFT_OUT: EventType.REFERRAL_LEFT_OUT,
        ReferralChange.WITHDRAWN: EventType.REFERRAL_WITHDRAWN,
    }
)
SETTLES: Final = frozenset({ReferralChange.SENT, ReferralChange.LEFT_OUT})
"""What moves the ladder; all else is only told."""


def opened(state: State, people: tuple[Referred, ...], due: date, now: datetime) -> State:
    """Each guardian's referral waits for staff; what was said of one before the case knew it is not lost."""
    for one in people:
        told = {"referral_id": str(one.id), "guardian_id": str(one.guardian_id), "due": due.isoformat()}
        state = state.noting(EventType.REFERRAL_OPENED, now, None, **told)
    early = {one.id: one for one in state.act.referred}
    known = tuple(early.get(one.id, one) for one in people)
    step = Step(stage_key=state.stage_key or "", referrals=known)
    return _counted(acting.step_taken(state.but(due=due), step, now), now)


def changed(state: State, signal: ReferralChanged, now: datetime) -> State:
    """One referral has come further. Sent or left out, it may be the last that the rung waits for."""
    told = {"referral_id": str(signal.referral_id), "guardian_id": str(signal.guardian_id)}
    state = state.noting(TOLD[signal.change], now, None, **told)
    if signal.change not in SETTLES:
        return state
    on = signal.on if signal.change is ReferralChange.SENT else None
    mine = Referred(id=signal.referral_id, guardian_id=signal.guardian_id, on=on, left_out=on is None)
    step = state.last_step
    if step and any(one.id == mine.id for one in step.referrals):
        people = tuple(mine if one.id == mine.id else one for one in step.referrals)
        return _counted(acting.with_step(state, step.but(referrals=people)), now)
    if state.phase is Phase.ACTING:
        return state.but(act=state.act.but(referred=(*state.act.referred, mine)))
    return state


def _counted(state: State, now: datetime) -> State:
    step = state.last_step
    assert step is not None
    if step.reached or step.result is not StepResult.TAKEN or not all(one.settled for one in step.referrals):
        return state
    if day := last_sent(step.referrals):
        return acting.counts_from(state, step, day, now)
    # nobody was referred: the rung is left out, and the same wait begins
    left = acting.with_step(state, step.but(result=StepResult.SKIPPED))
    return left.noting(EventType.SKIPPED, now).but(wait_due=True, wait_from=None)
