"""Corners of the transitions that a whole walk seldom comes to."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from rules.ladder import acting, decisions, facts, follow_up, meetings, steps, transitions
from rules.ladder.commands import (
    Approve,
    AttendanceChanged,
    ContactStopChanged,
    DeliveryResult,
    DeliveryState,
    MeetingChanged,
    RecordDelivery,
    RecordMeetingOutcome,
    RegisterQueried,
    RejectExit,
    ResolveBasis,
    SendingChanged,
    Skip,
)
from rules.ladder.stages import Approval, LadderSnapshot, RegisterQuery, Stage, StageType
from rules.ladder.state import (
    Act,
    AfterEffects,
    Basis,
    BasisCheck,
    Close,
    Decision,
    Draft,
    Hold,
    MeetingState,
    Recipient,
    State,
    Step,
    StopFound,
    Verdict,
)
from rules.ladder.verbs import ALWAYS, Row, allowed
from rules.ladder.words import Action, HoldKind, NeedsStaff, Phase, ProposalKind, StepResult, StopReason, StopThen
from rules.meetings.outcomes import MeetingStatus, NoShow, Outcome, counts, status_after
from tests.rules.ladder.rows import ASKED, BASIS, BOOKED, LATER, NOW, PLAN, STEP, M, P, in_row, soon
from tests.workflows.world import FATHER, MOTHER

SAID: dict[str, Any] = {"command_id": "c", "reason": "because"}
WAITING = in_row(Row.WAITING)


def test_statutory_and_escalating_steps_are_never_automatic() -> None:
    auto = {"key": "x", "approval": Approval.AUTO}
    assert Stage(**auto).approver is Approval.AUTO
    assert Stage(**auto, statutory=True).approver is Approval.STAFF
    assert Stage(**auto, type=StageType.NOTICE).approver is Approval.STAFF
    assert Stage(key="x", type=StageType.ESCALATION, approval=Approval.LEADER).approver is Approval.LEADER


def test_a_referral_takes_a_leader_at_least() -> None:
    given = {approval: Stage(key="x", type=StageType.REFERRAL, approval=approval).approver for approval in Approval}
    higher = {Approval.LEADER: Approval.LEADER, Approval.DISTRICT: Approval.DISTRICT}
    assert given == {Approval.AUTO: Approval.LEADER, Approval.STAFF: Approval.LEADER, **higher}


def test_a_state_survives_continue_as_new_unchanged() -> None:
    for row in Row:
        state = in_row(row)
        assert State.model_validate_json(state.model_dump_json()) == state


def test_only_fifty_commands_are_remembered() -> None:
    state = State()
    for n in range(60):
        state = state.remembering(str(n))
    assert len(state.commands) == 50
    assert state.seen("59")
    assert not state.seen("9")


def test_a_rule_never_escalates_backwards_or_nowhere() -> None:
    state = in_row(Row.AWAITING_APPROVAL)
    for to in ("letter-1", "nowhere", None):
        decision = Decision(action=Action.ESCALATE, to=to)
        assert transitions.decided(state, decision, NOW, may_advance=False).phase is Phase.AWAITING_APPROVAL


def test_a_stop_without_its_condition_is_no_stop() -> None:
    after = transitions.decided(WAITING, Decision(action=Action.STOP), NOW, may_advance=False)
    assert (after.phase, after.closing) == (Phase.WAITING, None)


def test_a_muted_exit_found_while_evaluating_only_waits() -> None:
    muted = in_row(Row.EVALUATING).but(exit=in_row(Row.EXIT_REVIEW).exit.but(muted_key="improved"))
    stop = StopFound(key="improved", then=StopThen.EXIT_REVIEW)
    assert transitions.stop_found(muted, stop, NOW).phase is Phase.WAITING


def test_the_silence_of_an_exit_ends_with_its_date() -> None:
    state = WAITING.but(exit=WAITING.exit.but(muted_key="k", muted_until=NOW))
    assert transitions.mute_over(state, soon(-1)).exit.muted_key == "k"
    assert transitions.mute_over(state, NOW).exit.muted_key is None


def test_a_basis_lost_in_exit_review_is_only_shown() -> None:
    check = BasisCheck(holds=False, before={"absent": 5}, after={"absent": 3}, sentence="5 -> 3")
    after = transitions.basis_checked(in_row(Row.EXIT_REVIEW), check, NOW)
    assert after.phase is Phase.EXIT_REVIEW
    assert after.unreported[-1].facts["after absent"] == 3


def test_without_any_step_the_basis_is_empty() -> None:
    assert transitions.basis_of(State()) == Basis()


def test_a_draft_and_a_step_behind_keep_their_basis_when_staff_keep_it() -> None:
    keep = ResolveBasis(choice="keep", **SAID)
    drafted = in_row(Row.HOLD_BASIS).but(draft=Draft(basis=BASIS), meeting=None)
    after = decisions.resolve_basis(drafted, keep, NOW)
    assert after.draft is not None
    assert after.draft.basis.kept
    booked = decisions.resolve_basis(in_row(Row.MEETING), keep, NOW)
    assert booked.phase is Phase.MEETING
    assert booked.act.basis.kept
    assert decisions.resolve_basis(in_row(Row.HOLD_BASIS).but(steps=()), keep, NOW).act.basis.kept


def test_while_steps_are_taken_back_only_records_are_taken() -> None:
    state = in_row(Row.HOLD_BASIS)
    rescinding = decisions.resolve_basis(state, ResolveBasis(choice="rescind", **SAID), NOW)
    assert steps.next_step(rescinding.but(unreported=()), NOW) == steps.Rescind()
    assert set(allowed(rescinding.but(year_end=ASKED), NOW)) == ALWAYS
    meeting = decisions.resolve_basis(in_row(Row.MEETING), ResolveBasis(choice="rescind", **SAID), NOW)
    assert steps.next_step(meeting.but(unreported=()), NOW) == steps.Rescind()


def test_skipping_on_hold_lets_a_step_already_taken_stand() -> None:
    hold = Hold(kind=HoldKind.BASIS, back_to=Phase.WAITING)
    after = decisions.skip(WAITING.but(phase=Phase.ON_HOLD, hold=hold), Skip(**SAID), NOW)
    assert (after.phase, after.steps[0].result, after.steps[0].basis.kept) == (Phase.WAITING, StepResult.TAKEN, True)


def test_skipping_before_the_first_rung_only_waits() -> None:
    state = in_row(Row.EVALUATING).but(phase=Phase.ON_HOLD, hold=Hold(kind=HoldKind.ENGINES_DIFFER))
    assert decisions.skip(state, Skip(**SAID), NOW).steps == ()


def test_an_exit_rejected_before_the_first_rung_decides_again() -> None:
    state = in_row(Row.EXIT_REVIEW).but(steps=(), index=-1)
    after = decisions.reject_exit(state, RejectExit(**SAID), NOW)
    assert (after.decide_due, after.wait_due) == (True, False)


def test_a_relapse_without_a_rung_of_its_own_goes_to_the_first() -> None:
    after = decisions.approve(in_row(Row.FOLLOW_UP), Approve(proposal_id=P, command_id="c"), NOW, timedelta())
    assert after.stage_key == "letter-1"


def test_a_step_without_entitled_family_needs_staff_unless_it_is_no_family_step() -> None:
    acting_on = in_row(Row.ACTING)
    after = acting.cleared(acting_on, Verdict(), NOW)
    assert after.parked is not None
    assert after.parked.why is NeedsStaff.FAMILY_NOT_REACHED
    escalating = acting_on.but(index=2)
    assert acting.cleared(escalating, Verdict(), NOW).act.cleared


def test_paused_sending_is_asked_for_less_and_less_often() -> None:
    state, now, gaps = in_row(Row.ACTING), NOW, []
    for _ in range(5):
        state = acting.cleared(state, Verdict(sending=False, entitled=1), now)
        assert state.sending_retry_at is not None
        gaps.append((state.sending_retry_at - now).total_seconds() / 60)
        now = state.sending_retry_at
    assert gaps == [10, 20, 40, 60, 60]


def test_a_second_reached_day_changes_nothing() -> None:
    assert acting.reached(WAITING, date(2026, 12, 1), NOW) == WAITING
    early = acting.reached(in_row(Row.AWAITING_APPROVAL), date(2026, 11, 20), NOW)
    assert acting.reached(early, date(2026, 11, 21), NOW).act.reached_on == date(2026, 11, 20)


def test_a_step_reached_outside_needs_staff_starts_its_wait() -> None:
    unreached = STEP.but(reached=False, effective_day=None, contact_by=LATER)
    after = acting.reached(WAITING.but(steps=(unreached,)), date(2026, 11, 23), NOW)
    assert (after.phase, after.wait_due, after.steps[0].effective_day) == (Phase.WAITING, True, date(2026, 11, 23))


def test_newer_attendance_in_a_follow_up_looks_again_only_after_a_correction() -> None:
    state = in_row(Row.FOLLOW_UP)
    assert state.follow_up is not None
    checked = state.but(follow_up=state.follow_up.but(through=date(2026, 11, 22)))
    for corrected in (False, True):
        signal = AttendanceChanged(seq=1, corrected=corrected)
        plan = facts.attendance_changed(checked, signal, NOW).follow_up
        assert plan is not None
        assert plan.look_again is corrected


def test_a_contact_stop_elsewhere_changes_no_phase() -> None:
    for row in (Row.WAITING, Row.MEETING, Row.FOLLOW_UP):
        after = facts.contact_stop_changed(in_row(row), ContactStopChanged(active=True), NOW)
        assert (after.phase, after.contact_stop) == (in_row(row).phase, True)


def query(*, opened: bool) -> RegisterQueried:
    return RegisterQueried(query_id=UUID(int=1), opened=opened)


def test_a_register_query_waits_for_running_effects_and_is_forgotten_when_answered_before() -> None:
    asked = facts.register_queried(in_row(Row.ACTING), query(opened=True), NOW)
    assert asked.phase is Phase.ACTING
    assert asked.after_effects.hold is not None
    assert facts.register_queried(asked, query(opened=False), NOW).after_effects == AfterEffects()
    assert facts.register_queried(WAITING, query(opened=False), NOW).phase is Phase.WAITING


def test_a_register_query_leaves_the_clock_where_the_rule_set_or_the_phase_says_so() -> None:
    running = PLAN.model_copy(update={"register_query": RegisterQuery.CONTINUE})
    assert facts.register_queried(WAITING.but(ladder=running), query(opened=True), NOW).phase is Phase.WAITING
    assert facts.register_queried(in_row(Row.EXIT_REVIEW), query(opened=True), NOW).phase is Phase.EXIT_REVIEW


def moved(status: MeetingStatus) -> MeetingChanged:
    return MeetingChanged(meeting_id=M, status=status, starts_at=LATER, ends_at=LATER)


def test_a_meetings_own_outcome_words_are_not_taken_from_a_signal() -> None:
    state = in_row(Row.MEETING)
    assert facts.meeting_changed(state, moved(MeetingStatus.HELD), NOW) == state


def test_a_meeting_booked_while_its_extension_is_drafted_goes_on() -> None:
    missed = meetings.booking_missed(in_row(Row.MEETING), NOW)
    after = facts.meeting_changed(missed, moved(MeetingStatus.SCHEDULED), NOW)
    assert (after.phase, after.draft) == (Phase.MEETING, None)


def test_a_word_on_a_letter_under_way_is_kept_with_the_act() -> None:
    waiting = Recipient(guardian_id=MOTHER, state=DeliveryState.AWAITING_POST)
    state = in_row(Row.ACTING).but(act=Act(cleared=True, recipients=(waiting, Recipient(guardian_id=FATHER))))
    done = DeliveryResult(guardian_id=MOTHER, state=DeliveryState.HANDED_OVER, effective_day=date(2026, 11, 23))
    after = facts.delivery_result(state, done, NOW)
    assert after.act.recipients[0].state is DeliveryState.HANDED_OVER
    unsent = DeliveryResult(guardian_id=FATHER, state=DeliveryState.BOUNCED)
    assert facts.delivery_result(state, unsent, NOW) == state


def letters(*states: DeliveryState, reached: bool) -> State:
    people = zip((MOTHER, FATHER), states, strict=False)
    sent = tuple(Recipient(guardian_id=guardian, state=state) for guardian, state in people)
    return WAITING.but(steps=(STEP.but(reached=reached, deliveries=sent),))


def test_what_a_later_word_on_a_letter_does() -> None:
    sent = letters(DeliveryState.SENT, reached=True)
    assert facts.delivered(sent, MOTHER, DeliveryState.SENT, None, NOW) == sent
    assert facts.delivered(sent, MOTHER, DeliveryState.DELIVERED, None, NOW).bounced == ()
    assert facts.delivered(sent, MOTHER, DeliveryState.BOUNCED, None, NOW).bounced == (MOTHER,)
    both = letters(DeliveryState.AWAITING_POST, DeliveryState.AWAITING_POST, reached=False)
    one = facts.delivered(both, MOTHER, DeliveryState.RETURNED, None, NOW)
    assert one.phase is Phase.WAITING
    none = facts.delivered(one, FATHER, DeliveryState.GIVEN_UP, None, NOW)
    assert none.phase is Phase.NEEDS_STAFF


def test_the_switch_turned_off_says_nothing_to_a_case() -> None:
    held = in_row(Row.HOLD_STAFF).but(sending_retry_at=LATER)
    assert facts.sending_changed(held, SendingChanged(on=True), NOW).sending_retry_at is None
    state = in_row(Row.ACTING).but(sending_retry_at=LATER)
    assert facts.sending_changed(state, SendingChanged(on=False), NOW) == state


def outcome(said: Outcome, **fields: Any) -> RecordMeetingOutcome:
    return RecordMeetingOutcome(meeting_id=M, outcome=said, **SAID, **fields)


def test_without_an_escalation_ahead_a_meeting_that_cannot_be_held_is_left_out() -> None:
    short = LadderSnapshot(stages=PLAN.stages[:2])
    state = in_row(Row.MEETING).but(ladder=short, outcome=outcome(Outcome.RESCHEDULE), reschedules=2)
    after = meetings.outcome_applied(state, NOW.date(), NOW)
    assert (after.phase, after.steps[-1].result) == (Phase.WAITING, StepResult.SKIPPED)
    held = state.but(outcome=outcome(Outcome.ESCALATE, held_at=NOW))
    assert meetings.outcome_applied(held, NOW.date(), NOW).steps[-1].result is StepResult.TAKEN


def test_a_no_show_counts_only_for_the_family_after_an_invitation_that_arrived() -> None:
    assert counts(NoShow.FAMILY, invitation_delivered=True)
    assert not counts(NoShow.FAMILY, invitation_delivered=False)
    assert not counts(NoShow.SCHOOL, invitation_delivered=True)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (Outcome.RESOLVED, MeetingStatus.HELD),
        (Outcome.NO_SHOW, MeetingStatus.NO_SHOW),
        (Outcome.RESCHEDULE, MeetingStatus.CANCELLED),
    ],
)
def test_the_meetings_status_follows_its_outcome(said: Outcome, status: MeetingStatus) -> None:
    assert status_after(said) is status


def test_a_week_looked_at_twice_while_a_relapse_is_pending_proposes_nothing_more() -> None:
    state = in_row(Row.FOLLOW_UP)
    finding = follow_up.WeekFinding(possible_sessions=10, relapse=True, basis=BASIS)
    assert follow_up.week_checked(state, finding, NOW).draft is None


def test_refusing_the_last_relapse_of_an_unassessable_follow_up_asks_how_it_ends() -> None:
    state = in_row(Row.FOLLOW_UP)
    assert state.follow_up is not None
    used_up = state.but(follow_up=state.follow_up.but(checked=10))
    after = follow_up.relapse_refused(used_up, NOW)
    assert after.draft is not None
    assert after.draft.kind is ProposalKind.INCONCLUSIVE


def test_what_was_said_during_effects_is_carried_out_in_every_phase_that_follows() -> None:
    stop = AfterEffects(stop=Close(reason=StopReason.STAFF_DECISION))
    for row in (Row.WAITING, Row.MEETING, Row.NEEDS_STAFF):
        assert steps.next_step(in_row(row).but(after_effects=stop), NOW) == steps.CarryOutAfterEffects()
    assert steps.next_step(in_row(Row.TRANSFER_PENDING), NOW) == steps.Idle(LATER, "choice of the receiving school")
    assert steps.next_step(in_row(Row.CLOSED), NOW) == steps.Idle(None, "next message")


def test_a_meeting_without_a_known_end_only_waits_for_its_outcome() -> None:
    state = in_row(Row.MEETING).but(meeting=BOOKED.but(ends_at=None))
    assert steps.next_step(state, NOW) == steps.Idle(None, "meeting outcome")
    booking = in_row(Row.MEETING).but(meeting=MeetingState(id=M, book_by=LATER))
    assert steps.due_at(booking, NOW) == LATER


def test_paused_sending_idles_until_it_asks_again() -> None:
    state = in_row(Row.ACTING).but(undo_until=None, sending_retry_at=LATER)
    assert steps.next_step(state, NOW) == steps.Idle(LATER, "sending is paused")


def test_a_correction_found_in_exit_review_is_looked_at() -> None:
    assert steps.next_step(in_row(Row.EXIT_REVIEW).but(check_due=True), NOW) == steps.CheckBasis()


def test_a_step_by_hand_without_effective_day_gets_the_day_it_is_counted_from() -> None:
    state = WAITING.but(steps=(Step(stage_key="letter-1", result=StepResult.SKIPPED),), wait_due=True)
    after = acting.wait_resolved(state, date(2026, 12, 7), date(2026, 11, 23), LATER, NOW)
    assert after.steps[0].effective_day == date(2026, 11, 23)


@pytest.mark.parametrize(("handed_over", "arrived"), [(True, True), (False, False)])
def test_an_invitation_handed_over_counts_for_the_meeting_and_for_no_letter(
    *, handed_over: bool, arrived: bool
) -> None:
    letter = Recipient(guardian_id=MOTHER, state=DeliveryState.AWAITING_POST)
    state = in_row(Row.MEETING).but(steps=(STEP.but(deliveries=(letter,)),))
    given = {"guardian_id": MOTHER, "handed_over": handed_over, "effective_day": date(2026, 11, 24)}
    after = decisions.record_delivery(state, RecordDelivery(**SAID, **given, meeting_id=M), NOW)
    assert after.meeting is not None
    assert after.meeting.invitation_delivered is arrived
    assert after.steps == state.steps
    other = RecordDelivery(**SAID, **given, meeting_id=UUID(int=77))
    assert decisions.record_delivery(state, other, NOW).meeting == state.meeting
