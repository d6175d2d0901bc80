"""The school year ends: who is asked, what a case takes into the new year, and what it never says there."""

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import Conflict
from rules.ladder import decisions, last_year, steps, transitions, year_ends
from rules.ladder.commands import (
    Approve,
    ChooseYearEnd,
    Command,
    DeliveryState,
    Escalate,
    Reopen,
    YearEnds,
)
from rules.ladder.events import EventType
from rules.ladder.parts import NewYear, Referred, YearEnd
from rules.ladder.stages import Stage, StageType
from rules.ladder.state import (
    AfterEffects,
    Basis,
    Close,
    Decision,
    Draft,
    Hold,
    Parked,
    Recipient,
    State,
    StopFound,
)
from rules.ladder.verbs import Row
from rules.ladder.words import (
    Action,
    Change,
    HoldKind,
    NeedsStaff,
    Phase,
    ProposalKind,
    Status,
    StopReason,
    StopThen,
    YearEndChoice,
)
from rules.meetings.outcomes import MeetingStatus
from tests.rules.ladder.rows import BASIS, BOOKED, NOW, PLAN, PROPOSAL, STAGES, STEP, in_row, soon
from tests.workflows.world import FATHER, MOTHER

BEGINS = NOW.date()
OPEN, QUIET = BEGINS + timedelta(days=34), NOW + timedelta(days=41)
YEAR = NewYear(began=BEGINS, first_open=OPEN, quiet_until=QUIET)
OPEN_CASES = [row for row in Row if row is not Row.CLOSED]
NOTICE = Stage(key="notice", type=StageType.NOTICE, stage_type="NOTICE", wait_school_days=15)
STATUTORY = Stage(key="statutory", type=StageType.LETTER, stage_type="LETTER_2", statutory=True)
LEGAL = PLAN.model_copy(update={"stages": (STAGES[0], STATUTORY, NOTICE)})
SAID = {"command_id": "c", "reason": "because"}
WITH_PEOPLE = {Row.EXIT_REVIEW, Row.FOLLOW_UP, Row.MEETING}


def nearing(state: State, begins: date = BEGINS) -> State:
    return year_ends.nears(state, YearEnds(begins=begins), NOW)


def asked(state: State, at: datetime = NOW) -> State:
    return year_ends.asked(nearing(state), at, NOW).but(unreported=())


def choosing(choice: YearEndChoice, begins: date = BEGINS) -> ChooseYearEnd:
    return ChooseYearEnd(**SAID, choice=choice, begins=begins)


def ended(state: State, choice: YearEndChoice | None = YearEndChoice.CARRY) -> State:
    state = asked(state)
    if choice:
        state = year_ends.choose(state, choosing(choice), NOW)
    return year_ends.settled(year_ends.settling(state), OPEN, QUIET, NOW)


def kinds(state: State) -> list[EventType]:
    return [event.type for event in state.unreported]


def test_a_case_is_asked_once_about_each_year() -> None:
    state = nearing(in_row(Row.WAITING))
    assert state.year_end == YearEnd(begins=BEGINS)
    assert steps.next_step(state, NOW) == year_ends.AskYearEnd()
    assert steps.due_at(state, NOW) is None
    assert nearing(state) is state
    carried = ended(in_row(Row.WAITING))
    assert nearing(carried) is carried
    later = nearing(carried, BEGINS + timedelta(days=365))
    assert later.year_end == YearEnd(begins=BEGINS + timedelta(days=365))


def test_people_see_it_and_the_case_wakes_for_it() -> None:
    state = year_ends.asked(nearing(in_row(Row.WAITING)), soon(5), NOW)
    assert kinds(state) == [EventType.YEAR_END_ASKED]
    state = state.but(unreported=())
    assert steps.next_step(state, NOW) == steps.Idle(soon(5), "the new school year")
    assert steps.due_at(state, NOW) == soon(5)
    assert steps.next_step(state, soon(5)) == year_ends.CarryOutYearEnd()


def test_what_is_due_sooner_comes_first() -> None:
    state = asked(in_row(Row.WAITING).but(decide_at=soon(1)), soon(5))
    assert steps.next_step(state, NOW) == steps.Idle(soon(1), "wait before the next step")


