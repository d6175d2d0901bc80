"""A student goes to another school of the tenant: the case waits for that school's leader, and nothing is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rules.errors import Conflict, Invalid
from rules.ladder.commands import ChooseTransfer, DeliveryState, EnrolmentChanged
from rules.ladder.events import EventType
from rules.ladder.parts import last_sent
from rules.ladder.state import REACHED, Act, AfterEffects, Basis, Close, Draft, Recipient, State, Step, Transfer
from rules.ladder.transitions import basis_of, entered, leaving, undone
from rules.ladder.words import (
    CHOSEN_BY_PEOPLE,
    Phase,
    ProposalKind,
    StepResult,
    StopReason,
    TransferChoice,
)

MOVES = frozenset({TransferChoice.CONTINUE, TransferChoice.SUPPORT_ONLY})
NOT_GONE = frozenset({None, DeliveryState.AWAITING_POST})
PUT_DOWN: Final[Mapping[str, Any]] = {
    "draft": None,
    "proposal": None,
    "hold": None,
    "parked": None,
    "after_effects": AfterEffects(),
    "undo_until": None,
    "sending_retry_at": None,
    "evaluation_id": None,
    "due": None,
}
STANDS_ASIDE = frozenset({Phase.FOLLOW_UP, Phase.EXIT_REVIEW})


@dataclass(frozen=True)
class BeginTransfer:
    """Put away what is pending and wait for the receiving school."""


@dataclass(frozen=True)
class OpenHandover:
    """Show both schools the case, ask the receiving leader, find the day by which to choose."""


@dataclass(frozen=True)
class LapseTransfer:
    """Nobody chose in time."""


@dataclass(frozen=True)
class SettleTransfer:
    """Carry out what was chosen, or what happens by itself."""


OfTransfer = BeginTransfer | OpenHandover | LapseTransfer | SettleTransfer


def told(state: State, signal: EnrolmentChanged) -> State:
    """The student moved inside the tenant, moved on, or is back. A late word about a school that no longer leads is
    dropped; what was chosen is carried out first.
    """
    transfer = state.transfer
    if signal.from_school_id is None or (state.school_id or signal.from_school_id) != signal.from_school_id:
        return state
    if transfer and transfer.choice:
        return state
    if signal.to_school_id is None:
        back = transfer.but(choice=TransferChoice.UNDONE) if transfer and transfer.begun else None
        return state.but(transfer=back)
    if transfer is None:
        return state.but(transfer=Transfer(to_school_id=signal.to_school_id), school_id=signal.from_school_id)
    if transfer.to_school_id == signal.to_school_id:
        return state
    return state.but(transfer=transfer.but(to_school_id=signal.to_school_id, decide_at=None))


def expected(state: State) -> bool:
    """Whether a transfer begins as soon as the running effect is done; steps being taken back come first."""
    return state.transfer is not None and not state.transfer.begun and state.rescinding is None


def next_of_transfer(state: State, now: datetime) -> OfTransfer | None:
    """The one thing to do for a begun transfer now, or None until its day or a message."""
    transfer = state.transfer
    assert transfer is not None
    if transfer.choice:
        return SettleTransfer()
    if transfer.decide_at is None:
        return OpenHandover()
    return LapseTransfer() if now >= transfer.decide_at else None


def begun(state: State, now: datetime) -> State:
    """Nothing more is done here: what has gone out is a step, everything else is done again there."""
    transfer = state.transfer
    assert transfer is not None
    if state.after_effects.stop:
        return state.but(closing=state.after_effects.stop, after_effects=AfterEffects())
    state = with_what_went_out(state)
    state, redo = _again(state)
    held = state.hold or state.after_effects.hold
    kept = transfer.but(begun=True, back_to=_phase_of(state), redo=redo, hold=held)
    if not state.outcome:
        state = leaving(state, now)
    act = Act(basis=state.act.basis, reached_on=state.act.reached_on)
    state = state.moved(Phase.TRANSFER_PENDING, transfer=kept, act=act, **PUT_DOWN)
    return _of_this_school(state).noting(EventType.TRANSFER_STARTED, now, to_school_id=str(kept.to_school_id))


def _phase_of(state: State) -> Phase:
    """Where the case really stands, below a hold: only an outcome, a follow-up and an exit review are gone back to."""
    phase = state.hold.back_to if state.hold else state.phase
    if state.outcome:
        return Phase.MEETING
    return phase if phase in STANDS_ASIDE else Phase.WAITING


def with_what_went_out(state: State) -> State:
    """A rung whose letters had begun to leave counts as taken; who has none yet is not written to any more."""
    people = state.act.recipients
    days = [one.effective_day for one in people if one.state in REACHED and one.effective_day]
    if undone(state) and days:
        step = Step(stage_key=state.stage_key or "", basis=state.act.basis, deliveries=people)
        state = state.but(steps=(*state.steps, step.but(reached=True, effective_day=min(days))))
    steps = (step.but(deliveries=tuple(_ended(one) for one in step.deliveries)) for step in state.steps)
    return state.but(steps=tuple(_sends_no_more(step) for step in steps))


def _sends_no_more(step: Step) -> Step:
    """The school that prepared its referrals does not lead any more: who is not referred by now is left out."""
    people = tuple(one if one.settled else one.but(left_out=True) for one in step.referrals)
    sent = last_sent(people)
    if step.reached or sent is None:
        return step.but(referrals=people)
    return step.but(referrals=people, reached=True, effective_day=sent)


def _ended(one: Recipient) -> Recipient:
    return one.but(state=DeliveryState.GIVEN_UP) if one.state in NOT_GONE else one


def _again(state: State) -> tuple[State, Draft | None]:
    """What is proposed again where the case goes on: the rung not taken, or taken and nobody reached, or the exit."""
    pending = state.proposal or state.draft
    if state.outcome:
        return state, None
    if pending and pending.kind not in {ProposalKind.STEP, ProposalKind.EXTEND_MEETING}:
        return state, Draft(kind=pending.kind, basis=pending.basis, note=pending.note)
    if _phase_of(state) in STANDS_ASIDE:
        return state, None
    if undone(state):
        basis = basis_of(state)
        return state, Draft(basis=basis, note=basis.sentence)
    last = state.last_step
    if last is None or last.reached or last.result is not StepResult.TAKEN:
        return state, None
    steps = tuple(step for step in state.steps if step is not last)
    return state.but(steps=steps), Draft(basis=last.basis, note=last.basis.sentence)


def _of_this_school(state: State) -> State:
    """Whatever the case rests on so far was found in this school's register, and is looked up there from now on."""

    def here(basis: Basis) -> Basis:
        return basis if basis.school_id else basis.but(school_id=state.school_id)

    transfer = state.transfer
    assert transfer is not None
    redo = transfer.redo.but(basis=here(transfer.redo.basis)) if transfer.redo else None
    steps = tuple(step.but(basis=here(step.basis)) for step in state.steps)
    act = state.act.but(basis=here(state.act.basis))
    return state.but(transfer=transfer.but(redo=redo), steps=steps, act=act)


