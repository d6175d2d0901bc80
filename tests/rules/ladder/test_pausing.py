"""Facts that hold a case while they last, and only while they last."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from rules.ladder import acting, decisions, meetings, steps, transitions
from rules.ladder.commands import HoldCase, RecordMeetingOutcome, Resume
from rules.ladder.events import EventType
from rules.ladder.state import BasisCheck, Decision, Hold, Pause, State, StopFound, Verdict
from rules.ladder.verbs import Row, row_of
from rules.ladder.words import Action, HoldKind, PauseKind, Phase, StopReason, StopThen
from tests.rules.ladder.rows import BASIS, LATER, NOW, M, in_row

PLAN = Pause(id=UUID(int=1), kind=PauseKind.EXEMPTION, until=date(2026, 12, 1))
REASON = Pause(id=UUID(int=2), kind=PauseKind.AMEND_REGISTER)
MOVING = (Row.EVALUATING, Row.WAITING, Row.AWAITING_APPROVAL, Row.MEETING)
NOT_HELD = (Row.EXIT_REVIEW, Row.FOLLOW_UP, Row.NEEDS_STAFF, Row.HOLD_BASIS, Row.HOLD_CONTACT_STOP, Row.HOLD_STAFF)


def looked(state: State, *pauses: Pause, action: Action = Action.WAIT) -> State:
    decision = Decision(action=action, basis=BASIS, pauses=pauses)
    return transitions.decided(state.but(decide_due=True), decision, NOW, may_advance=True)


@pytest.mark.parametrize("row", MOVING)
@pytest.mark.parametrize("pause", [PLAN, REASON], ids=lambda pause: pause.kind.value)
def test_a_fact_holds_a_case_that_moves_and_its_end_lets_it_go_on(row: Row, pause: Pause) -> None:
    held = looked(in_row(row), pause, action=Action.ADVANCE)
    assert held.hold is not None
    assert (row_of(held), held.hold.reason, held.hold.until) == (Row.HOLD_STAFF, pause.kind.value, pause.until)
    assert looked(held, pause).phase is Phase.ON_HOLD
    freed = looked(held)
    assert (freed.phase, freed.hold, freed.decide_due) == (in_row(row).phase, None, True)


@pytest.mark.parametrize("row", NOT_HELD)
def test_elsewhere_a_fact_changes_no_phase(row: Row) -> None:
    assert row_of(looked(in_row(row), PLAN)) is row
    assert row_of(looked(in_row(row))) is row, "and no hold of a person ends with it"


def test_a_stop_that_a_person_entered_comes_before_the_hold() -> None:
    stop = StopFound(key="reason", then=StopThen.STOPPED, reason=StopReason.GUARDIAN_REASON_ACCEPTED)
    said = Decision(action=Action.STOP, stop=stop, pauses=(REASON,))
    held = looked(in_row(Row.WAITING), REASON)
    for state in (in_row(Row.WAITING), held):
        assert transitions.decided(state, said, NOW, may_advance=False).closing is not None


def test_an_approved_step_is_looked_at_and_must_be_approved_again() -> None:
    fine = Verdict(basis=BasisCheck(holds=True), entitled=1, pauses=(PLAN,))
    held = acting.cleared(in_row(Row.ACTING), fine, NOW)
    assert held.hold is not None
    assert (held.phase, held.hold.back_to, held.undo_until) == (Phase.ON_HOLD, Phase.AWAITING_APPROVAL, None)
    assert held.proposal is not None


def test_staff_resume_over_the_facts_they_know_and_a_new_one_holds_again() -> None:
    held = looked(in_row(Row.WAITING), PLAN)
    on = looked(decisions.resume(held, Resume(command_id="c", reason="agreed"), NOW), PLAN)
    assert (on.phase, on.passed, on.passing) == (Phase.WAITING, (PLAN.id,), False)
    assert looked(on, PLAN, REASON).phase is Phase.ON_HOLD
    assert looked(on).passed == (), "what is over is forgotten"


def test_a_hold_by_a_person_is_no_resume_over_facts() -> None:
    held = decisions.hold(in_row(Row.WAITING), HoldCase(command_id="c", reason="trip"), NOW)
    on = decisions.resume(held, Resume(command_id="d", reason="back"), NOW)
    assert looked(on, PLAN).phase is Phase.ON_HOLD


def test_of_several_facts_the_last_to_end_counts_and_a_new_end_is_a_new_date() -> None:
    longer = PLAN.but(id=UUID(int=3), until=date(2026, 12, 9))
    held = looked(in_row(Row.WAITING), PLAN)
    assert held.hold is not None
    dated = held.but(hold=held.hold.but(until_at=LATER))
    both = looked(dated, PLAN, longer).hold
    assert both is not None
    assert (both.until, both.until_at) == (date(2026, 12, 9), None)
    open_end = looked(dated, PLAN, REASON).hold
    assert open_end is not None
    assert (open_end.until, open_end.reason) == (None, "exemption")
    same = looked(dated, PLAN).hold
    assert same is not None
    assert same.until_at == LATER


def test_two_days_on_staff_are_asked_again_to_amend_the_register_once() -> None:
    held = looked(in_row(Row.WAITING), REASON).but(unreported=())
    soon, then = NOW + timedelta(days=1), NOW + timedelta(days=2)
    assert steps.next_step(held, soon) == steps.Idle(then, "hold")
    assert steps.next_step(held, then) == steps.RemindToAmend()
    assert looked(in_row(Row.WAITING), PLAN).hold == Hold(
        reason="exemption", until=PLAN.until, back_to=Phase.WAITING, paused=True
    )


def test_a_hold_whose_reason_a_correction_takes_becomes_one_of_basis() -> None:
    held = looked(in_row(Row.WAITING), REASON)
    lost = transitions.basis_lost(held, BasisCheck(holds=False), NOW)
    assert looked(lost).phase is Phase.ON_HOLD, "only a person decides on a basis"
    assert lost.hold is not None
    assert lost.hold.kind is HoldKind.BASIS


def test_a_medical_plan_holds_through_its_last_day() -> None:
    said = RecordMeetingOutcome(command_id="c", meeting_id=M, outcome="MEDICAL_PLAN", until=date(2026, 12, 1))
    state = meetings.outcome_applied(in_row(Row.MEETING).but(outcome=said), date(2026, 11, 23), NOW)
    assert state.hold is not None
    assert (state.hold.until, state.hold.paused) == (date(2026, 12, 2), True)
    assert EventType.HELD in {event.type for event in state.unreported}


def test_a_run_that_began_before_is_not_held_by_facts() -> None:
    assert looked(in_row(Row.WAITING).but(changes=()), PLAN).phase is Phase.WAITING