def test_a_run_from_before_keeps_what_it_heard_until_it_rolls_over() -> None:
    before = in_row(Row.WAITING).but(changes=tuple(one for one in Change if one is not Change.YEAR_ENDS))
    heard = nearing(before)
    assert heard.year_end == YearEnd(begins=BEGINS)
    assert steps.next_step(heard, NOW) == steps.next_step(before, NOW)
    asked_before = heard.but(year_end=YearEnd(begins=BEGINS, begins_at=soon()))
    assert steps.next_step(asked_before, NOW) == steps.next_step(before, NOW)


def test_a_closed_case_is_asked_nothing() -> None:
    assert year_ends.next_of_year_end(nearing(in_row(Row.CLOSED)), NOW) is None


def test_a_running_effect_a_rescission_and_a_transfer_come_first() -> None:
    acting = in_row(Row.ACTING)
    running = acting.but(act=acting.act.but(cleared=True), undo_until=None)
    assert steps.next_step(asked(running), NOW) == steps.TakeStep()
    assert steps.next_step(asked(acting), NOW) == year_ends.CarryOutYearEnd()
    assert steps.next_step(asked(in_row(Row.HOLD_BASIS).but(rescinding=Command(command_id="r"))), NOW) == (
        steps.Rescind()
    )
    assert isinstance(steps.next_step(asked(in_row(Row.TRANSFER_PENDING)), NOW), steps.Idle)


def test_what_was_chosen_can_be_changed_until_it_is_carried_out() -> None:
    state = asked(in_row(Row.WAITING))
    year_ends.check_choice(state, choosing(YearEndChoice.CARRY))
    state = year_ends.choose(state, choosing(YearEndChoice.CARRY), NOW)
    state = year_ends.choose(state, choosing(YearEndChoice.CLOSE_WITH_SUMMARY), NOW)
    assert state.year_end is not None
    assert state.year_end.choice is YearEndChoice.CLOSE_WITH_SUMMARY
    assert kinds(state) == [EventType.YEAR_END_CHOSEN] * 2
    assert year_ends.is_open(state)
    assert not year_ends.is_open(year_ends.settling(state))


@pytest.mark.parametrize("state", [asked(in_row(Row.WAITING)), in_row(Row.WAITING)], ids=["another", "none"])
def test_a_choice_about_another_year_is_refused(state: State) -> None:
    with pytest.raises(Conflict) as refusal:
        year_ends.check_choice(state, choosing(YearEndChoice.CARRY, BEGINS + timedelta(days=365)))
    assert refusal.value.code == "stale_year_end"
    assert refusal.value.extra["current"] == (BEGINS.isoformat() if state.year_end else None)


@pytest.mark.parametrize("row", OPEN_CASES, ids=str)
def test_closed_with_a_summary_it_is_stopped_by_whoever_chose(row: Row) -> None:
    state = ended(in_row(row), YearEndChoice.CLOSE_WITH_SUMMARY)
    assert state.closing == Close(reason=StopReason.YEAR_END, by=Command(**SAID))
    assert state.year_end is None
    stopped = Close(reason=StopReason.OTHER_SUPPORT)
    assert ended(in_row(row).but(closing=stopped), YearEndChoice.CLOSE_WITH_SUMMARY).closing == stopped


def test_without_a_choice_it_is_reviewed_in_autumn() -> None:
    state = ended(in_row(Row.AWAITING_APPROVAL), None)
    assert state.phase is Phase.ON_HOLD
    assert state.hold == Hold(reason=year_ends.REVIEW, back_to=Phase.WAITING)
    assert kinds(state) == [EventType.YEAR_ENDED, EventType.PROPOSAL_WITHDRAWN, EventType.HELD]
    on = transitions.resumed(state)
    assert (on.phase, on.wait_due, on.wait_from) == (Phase.WAITING, True, OPEN)


def test_carried_it_stands_on_the_same_rung_and_waits_from_the_first_open_day() -> None:
    state = ended(in_row(Row.WAITING))
    assert (state.phase, state.index, state.steps) == (Phase.WAITING, 0, (STEP,))
    assert (state.wait_due, state.wait_from, state.advance_at, state.decide_at) == (True, OPEN, None, None)
    assert state.new_year == YEAR
    assert steps.next_step(state.but(unreported=()), NOW) == steps.ResolveWait()