def check_choice(state: State, command: ChooseTransfer) -> None:
    """Refuse what no person may choose, and a choice for a school to which the student is no longer going."""
    if command.choice not in CHOSEN_BY_PEOPLE:
        allowed = ", ".join(sorted(CHOSEN_BY_PEOPLE))
        raise Invalid("unknown_choice", f"{command.choice} is no choice.", fields={"choice": f"One of: {allowed}."})
    current = state.transfer.to_school_id if state.transfer else None
    if current != command.to_school_id:
        raise Conflict(
            "stale_transfer",
            "The student goes to another school by now: its leader chooses; look at the handover again.",
            current=str(current),
        )


def choose(state: State, command: ChooseTransfer, now: datetime) -> State:
    """The receiving leader has chosen; it is carried out by the next step."""
    transfer = state.transfer
    assert transfer is not None
    state = state.noting(EventType.TRANSFER_CHOSEN, now, command, choice=command.choice.value)
    return state.but(transfer=transfer.but(choice=command.choice, by=command.who()))


def lapsed(state: State, now: datetime) -> State:
    """Nobody chose in twenty school days."""
    transfer = state.transfer
    assert transfer is not None
    return state.noting(EventType.TRANSFER_LAPSED, now).but(transfer=transfer.but(choice=TransferChoice.LAPSED))


def settled(state: State, now: datetime, *, moved: bool) -> State:
    """What was chosen is carried out: on in the new school, back in the old one, or the end.

    `moved` = the database leads the case in the new school; without it (a ladder of the same key runs there already)
    the case ends.
    """
    transfer = state.transfer
    assert transfer is not None
    if transfer.choice is TransferChoice.UNDONE:
        return _goes_on(state.noting(EventType.TRANSFER_UNDONE, now), transfer, now)
    if transfer.choice not in MOVES or not moved:
        return state.but(transfer=None, closing=Close(reason=StopReason.TRANSFERRED, by=transfer.by))
    only = transfer.choice is TransferChoice.SUPPORT_ONLY or state.support_only
    state = state.but(school_id=transfer.to_school_id, support_only=only)
    return _goes_on(state.noting(EventType.CASE_MOVED, now, support_only=only), transfer, now)


def _goes_on(state: State, transfer: Transfer, now: datetime) -> State:
    """On the same rung, waits counted anew by the calendar of the school that leads now; a hold holds on."""
    redo, hold = transfer.redo, transfer.hold
    state = state.but(transfer=None, keys={}, given_up=())
    if redo and redo.kind is ProposalKind.STEP and state.support_only:
        state = entered(state, state.index, redo.basis, now)
    else:
        phase, changes = _where(state, transfer)
        state = state.moved(phase, draft=redo, **changes)
    return state.moved(Phase.ON_HOLD, hold=hold.but(back_to=state.phase, until_at=None)) if hold else state


def _where(state: State, transfer: Transfer) -> tuple[Phase, dict[str, Any]]:
    if transfer.back_to is Phase.FOLLOW_UP:
        assert state.follow_up is not None
        unseen = {"week_first": None, "week_last": None, "check_at": None, "look_again": False}
        return Phase.FOLLOW_UP, {"follow_up": state.follow_up.but(**unseen)}
    if transfer.back_to is not Phase.WAITING:
        return transfer.back_to, {}
    last = state.last_step
    if transfer.redo or last is None:
        return Phase.EVALUATING, {}
    again = {"wait_due": True, "wait_from": last.effective_day, "advance_at": None, "decide_at": None, "task_at": None}
    return Phase.WAITING, again
