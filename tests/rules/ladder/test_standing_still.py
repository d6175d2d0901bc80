"""Where the ladder stands still: what a person has entered still ends the case, and reminders and due dates stay."""

from datetime import date, timedelta

import pytest

from rules.ladder import acting, facts, giving_up, steps, transitions
from rules.ladder.commands import DeliveryState, FactChanged
from rules.ladder.describing import details
from rules.ladder.events import EventType
from rules.ladder.state import REACHED, Decision, Hold, Recipient, State, Step, StopFound
from rules.ladder.verbs import Row
from rules.ladder.words import Action, HoldKind, Phase, StopReason, StopThen
from tests.rules.ladder.rows import BASIS, LATER, NOW, PROPOSAL, in_row, soon
from tests.workflows.world import FATHER, MOTHER

STANDING = (
    Row.HOLD_STAFF,
    Row.HOLD_BASIS,
    Row.HOLD_ENGINES_DIFFER,
    Row.HOLD_CONTACT_STOP,
    Row.EXIT_REVIEW,
    Row.FOLLOW_UP,
    Row.NEEDS_STAFF,
)
EXEMPT = StopFound(key="exempt", then=StopThen.STOPPED, reason=StopReason.EXEMPT)


def told(row: Row) -> State:
    return facts.fact_changed(in_row(row), FactChanged(), NOW)


@pytest.mark.parametrize("row", STANDING)
def test_a_fact_that_a_person_entered_ends_a_case_that_stands_still(row: Row) -> None:
    state = told(row)
    assert steps.next_step(state, NOW) == steps.Decide(may_advance=False)
    stopped = transitions.decided(state, Decision(action=Action.STOP, stop=EXEMPT), NOW, may_advance=False)
    assert stopped.closing is not None
    assert stopped.closing.reason is StopReason.EXEMPT


@pytest.mark.parametrize("row", STANDING)
@pytest.mark.parametrize(
    "decision",
    [
        Decision(action=Action.ADVANCE, basis=BASIS),
        Decision(action=Action.ESCALATE, to="escalation"),
        Decision(action=Action.ENGINES_DIFFER),
        Decision(action=Action.STOP, stop=EXEMPT.but(then=StopThen.EXIT_REVIEW)),
    ],
    ids=lambda decision: decision.action.value,
)
def test_nothing_else_moves_a_case_that_stands_still(row: Row, decision: Decision) -> None:
    state = told(row)
    assert transitions.decided(state, decision, NOW, may_advance=False) == state.but(decide_due=False)


@pytest.mark.parametrize("row", STANDING)
def test_a_run_that_began_before_waits_as_it_did(row: Row) -> None:
    before = told(row).but(changes=())
    assert not isinstance(steps.next_step(before, NOW), steps.Decide)


def test_asking_in_vain_parks_no_case_that_stands_still() -> None:
    state = told(Row.HOLD_STAFF)
    after = acting.parked(state, steps.ASKING, "no_register", NOW)
    assert (after.phase, after.unreported[-1].type) == (Phase.ON_HOLD, EventType.NEEDS_STAFF)
    assert not giving_up.again(after, steps.Decide(may_advance=False)).decide_due


def test_a_case_parked_because_asking_failed_does_not_ask_again_by_itself() -> None:
    after = acting.parked(in_row(Row.WAITING), steps.ASKING, "no_register", NOW)
    state = giving_up.again(after.but(unreported=()), steps.Decide(may_advance=True))
    assert (state.phase, state.decide_due) == (Phase.NEEDS_STAFF, True)
    assert steps.next_step(state, NOW) == steps.Idle(None, "staff")


def test_a_proposal_that_waits_again_is_due_when_its_next_reminder_is() -> None:
    proposal = PROPOSAL.but(due=date(2026, 11, 30), remind_at=(LATER,))
    hold = Hold(back_to=Phase.AWAITING_APPROVAL, until=date(2026, 11, 25))
    held = in_row(Row.AWAITING_APPROVAL).but(proposal=proposal, phase=Phase.ON_HOLD, hold=hold, due=hold.until)
    state = transitions.resumed(held)
    assert (state.check_due, state.decide_due) == (True, True)
    assert steps.due_at(state, NOW) == LATER
    assert state.due == proposal.due