def test_a_rung_that_waited_for_approval_is_proposed_again_only_by_this_years_counts() -> None:
    second = in_row(Row.AWAITING_APPROVAL).but(index=2, steps=(STEP,), status=Status.ESCALATED)
    state = ended(second)
    assert (state.phase, state.index, state.proposal, state.draft) == (Phase.WAITING, 0, None, None)
    assert state.status is Status.ACTIVE
    assert transitions.basis_of(state) == BASIS
    first = ended(in_row(Row.AWAITING_APPROVAL))
    assert (first.index, first.wait_due, first.wait_from) == (-1, True, OPEN)


def test_a_rung_that_stands_keeps_the_case_escalated() -> None:
    step = STEP.but(stage_key="escalation")
    state = ended(in_row(Row.WAITING).but(index=2, steps=(step,), status=Status.ESCALATED))
    assert (state.index, state.status) == (2, Status.ESCALATED)


def test_letters_not_yet_posted_are_never_posted() -> None:
    people = (
        Recipient(guardian_id=MOTHER, state=DeliveryState.SENT, effective_day=date(2026, 11, 20)),
        Recipient(guardian_id=FATHER, state=DeliveryState.AWAITING_POST),
    )
    state = ended(in_row(Row.WAITING).but(steps=(STEP.but(deliveries=people),)))
    assert [one.state for one in state.steps[0].deliveries] == [DeliveryState.SENT, DeliveryState.GIVEN_UP]


def test_a_rung_that_reached_nobody_is_not_taken_but_a_plan_still_waits_for_its_agreement() -> None:
    parked = Parked(why=NeedsStaff.FAMILY_NOT_REACHED, back_to=Phase.WAITING)
    nobody = in_row(Row.NEEDS_STAFF).but(parked=parked, steps=(STEP.but(reached=False),))
    state = ended(nobody)
    assert (state.phase, state.parked, state.steps, state.index) == (Phase.WAITING, None, (), -1)
    plan = STEP.but(reached=False, effective_day=None, plan_id=UUID(int=4))
    waiting = in_row(Row.WAITING).but(steps=(plan,), advance_at=None, decide_at=None)
    state = ended(waiting)
    assert (state.steps, state.wait_due) == ((plan,), False)


def test_a_referral_not_sent_is_left_out_and_with_none_sent_the_rung_is_not_taken() -> None:
    unsent = Referred(id=UUID(int=5), guardian_id=MOTHER)
    gone = Referred(id=UUID(int=7), guardian_id=FATHER, on=BEGINS - timedelta(days=30))
    step = STEP.but(reached=False, effective_day=None)
    waiting = in_row(Row.WAITING).but(advance_at=None, decide_at=None)
    state = ended(waiting.but(steps=(step.but(referrals=(unsent, gone)),)))
    (kept,) = state.steps
    assert (kept.reached, kept.effective_day) == (True, gone.on)
    assert [one.left_out for one in kept.referrals] == [True, False]
    assert state.wait_due
    assert ended(waiting.but(steps=(step.but(referrals=(unsent,)),))).steps == ()


def test_a_notice_runs_as_long_as_it_says_and_the_ladders_end_stays_one() -> None:
    step = STEP.but(stage_key="notice")
    running = in_row(Row.WAITING).but(ladder=LEGAL, index=2, steps=(step,), advance_at=soon(9), decide_at=soon(9))
    state = ended(running)
    assert (state.wait_due, state.advance_at, state.decide_at) == (False, soon(9), soon(9))
    last = ended(in_row(Row.WAITING).but(ended=True))
    assert (last.ended, last.wait_due) == (True, False)


@pytest.mark.parametrize("row", sorted(WITH_PEOPLE), ids=str)
def test_a_meeting_an_exit_and_a_follow_up_go_on(row: Row) -> None:
    before = in_row(row)
    state = ended(before)
    assert (state.phase, state.proposal, state.follow_up, state.meeting) == (
        before.phase,
        before.proposal,
        before.follow_up,
        before.meeting,
    )
    reviewed = ended(before, YearEndChoice.REVIEW_IN_AUTUMN)
    assert (reviewed.phase is Phase.ON_HOLD) is (row is Row.MEETING)


