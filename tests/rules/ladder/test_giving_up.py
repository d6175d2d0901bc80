"""Giving an effect up: each step goes on without it, and none acts unseen."""

from collections.abc import Callable
from typing import Any, get_args
from uuid import UUID

import pytest

from rules.ids import MeetingId
from rules.ladder import giving_up, steps
from rules.ladder.commands import Command, RecordMeetingOutcome
from rules.ladder.state import Act, Draft, ExitState, Hold, Recipient, State
from rules.ladder.transfers import OfTransfer
from rules.ladder.verbs import Row
from rules.ladder.words import Phase, ProposalKind, Status, StepResult
from rules.ladder.year_ends import OfYearEnd
from tests.rules.ladder.rows import BOOKED, NOW, M, in_row
from tests.workflows.world import FATHER, MOTHER

NEVER_PARKED = {
    *get_args(OfTransfer),
    *get_args(OfYearEnd),
    steps.Report,
    steps.CloseCase,
    steps.CarryOutAfterEffects,
    steps.MissContact,
    steps.EndHold,
    steps.MissBooking,
    steps.Idle,
}
OUTCOME = RecordMeetingOutcome(command_id="c", meeting_id=MeetingId(UUID(int=9)), outcome="RESOLVED")
ACTING = in_row(Row.ACTING)
MEETING = in_row(Row.MEETING)
DRAFT = Draft(kind=ProposalKind.EXIT)


def skipped(state: State) -> bool:
    return state.phase is Phase.WAITING and state.wait_due and state.steps[-1].result is StepResult.SKIPPED


EXPECTED: list[tuple[steps.Next, State, Callable[[Any], Any]]] = [
    (steps.Decide(may_advance=True), in_row(Row.EVALUATING), lambda s: s.phase is Phase.WAITING),
    (steps.CheckBasis(), in_row(Row.WAITING).but(check_due=True), lambda s: not s.check_due),
    (steps.Propose(), in_row(Row.EVALUATING).but(index=0, draft=Draft()), skipped),
    (steps.Propose(), in_row(Row.EXIT_REVIEW).but(draft=DRAFT), lambda s: s.draft is None),
    (
        steps.RemindToAmend(),
        in_row(Row.HOLD_STAFF).but(hold=Hold(paused=True, remind_at=NOW)),
        lambda s: s.phase is Phase.ON_HOLD and s.hold.remind_at is None,
    ),
    (steps.Remind(), in_row(Row.AWAITING_APPROVAL), lambda s: s.proposal.reminded == 1),
    (steps.Preflight(), ACTING, skipped),
    (steps.TakeStep(), ACTING.but(act=Act(cleared=True)), skipped),
    (steps.ResolveWait(), in_row(Row.WAITING).but(wait_due=True), lambda s: s.may_advance(NOW)),
    (steps.MonthlyTask(), in_row(Row.WAITING).but(task_at=NOW), lambda s: s.wait_due and s.task_at is None),
    (steps.ResolveHold(), in_row(Row.HOLD_STAFF), lambda s: s.hold.until is None),
    (steps.Rescind(), in_row(Row.HOLD_BASIS).but(rescinding=Command(command_id="c")), lambda s: s.rescinding is None),
    (steps.CancelMeeting(), in_row(Row.WAITING).but(cancelling=M), lambda s: s.cancelling is None),
    (steps.Invite(), MEETING, lambda s: s.meeting.invited and not s.meeting.invitation_delivered),
    (steps.ResolveBooking(), MEETING, skipped),
    (steps.AskOutcome(), MEETING, lambda s: s.meeting.outcome_task),
    (steps.ApplyOutcome(), MEETING.but(outcome=OUTCOME), lambda s: s.outcome is None and s.meeting == BOOKED),
    (steps.TellBounce(), in_row(Row.WAITING).but(bounced=(MOTHER,)), lambda s: s.bounced == ()),
    (steps.MuteExit(), in_row(Row.WAITING).but(exit=ExitState(muted_key="k")), lambda s: s.exit == ExitState()),
    (steps.TellFamily(), in_row(Row.FOLLOW_UP), lambda s: not s.exit.tell_family),
    (steps.NextWeek(), in_row(Row.FOLLOW_UP), lambda s: s.draft.kind is ProposalKind.INCONCLUSIVE),
    (steps.CheckWeek(), in_row(Row.FOLLOW_UP), lambda s: (s.follow_up.checked, s.follow_up.assessed) == (1, 0)),
    (steps.Complete(), in_row(Row.FOLLOW_UP), lambda s: s.closing.status is Status.COMPLETED),
]


@pytest.mark.parametrize(("step", "state", "went_on"), EXPECTED, ids=lambda v: type(v).__name__)
def test_a_case_goes_on_without_the_effect(step: steps.Next, state: State, went_on: Callable[[Any], Any]) -> None:
    after = giving_up.without(state.but(given_up=("effect", "other")), step, "effect", NOW)
    assert went_on(after)
    assert after.given_up == ("other",)


def test_every_step_with_an_effect_can_go_on_without_it() -> None:
    assert set(giving_up.WITHOUT) == set(get_args(steps.Next)) - NEVER_PARKED
    assert {type(step) for step, _, _ in EXPECTED} == set(giving_up.WITHOUT)


def test_one_recipients_letter_given_up_leaves_the_others() -> None:
    people = (Recipient(guardian_id=MOTHER), Recipient(guardian_id=FATHER))
    state = ACTING.but(act=Act(recipients=people))
    after = giving_up.without(state, steps.TakeStep(), f"issue_letter/{MOTHER}", NOW)
    assert [r.state for r in after.act.recipients] == ["GIVEN_UP", None]


def test_before_the_first_rung_there_is_nothing_to_leave_out() -> None:
    after = giving_up.rung_left_out(in_row(Row.EVALUATING), NOW)
    assert (after.phase, after.steps) == (Phase.WAITING, ())


def test_a_parked_look_is_taken_again() -> None:
    state = in_row(Row.WAITING)
    assert giving_up.again(state, steps.Decide(may_advance=False)).decide_due
    assert giving_up.again(state, steps.CheckBasis()).check_due
    assert giving_up.again(state, steps.TakeStep()) == state