def test_a_hold_takes_its_own_date_away_with_it() -> None:
    hold = Hold(back_to=Phase.WAITING, until=date(2026, 11, 25))
    held = in_row(Row.WAITING).but(phase=Phase.ON_HOLD, hold=hold, due=hold.until)
    assert transitions.resumed(held).due is None
    assert transitions.resumed(held.but(due=date(2026, 12, 1))).due == date(2026, 12, 1)


def test_reminders_that_fell_due_during_a_hold_are_one_reminder() -> None:
    days = tuple(NOW + timedelta(days=n) for n in (1, 2, 30))
    waiting = in_row(Row.AWAITING_APPROVAL).but(proposal=PROPOSAL.but(remind_at=days))
    later = NOW + timedelta(days=3)
    assert steps.next_step(waiting, later) == steps.Remind()
    once = transitions.reminded(waiting, later).but(unreported=())
    assert steps.next_step(once, later) == steps.Idle(days[2], "reminder")
    before = transitions.reminded(waiting.but(changes=()), later).but(unreported=())
    assert steps.next_step(before, later) == steps.Remind()


@pytest.mark.parametrize("kind", HoldKind)
def test_a_hold_in_words_never_ends_in_a_colon(kind: HoldKind) -> None:
    hold = Hold(kind=kind)
    said = details(in_row(Row.WAITING).but(phase=Phase.ON_HOLD, hold=hold), None)
    assert said.endswith(f"On hold ({kind})")
    assert details(in_row(Row.WAITING).but(phase=Phase.ON_HOLD, hold=hold.but(reason="holiday")), None).endswith(
        f"On hold ({kind}): holiday"
    )


# When a step is done -----------------------------------------------------------------------------------------------


def noted(state: State) -> int:
    return [event.type for event in state.unreported].count(EventType.STEP_TAKEN)


def posted(*states: DeliveryState) -> State:
    """A letter to these guardians; the ones still to be posted have no effective day."""
    people = tuple(
        Recipient(guardian_id=guardian, state=state, effective_day=date(2026, 11, 23) if state in REACHED else None)
        for guardian, state in zip((MOTHER, FATHER), states, strict=False)
    )
    days = [one.effective_day for one in people if one.effective_day]
    step = Step(stage_key="letter-1", deliveries=people, reached=bool(days), effective_day=min(days, default=None))
    return acting.step_taken(in_row(Row.ACTING).but(proposal=None), step, NOW)


def test_a_letter_that_only_goes_by_post_is_taken_when_it_is_posted() -> None:
    state = posted(DeliveryState.AWAITING_POST)
    assert (state.phase, noted(state)) == (Phase.WAITING, 0)
    state = facts.delivered(state, MOTHER, DeliveryState.HANDED_OVER, date(2026, 11, 24), soon())
    assert noted(state) == 1
    again = facts.delivered(state, MOTHER, DeliveryState.DELIVERED, date(2026, 11, 24), soon(2))
    assert noted(again) == 1, "a later word on the same letter takes no step"


def test_a_step_is_taken_when_the_last_letter_has_come_to_its_end() -> None:
    state = posted(DeliveryState.SENT, DeliveryState.AWAITING_POST)
    assert (noted(state), state.wait_due) == (0, True), "the wait counts from the first, the step is not done"
    ended = facts.delivered(state, FATHER, DeliveryState.FAILED, None, soon())
    assert noted(ended) == 1
    assert noted(posted(DeliveryState.SENT, DeliveryState.SENT)) == 1


def test_a_step_that_reached_nobody_is_not_taken_until_a_contact_reaches_the_family() -> None:
    state = posted(DeliveryState.FAILED)
    assert (state.phase, noted(state)) == (Phase.NEEDS_STAFF, 0)
    assert noted(acting.reached(state, date(2026, 11, 24), soon())) == 1


def test_a_run_that_began_before_notes_its_step_as_it_did() -> None:
    step = Step(stage_key="letter-1", deliveries=(Recipient(guardian_id=MOTHER, state=DeliveryState.AWAITING_POST),))
    state = acting.step_taken(in_row(Row.ACTING).but(proposal=None, changes=()), step, NOW)
    assert noted(state) == 1
    assert noted(facts.delivered(state, MOTHER, DeliveryState.HANDED_OVER, date(2026, 11, 24), soon())) == 1