def test_a_meeting_not_yet_booked_has_its_time_anew() -> None:
    meeting = BOOKED.but(status=MeetingStatus.PROPOSED, invited=False, book_by=soon())
    state = ended(in_row(Row.MEETING).but(meeting=meeting))
    assert state.meeting == meeting.but(book_by=None)
    assert steps.next_step(state.but(unreported=()), NOW) == steps.ResolveBooking()
    asking = in_row(Row.MEETING).but(phase=Phase.EVALUATING, draft=Draft(kind=ProposalKind.EXTEND_MEETING))
    assert ended(asking).draft == asking.draft


def test_a_hold_holds_on_and_only_one_of_staff_gives_way_to_the_review() -> None:
    until = date(2026, 12, 1)
    hold = Hold(until=until, until_at=soon(), back_to=Phase.AWAITING_APPROVAL)
    staff = in_row(Row.AWAITING_APPROVAL).but(phase=Phase.ON_HOLD, hold=hold)
    carried = ended(staff)
    assert (carried.hold, carried.due, carried.proposal) == (hold.but(back_to=Phase.WAITING), until, None)
    reviewed = ended(staff, None)
    assert reviewed.hold == Hold(reason=year_ends.REVIEW, back_to=Phase.WAITING)
    lost = staff.but(hold=hold.but(kind=HoldKind.BASIS))
    assert ended(lost, None).hold == hold.but(kind=HoldKind.BASIS, back_to=Phase.WAITING)


def test_what_was_said_while_an_effect_ran_is_done() -> None:
    stop = Close(reason=StopReason.STAFF_DECISION)
    parked = in_row(Row.NEEDS_STAFF)
    stopped = ended(parked.but(after_effects=AfterEffects(stop=stop)), None)
    assert (stopped.closing, stopped.phase) == (stop, Phase.WAITING)
    held = ended(parked.but(after_effects=AfterEffects(hold=Hold(reason="ill"))))
    assert held.hold == Hold(reason="ill", back_to=Phase.WAITING)


def test_an_effect_that_failed_where_the_case_stands_is_still_parked() -> None:
    parked = in_row(Row.FOLLOW_UP).but(phase=Phase.NEEDS_STAFF, parked=Parked(effect="week", back_to=Phase.FOLLOW_UP))
    assert ended(parked, None).parked == parked.parked
    booking = in_row(Row.MEETING).but(phase=Phase.NEEDS_STAFF, parked=Parked(effect="book", back_to=Phase.MEETING))
    assert ended(booking, None).phase is Phase.NEEDS_STAFF


@given(
    row=st.sampled_from(OPEN_CASES),
    choice=st.sampled_from([None, *YearEndChoice]),
    said=st.sampled_from([AfterEffects(), AfterEffects(hold=Hold(reason="ill"))]),
    index=st.integers(-1, 2),
)
def test_no_rung_of_last_year_is_ever_left_to_approve_or_to_send(
    row: Row, choice: YearEndChoice | None, said: AfterEffects, index: int
) -> None:
    state = ended(in_row(row).but(after_effects=said, index=index), choice)
    for pending in (state.proposal, state.draft):
        assert state.closing or pending is None or pending.kind is not ProposalKind.STEP
    assert state.closing or state.phase is not Phase.ACTING
    assert state.year_end is None
    assert EventType.YEAR_ENDED in kinds(state)
    assert (state.closing is not None) is (choice is YearEndChoice.CLOSE_WITH_SUMMARY)


STOP = StopFound(key="improved", then=StopThen.EXIT_REVIEW)
ENTERED = StopFound(key="exempt", then=StopThen.STOPPED, reason=StopReason.EXEMPT)
JUDGEMENTS = [Decision(action=Action.STOP, stop=STOP), Decision(action=Action.ADVANCE)]
JUDGEMENTS.append(Decision(action=Action.ESCALATE, to="escalation"))


