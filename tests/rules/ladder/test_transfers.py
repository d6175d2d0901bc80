"""A student goes to another school of the tenant: what the case puts down, what it goes on with, what ends it."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from rules.errors import Conflict, Invalid
from rules.ids import SchoolId
from rules.ladder import decisions, facts, steps, transfers, transitions
from rules.ladder.commands import (
    ChooseTransfer,
    Command,
    ConfirmExit,
    DeliveryState,
    EnrolmentChanged,
    EnrolmentEnd,
    Escalate,
    RecordMeetingOutcome,
    Reopen,
)
from rules.ladder.events import EventType
from rules.ladder.parts import Referred
from rules.ladder.stages import LadderSnapshot, Stage, StageType
from rules.ladder.state import (
    Act,
    AfterEffects,
    BasisCheck,
    Close,
    Decision,
    Draft,
    Hold,
    Recipient,
    State,
    Step,
    StopFound,
)
from rules.ladder.verbs import Row, Verb, allowed
from rules.ladder.words import Action, HoldKind, Phase, ProposalKind, StepResult, StopReason, StopThen, TransferChoice
from tests.rules.ladder.rows import BASIS, ELSEWHERE, HERE, LATER, NOW, PROPOSAL, STAGES, STEP, in_row
from tests.workflows.world import FATHER, MOTHER

THIRD = SchoolId(UUID(int=3))
GONE = EnrolmentChanged(end=EnrolmentEnd.TRANSFERRED, from_school_id=HERE, to_school_id=ELSEWHERE)
BACK = EnrolmentChanged(end=EnrolmentEnd.RETURNED, from_school_id=HERE)
DAY = date(2026, 11, 20)


def went(state: State, signal: EnrolmentChanged = GONE) -> State:
    return facts.enrolment_changed(state, signal, NOW)


def pending(state: State) -> State:
    return transfers.begun(went(state), NOW)


def chosen(state: State, choice: TransferChoice, *, moved: bool = True) -> State:
    command = ChooseTransfer(command_id="c", reason="because", choice=choice, to_school_id=ELSEWHERE)
    return transfers.settled(transfers.choose(pending(state), command, NOW), NOW, moved=moved)


def went_on(state: State) -> State:
    return chosen(state, TransferChoice.CONTINUE)


def supported(state: State) -> State:
    return chosen(state, TransferChoice.SUPPORT_ONLY)


def test_out_of_the_tenant_it_closes_as_before() -> None:
    left = went(in_row(Row.WAITING), EnrolmentChanged(end=EnrolmentEnd.TRANSFERRED))
    assert left.closing == Close(reason=StopReason.TRANSFERRED)
    assert left.transfer is None


def test_a_move_waits_for_the_running_effect_and_for_steps_being_taken_back() -> None:
    moved = went(in_row(Row.ACTING))
    assert moved.phase is Phase.ACTING
    assert transfers.expected(moved)
    assert steps.next_step(moved, NOW) == transfers.BeginTransfer()
    taking_back = went(in_row(Row.HOLD_BASIS).but(rescinding=Command(command_id="r")))
    assert not transfers.expected(taking_back)
    assert steps.next_step(taking_back, NOW) == steps.Rescind()


def test_what_is_said_late_or_again_changes_nothing_and_the_next_school_counts() -> None:
    moved = pending(in_row(Row.WAITING))
    assert went(moved) == moved
    further = went(moved, GONE.model_copy(update={"to_school_id": THIRD}))
    assert further.transfer is not None
    assert (further.transfer.to_school_id, further.transfer.decide_at) == (THIRD, None)
    led_there = went_on(in_row(Row.WAITING))
    assert went(led_there) == led_there, "a word about the school that led before"
    assert went(in_row(Row.WAITING), BACK).transfer is None
    decided = transfers.lapsed(moved, NOW)
    assert went(decided, BACK) == decided, "what was chosen is carried out first"
    unnamed = EnrolmentChanged(end=EnrolmentEnd.RETURNED)
    assert went(moved, unnamed) == moved


def test_back_before_it_began_nothing_has_happened_and_afterwards_it_goes_on_here() -> None:
    assert went(went(in_row(Row.WAITING)), BACK).transfer is None
    again = went(pending(in_row(Row.AWAITING_APPROVAL)), BACK)
    assert steps.next_step(again.but(unreported=()), NOW) == transfers.SettleTransfer()
    here = transfers.settled(again, NOW, moved=False)
    assert (here.phase, here.school_id, here.transfer) == (Phase.EVALUATING, HERE, None)
    assert here.draft is not None
    assert here.draft.basis.sentence == BASIS.sentence


@pytest.mark.parametrize("row", [row for row in Row if row is not Row.CLOSED], ids=str)
def test_from_every_row_it_waits_and_only_ends_stops_or_is_chosen(row: Row) -> None:
    state = in_row(row)
    waiting = state if row is Row.TRANSFER_PENDING else pending(state)
    assert waiting.phase is Phase.TRANSFER_PENDING
    assert (waiting.proposal, waiting.draft, waiting.hold, waiting.parked) == (None, None, None, None)
    verbs = set(allowed(waiting, NOW))
    assert {Verb.STOP, Verb.CHOOSE_TRANSFER} <= verbs
    assert not verbs & {Verb.APPROVE, Verb.SKIP, Verb.HOLD, Verb.RESUME, Verb.ESCALATE}


def test_what_was_found_here_is_looked_up_here_from_now_on() -> None:
    waiting = pending(in_row(Row.MEETING))
    assert waiting.steps[0].basis.school_id == HERE
    assert waiting.transfer is not None
    assert waiting.transfer.redo is not None
    assert waiting.transfer.redo.basis.school_id == HERE
    assert transitions.basis_of(waiting).school_id == HERE
    third = transfers.begun(
        went(
            went_on(in_row(Row.MEETING)).but(draft=None, phase=Phase.WAITING),
            EnrolmentChanged(end=EnrolmentEnd.TRANSFERRED, from_school_id=ELSEWHERE, to_school_id=THIRD),
        ),
        NOW,
    )
    assert third.steps[0].basis.school_id == HERE, "the first school stays the one of its evidence"


def test_the_steps_of_a_transfer_in_their_order() -> None:
    waiting = pending(in_row(Row.WAITING)).but(unreported=())
    assert steps.next_step(waiting, NOW) == transfers.OpenHandover()
    transfer = waiting.transfer
    assert transfer is not None
    shown = waiting.but(transfer=transfer.but(decide_at=NOW + timedelta(days=28)))
    assert steps.next_step(shown, NOW) == steps.Idle(NOW + timedelta(days=28), "choice of the receiving school")
    assert steps.due_at(shown, NOW) == NOW + timedelta(days=28)
    assert steps.next_step(shown.but(check_due=True), NOW) == steps.CheckBasis()
    assert steps.next_step(shown.but(decide_due=True), NOW) == steps.Decide(may_advance=False)
    assert steps.next_step(shown, NOW + timedelta(days=28)) == transfers.LapseTransfer()


def test_a_correction_is_shown_and_a_fact_ends_it_meanwhile() -> None:
    waiting = pending(in_row(Row.WAITING))
    lost = transitions.basis_checked(waiting, BasisCheck(holds=False, sentence="5 -> 3"), NOW)
    assert lost.phase is Phase.TRANSFER_PENDING
    assert lost.unreported[-1].type is EventType.TRIGGER_INVALIDATED
    stop = StopFound(key="resolved", then=StopThen.STOPPED, reason=StopReason.CASE_RESOLVED)
    resolved = transitions.decided(waiting, Decision(action=Action.STOP, stop=stop), NOW, may_advance=False)
    assert resolved.closing == Close(reason=StopReason.CASE_RESOLVED)
    improved = stop.but(then=StopThen.EXIT_REVIEW)
    still = transitions.decided(waiting, Decision(action=Action.STOP, stop=improved), NOW, may_advance=False)
    assert (still.phase, still.closing) == (Phase.TRANSFER_PENDING, None)


def test_a_choice_names_the_school_that_chooses() -> None:
    waiting = pending(in_row(Row.WAITING))
    said = ChooseTransfer(command_id="c", reason="because", choice=TransferChoice.CONTINUE, to_school_id=ELSEWHERE)
    transfers.check_choice(waiting, said)
    with pytest.raises(Conflict) as stale:
        transfers.check_choice(waiting, said.model_copy(update={"to_school_id": THIRD}))
    assert stale.value.extra["current"] == str(ELSEWHERE)
    with pytest.raises(Conflict):
        transfers.check_choice(in_row(Row.WAITING), said)
    with pytest.raises(Invalid):
        transfers.check_choice(waiting, said.model_copy(update={"choice": TransferChoice.LAPSED}))
    decided = transfers.choose(waiting, said, NOW)
    assert set(allowed(decided, NOW)) == {Verb.RECORD_CONTACT, Verb.RECORD_DELIVERY, Verb.REASSIGN}


def test_going_on_the_wait_is_counted_anew_by_the_new_school() -> None:
    there = went_on(in_row(Row.WAITING))
    assert (there.phase, there.school_id, there.stage_key) == (Phase.WAITING, ELSEWHERE, "letter-1")
    assert (there.wait_due, there.wait_from, there.advance_at, there.decide_at) == (True, DAY, None, None)
    assert there.unreported[-1].type is EventType.CASE_MOVED
    assert not there.support_only


def test_a_rung_not_taken_is_proposed_again_there() -> None:
    for row in (Row.AWAITING_APPROVAL, Row.ACTING, Row.MEETING, Row.NEEDS_STAFF):
        there = went_on(in_row(row))
        assert there.phase is Phase.EVALUATING, row
        assert there.draft is not None
        assert there.draft.kind is ProposalKind.STEP
        assert there.act == Act(basis=there.act.basis)
    assert pending(in_row(Row.MEETING)).cancelling == in_row(Row.MEETING).meeting.id  # type: ignore[union-attr]  # booked in this row


def test_before_the_first_rung_it_is_looked_at_there() -> None:
    there = went_on(in_row(Row.EVALUATING))
    assert (there.phase, there.draft) == (Phase.EVALUATING, None)


def test_a_letter_that_has_gone_out_counts_and_the_other_is_not_written_any_more() -> None:
    sent = Recipient(guardian_id=MOTHER, state=DeliveryState.SENT, effective_day=DAY)
    act = Act(cleared=True, planned=True, basis=BASIS, recipients=(sent, Recipient(guardian_id=FATHER)))
    there = went_on(in_row(Row.ACTING).but(proposal=None, act=act))
    last = there.last_step
    assert last is not None
    assert (last.stage_key, last.reached, last.effective_day) == ("letter-1", True, DAY)
    assert [one.state for one in last.deliveries] == [DeliveryState.SENT, DeliveryState.GIVEN_UP]
    assert (there.phase, there.draft) == (Phase.WAITING, None)


def test_a_rung_that_reached_nobody_is_done_again_there() -> None:
    unsent = STEP.but(reached=False, effective_day=None)
    there = went_on(in_row(Row.WAITING).but(steps=(unsent,)))
    assert (there.phase, there.steps) == (Phase.EVALUATING, ())
    assert there.draft is not None
    skipped = went_on(in_row(Row.WAITING).but(steps=(unsent.but(result=StepResult.SKIPPED),)))
    assert (skipped.phase, skipped.wait_from) == (Phase.WAITING, None)


def test_holds_go_along_and_their_day_is_found_anew() -> None:
    held = in_row(Row.HOLD_STAFF)
    there = went_on(held.but(hold=Hold(reason="medical_plan", until=DAY, until_at=LATER, back_to=Phase.MEETING)))
    assert there.phase is Phase.ON_HOLD
    assert there.hold is not None
    assert (there.hold.reason, there.hold.until_at, there.hold.back_to) == ("medical_plan", None, Phase.EVALUATING)
    lost = went_on(in_row(Row.HOLD_BASIS))
    assert lost.hold is not None
    assert lost.hold.kind is HoldKind.BASIS
    later = in_row(Row.ACTING).but(after_effects=AfterEffects(hold=Hold(reason="later")))
    assert went_on(later).phase is Phase.ON_HOLD
    stopped = in_row(Row.ACTING).but(after_effects=AfterEffects(stop=Close(reason=StopReason.OTHER_SUPPORT)))
    assert pending(stopped).closing == Close(reason=StopReason.OTHER_SUPPORT)


def test_an_outcome_that_was_recorded_is_carried_out_there() -> None:
    state = in_row(Row.HOLD_STAFF)
    assert state.meeting is not None
    from_meeting = RecordMeetingOutcome(command_id="m", meeting_id=state.meeting.id, outcome="RESOLVED")
    waiting = pending(state.but(outcome=from_meeting))
    assert (waiting.meeting, waiting.cancelling) == (state.meeting, None)
    there = went_on(state.but(outcome=from_meeting))
    assert there.hold is not None
    assert there.hold.back_to is Phase.MEETING


def test_a_follow_up_goes_on_in_the_weeks_of_the_new_school() -> None:
    there = went_on(in_row(Row.FOLLOW_UP))
    assert there.phase is Phase.FOLLOW_UP
    assert there.follow_up is not None
    assert (there.follow_up.check_at, there.follow_up.week_first) == (None, None)
    assert there.draft is not None
    assert there.draft.kind is ProposalKind.RELAPSE, "what was asked is asked again there"
    assert went_on(in_row(Row.FOLLOW_UP).but(proposal=None)).draft is None
    leaving = went_on(in_row(Row.EXIT_REVIEW))
    assert leaving.phase is Phase.EXIT_REVIEW
    assert leaving.draft is not None
    assert leaving.draft.kind is ProposalKind.EXIT


@pytest.mark.parametrize("choice", [TransferChoice.CLOSE, TransferChoice.CONTINUE])
def test_it_closes_when_chosen_or_when_a_ladder_of_the_key_runs_there(choice: TransferChoice) -> None:
    closed = chosen(in_row(Row.WAITING), choice, moved=False)
    assert closed.closing is not None
    assert closed.closing.reason is StopReason.TRANSFERRED
    ended = transitions.closed(closed, NOW)
    assert (ended.phase, ended.transfer) == (Phase.CLOSED, None)


def test_nobody_chose_in_time() -> None:
    late = transfers.settled(transfers.lapsed(pending(in_row(Row.WAITING)), NOW), NOW, moved=False)
    assert late.closing == Close(reason=StopReason.TRANSFERRED)


# Support only -----------------------------------------------------------------------------------------------------

CONTACT = Stage(key="contact", type=StageType.CONTACT, stage_type="CONTACT")
CARING = LadderSnapshot(rule_set_key="general", rule_set_version=1, digest="d1", stages=(*STAGES, CONTACT))


def test_with_support_only_no_letter_is_proposed_and_the_ladder_is_at_its_end() -> None:
    there = supported(in_row(Row.AWAITING_APPROVAL))
    assert there.support_only
    assert (there.phase, there.ended, there.draft, there.index) == (Phase.WAITING, True, None, -1)
    assert [step.result for step in there.steps] == [StepResult.JUMPED] * 3
    waiting = supported(in_row(Row.WAITING))
    assert waiting.phase is Phase.WAITING
    further = transitions.decided(waiting, Decision(action=Action.ADVANCE, basis=BASIS), NOW, may_advance=True)
    assert (further.ended, further.stage_key) == (True, "letter-1")


def test_with_support_only_the_next_contact_is_proposed_over_the_letters() -> None:
    there = supported(in_row(Row.AWAITING_APPROVAL).but(ladder=CARING))
    assert (there.phase, there.stage_key) == (Phase.EVALUATING, "contact")
    assert there.draft == Draft(basis=there.draft.basis, note=BASIS.sentence) if there.draft else False
    jumped = [event.facts for event in there.unreported if event.type is EventType.JUMPED]
    assert [fact["over"] for fact in jumped] == ["letter-1", "meeting", "escalation"]


def test_with_support_only_neither_rules_nor_staff_go_further() -> None:
    there = supported(in_row(Row.WAITING))
    harder = transitions.decided(there, Decision(action=Action.ESCALATE, to="escalation"), NOW, may_advance=True)
    assert (harder.phase, harder.stage_key) == (Phase.WAITING, "letter-1")
    with pytest.raises(Conflict):
        decisions.escalation_target(there, None)
    with pytest.raises(Conflict):
        decisions.reopening_index(there, "letter-1")
    assert decisions.escalation_target(there.but(ladder=CARING), "contact") == "contact"
    exiting = there.but(phase=Phase.EXIT_REVIEW, proposal=PROPOSAL.but(kind=ProposalKind.EXIT))
    assert not decisions.confirm_exit(exiting, ConfirmExit(command_id="e", reason="better"), NOW).exit.tell_family
    kept = chosen(there.but(school_id=HERE), TransferChoice.CONTINUE)
    assert kept.support_only, "the next school cannot harden it by going on"


def test_escalating_and_reopening_stay_possible_without_it() -> None:
    state = in_row(Row.WAITING)
    assert decisions.escalation_target(state, Escalate(command_id="x", to="meeting").to) == "meeting"
    assert decisions.reopening_index(state, Reopen(command_id="x", to_stage="letter-1").to_stage) == 0


MOTHERS, FATHERS = (Referred(id=UUID(int=20 + n), guardian_id=who) for n, who in enumerate((MOTHER, FATHER)))


def referring(*people: Referred) -> State:
    """Its last rung waits until every guardian's referral is sent."""
    step = Step(stage_key="letter-1", basis=BASIS, referrals=people)
    return in_row(Row.WAITING).but(steps=(step,), advance_at=None, decide_at=None)


def test_a_referral_that_nobody_has_sent_yet_is_proposed_again_there() -> None:
    moved = pending(referring(MOTHERS, FATHERS))
    assert moved.steps == ()
    assert moved.transfer is not None
    assert moved.transfer.redo is not None
    assert moved.transfer.redo.basis.values == BASIS.values
    left = MOTHERS.but(left_out=True)
    assert pending(referring(left, FATHERS)).steps == ()


def test_a_referral_of_one_guardian_that_is_sent_is_never_sent_again() -> None:
    moved = pending(referring(MOTHERS.but(on=DAY), FATHERS))
    (step,) = moved.steps
    assert (step.reached, step.effective_day) == (True, DAY)
    assert step.referrals == (MOTHERS.but(on=DAY), FATHERS.but(left_out=True))
    assert moved.transfer is not None
    assert moved.transfer.redo is None


def test_referrals_all_sent_stay_as_they_are() -> None:
    step = Step(stage_key="letter-1", basis=BASIS, referrals=(MOTHERS.but(on=DAY),), reached=True, effective_day=DAY)
    (kept,) = pending(in_row(Row.WAITING).but(steps=(step,))).steps
    assert (kept.reached, kept.effective_day, kept.referrals) == (True, DAY, step.referrals)
