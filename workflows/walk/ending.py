"""Holds that end, steps taken back, letters that came back, and the close."""

from datetime import datetime

from rules.ladder import pausing, transitions
from rules.ladder.events import EventType
from rules.ladder.state import State
from rules.ladder.steps import CloseCase, EndHold, RemindToAmend, Rescind, ResolveHold, TellBounce
from workflows.case import Case
from workflows.ports.calendar import DayOrder, start_of_day
from workflows.ports.decisions import BasisOrder, check_basis
from workflows.ports.endings import CloseOrder, RescissionOrder, close_case, rescind_steps
from workflows.ports.meetings import CancellationOrder, cancel_meeting
from workflows.ports.tasks import TaskKind, TaskOrder, open_task
from workflows.retry import READ, RECORD


async def resolve_hold(case: Case, _step: ResolveHold) -> None:
    """The hold's local date as an instant."""
    hold = case.state.hold
    assert hold is not None
    assert hold.until is not None
    order = DayOrder(**case.order("hold_until"), day=hold.until)

    def resolved(now: State, at: datetime) -> State:
        return now.but(hold=hold.but(until_at=at), due=hold.until)

    await case.settle(start_of_day, order, resolved, READ, about=lambda now: now.hold)


async def end_hold(case: Case, _step: EndHold) -> None:
    """Its date has come: back to the phase before, looked at afresh."""
    case.state = transitions.resumed(case.state.noting(EventType.RESUMED, case.now, because="date"))


async def remind_to_amend(case: Case, _step: RemindToAmend) -> None:
    """An accepted reason is not in the register yet: a task says so again."""
    order = TaskOrder(**case.order("remind_to_amend"), kind=TaskKind.AMEND_REMINDER)
    await case.settle(open_task, order, lambda now, _: pausing.reminded(now, case.now))


async def rescind(case: Case, _step: Rescind) -> None:
    """Take back every step whose basis is gone, with the proposal or meeting that rests on it."""
    by = case.state.rescinding
    assert by is not None
    steps = case.state.steps
    order = BasisOrder(
        **case.order("rescind_check"), digest=case.state.ladder.digest, bases=tuple(step.basis for step in steps)
    )
    checks = (await case.perform(check_basis, order, READ)).checks
    holding = tuple(step.basis.kept or check.holds is not False for step, check in zip(steps, checks, strict=True))
    gone = transitions.to_rescind(steps, holding)
    if gone:
        await case.perform(rescind_steps, RescissionOrder(**case.order("rescind_steps"), steps=gone, by=by))
    case.state = transitions.rescinded(case.state, holding, case.now)


async def tell_bounce(case: Case, _step: TellBounce) -> None:
    """A letter that had arrived came back: a task, no move on the ladder."""
    guardian = case.state.bounced[0]
    order = TaskOrder(**case.order(f"bounce/{guardian}"), kind=TaskKind.LATE_BOUNCE, subject=str(guardian))
    await case.perform(open_task, order)
    case.state = case.state.but(bounced=tuple(g for g in case.state.bounced if g != guardian))


async def close(case: Case, _step: CloseCase) -> None:
    """Withdraw the proposal, cancel the meeting, close tasks and messages; history stays."""
    closing = case.state.closing
    assert closing is not None
    case.state = transitions.leaving(case.state, case.now)
    meeting_id = case.state.cancelling
    if meeting_id:
        order = CancellationOrder(**case.order("cancel_meeting"), meeting_id=meeting_id, reason="case_closed")
        await case.perform(cancel_meeting, order, RECORD)
        case.state = case.state.but(cancelling=None)
    reason = closing.reason.value if closing.reason else None
    ending = CloseOrder(**case.order("close_case"), status=closing.status.value, reason=reason)
    await case.perform(close_case, ending, RECORD)
    case.state = transitions.closed(case.state, case.now)