@pytest.mark.parametrize("decision", JUDGEMENTS, ids=lambda one: one.action.value)
@pytest.mark.parametrize("row", [Row.WAITING, Row.EVALUATING], ids=str)
def test_the_first_days_of_a_year_decide_nothing(row: Row, decision: Decision) -> None:
    young = in_row(row).but(new_year=YEAR, decide_at=None)
    state = transitions.decided(young, decision, NOW, may_advance=True)
    assert (state.phase, state.decide_at, state.unreported) == (Phase.WAITING, QUIET, ())
    later = transitions.decided(young, decision, QUIET, may_advance=True)
    assert later.phase is not Phase.WAITING


def test_in_them_a_fact_still_ends_the_case_and_two_engines_that_differ_still_stop_it() -> None:
    young = in_row(Row.WAITING).but(new_year=YEAR)
    fact = transitions.decided(young, Decision(action=Action.STOP, stop=ENTERED), NOW, may_advance=False)
    assert fact.closing == Close(reason=StopReason.EXEMPT)
    differ = transitions.decided(young, Decision(action=Action.ENGINES_DIFFER), NOW, may_advance=False)
    assert differ.phase is Phase.ON_HOLD
    assert transitions.decided(young, Decision(), NOW, may_advance=False).decide_at == young.decide_at


SPANS = "unauthorised_sessions/weeks:10"
CUT = "absent_half_days/ytd/all"


@pytest.mark.parametrize(
    ("basis", "spans"),
    [
        (Basis(values={SPANS: 10}), True),
        (Basis(values={SPANS: 10, "months_into_year": 3}), True),
        (Basis(values={CUT: 10}), False),
        (Basis(values={SPANS: 10, CUT: 10}), False),
        (Basis(values={SPANS: 10, CUT: 10}, holding=(SPANS,)), True),
        (Basis(values={"unauthorised_sessions/ytd": 10}), False),
        (Basis(values={"months_into_year": 3}), False),
        (Basis(values={"absent": 3}), False),
        (Basis(), False),
    ],
)
def test_only_what_counts_over_the_turn_of_the_year_spans_years(basis: Basis, *, spans: bool) -> None:
    assert last_year.spans_years(basis) is spans


@pytest.mark.parametrize("stage", [STATUTORY, NOTICE], ids=lambda one: one.key)
def test_no_rung_of_the_law_is_entered_on_last_years_counts(stage: Stage) -> None:
    index = LEGAL.index_of(stage.key)
    assert index is not None
    state = in_row(Row.WAITING).but(ladder=LEGAL, new_year=YEAR)
    withheld = transitions.entered(state, index, BASIS, NOW)
    assert (withheld.phase, withheld.index, withheld.draft, withheld.wait_due) == (Phase.WAITING, 0, None, True)
    assert kinds(withheld) == [EventType.STEP_OF_LAST_YEAR]
    none_before = transitions.entered(state.but(steps=()), index, BASIS, NOW)
    assert none_before.index == -1
    for basis in (BASIS.but(on=BEGINS), BASIS.but(on=None), BASIS.but(values={SPANS: 10})):
        assert transitions.entered(state, index, basis, NOW).draft is not None
    assert transitions.entered(state.but(new_year=None), index, BASIS, NOW).draft is not None
    assert transitions.entered(state, 0, BASIS, NOW).draft is not None


def test_nobody_gets_there_by_escalating_reopening_or_a_relapse() -> None:
    state = in_row(Row.WAITING).but(ladder=LEGAL, new_year=YEAR)
    with pytest.raises(Conflict, match="counted last school year") as refusal:
        decisions.escalation_target(state, Escalate(**SAID, to="notice").to)
    assert refusal.value.code == "last_years_counts"
    with pytest.raises(Conflict, match="counted last school year"):
        decisions.reopening_index(state, Reopen(**SAID, to_stage="statutory").to_stage)
    plan = LEGAL.model_copy(update={"follow_up": LEGAL.follow_up.model_copy(update={"relapse_to": "notice"})})
    following = in_row(Row.FOLLOW_UP).but(ladder=plan, new_year=YEAR)
    back = decisions.approve(following, Approve(**SAID, proposal_id=PROPOSAL.id), NOW, timedelta())
    assert (back.phase, back.draft, back.follow_up) == (Phase.WAITING, None, None)
    assert EventType.STEP_OF_LAST_YEAR in kinds(back)
