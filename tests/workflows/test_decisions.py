"""People decide: proposals, approval and its undo, holds, skips, escalation, reminders."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from rules.ids import PersonId, ProposalId
from rules.ladder import commands
from rules.ladder.stages import Approval
from rules.ladder.words import Phase
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import ESCALATION, LETTER_1, LETTER_2, MEETING, Walk, ladder, proposal_of, refused, walking
from tests.workflows.world import World
from workflows.messages import View

pytestmark = pytest.mark.servers
TWO = ladder(LETTER_1, LETTER_2, ESCALATION)


async def accepted_updates(walk: Walk) -> int:
    history = await walk.handle.fetch_history()
    return sum(e.HasField("workflow_execution_update_accepted_event_attributes") for e in history.events)


def reminded(times: int) -> Callable[[View], bool]:
    return lambda view: view.state.proposal is not None and view.state.proposal.reminded == times


def test_a_stale_proposal_is_refused_and_leaves_no_history(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            current = proposal_of(await walk.pending("letter-1"))
            with refused("stale_proposal") as errors:
                await walk.say("approve", commands.Approve, proposal_id=ProposalId(uuid4()))
            assert errors[0].details[0]["current"] == str(current)
            assert await accepted_updates(walk) == 0

    asyncio.run(story())


def test_a_verb_without_a_reason_is_refused(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            with refused("reason_required"):
                await walk.say("skip", commands.Skip, reason=" ")

    asyncio.run(story())


def test_the_same_command_twice_sends_one_letter_and_answers_twice(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            proposal = proposal_of(await walk.pending("letter-1"))
            first = await walk.say("approve", commands.Approve, proposal_id=proposal, command_id="once")
            await walk.phase(Phase.WAITING)
            again = await walk.say("approve", commands.Approve, proposal_id=proposal, command_id="once")
            assert (first.phase, again.phase) == ("ACTING", "WAITING")
            assert walk.ports.count("deliver_letter") == 1

    asyncio.run(story())


def test_of_two_people_deciding_at_once_one_is_told_that_the_case_moved_on(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            proposal = proposal_of(await walk.pending("letter-1"))
            both = await asyncio.gather(
                walk.say("approve", commands.Approve, proposal_id=proposal),
                walk.say("skip", commands.Skip, proposal_id=proposal),
                return_exceptions=True,
            )
            assert sum(isinstance(answer, commands.Answer) for answer in both) == 1
            await walk.phase(Phase.WAITING)
            assert walk.ports.events().count("APPROVED") + walk.ports.events().count("SKIPPED") == 1

    asyncio.run(story())


def test_an_approval_withdrawn_within_the_undo_sends_nothing(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO, undo_seconds=600) as walk:
            proposal = proposal_of(await walk.pending("letter-1"))
            answer = await walk.approve("letter-1")
            assert answer.phase == "ACTING"
            assert answer.undo_until is not None
            assert "withdraw_approval" in answer.verbs
            await walk.say("withdraw_approval", commands.WithdrawApproval, proposal_id=proposal)
            await walk.pending("letter-1")
            await walk.pass_days(1)
            assert walk.ports.count("preflight") == 0
            await walk.approve("letter-1")
            await walk.until(lambda v: v.due_at, "undo timer")
            await walk.env.sleep(timedelta(seconds=601))
            await walk.phase(Phase.WAITING)
            assert walk.ports.count("deliver_letter") == 1

    asyncio.run(story())


def test_reminders_come_after_three_five_and_ten_school_days_and_the_proposal_stays(
    time_skipping: TimeSkipping,
) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            for days, expected in ((3, 1), (4, 2), (7, 3), (30, 3)):
                await walk.pass_days(days)
                await walk.until(reminded(expected), "reminder")
                assert walk.ports.count("remind") == expected
            await walk.approve("letter-1")
            await walk.phase(Phase.WAITING)

    asyncio.run(story())


def test_a_hold_lasts_until_its_date_and_the_case_is_looked_at_afresh(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            until = await walk.today() + timedelta(days=14)
            await walk.say("hold", commands.HoldCase, until=until)
            view = await walk.until(lambda v: v.state.hold and v.state.hold.until_at, "hold date")
            assert "until" in view.details
            later = until + timedelta(days=7)
            await walk.say("hold", commands.HoldCase, until=later)
            await walk.until(
                lambda v: v.state.hold and v.state.hold.until_at and v.state.hold.until == later, "new date"
            )
            await walk.pass_days(15)
            assert (await walk.view()).phase == "ON_HOLD"
            await walk.pass_days(8)
            await walk.pending("letter-1")
            assert "RESUMED" in walk.ports.events()

    asyncio.run(story())


def test_a_held_case_resumes_where_it_was_and_stops_if_a_stop_became_true(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            await walk.say("hold", commands.HoldCase)
            await walk.phase(Phase.ON_HOLD)
            walk.world.true_stops = {"exempt": "STOPPED"}
            await walk.say("resume", commands.Resume)
            view = await walk.result()
            assert (view.status, view.state.stop_reason) == ("STOPPED", "STOP_CONDITION")

    asyncio.run(story())


def test_a_hold_said_while_effects_run_waits_for_them(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO, undo_seconds=60) as walk:
            await walk.approve("letter-1")
            answer = await walk.say("hold", commands.HoldCase)
            assert answer.phase == "ACTING"
            await walk.until(lambda v: not v.state.unreported, "reported")
            await walk.pass_days(1)
            view = await walk.phase(Phase.ON_HOLD)
            assert view.state.hold is not None
            assert view.state.hold.back_to is Phase.AWAITING_APPROVAL
            await walk.say("resume", commands.Resume)
            await walk.pending("letter-1")
            await walk.approve("letter-1")
            await walk.say("stop", commands.Stop, reason_code="STAFF_DECISION")
            assert (await walk.result()).state.stop_reason == "STAFF_DECISION"
            assert walk.ports.count("deliver_letter") == 0

    asyncio.run(story())


def test_a_skipped_rung_is_followed_by_the_same_wait(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            await walk.say("skip", commands.Skip)
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            assert view.state.steps[0].result == "SKIPPED"
            await walk.pass_days(20)
            await walk.pending("letter-2")
            assert walk.ports.count("deliver_letter") == 0

    asyncio.run(story())


def test_staff_escalate_over_the_rungs_between_and_the_escalation_still_needs_approval(
    time_skipping: TimeSkipping,
) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            with refused("no_such_stage"):
                await walk.say("escalate", commands.Escalate, to="letter-9")
            await walk.say("escalate", commands.Escalate)
            view = await walk.pending("escalation")
            assert view.status == "ESCALATED"
            assert view.state.proposal is not None
            assert view.state.proposal.approver is Approval.LEADER
            assert [(s.stage_key, s.result.value) for s in view.state.steps] == [
                ("letter-1", "JUMPED"),
                ("letter-2", "JUMPED"),
            ]
            await walk.approve("escalation")
            await walk.phase(Phase.WAITING)
            assert walk.ports.count("open_escalation") == 1
            assert walk.ports.count("deliver_letter") == 0

    asyncio.run(story())


def test_a_rule_escalates_past_a_pending_proposal(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, ladder(LETTER_1, LETTER_2, MEETING)) as walk:
            old = proposal_of(await walk.pending("letter-1"))
            await walk.attendance(escalate_to="meeting")
            await walk.pending("meeting")
            assert walk.ports.events().count("JUMPED") == 2
            with refused("stale_proposal"):
                await walk.say("approve", commands.Approve, proposal_id=old)

    asyncio.run(story())


def test_an_automatic_rung_goes_on_without_a_person_but_never_an_escalation(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        auto = LETTER_1.model_copy(update={"approval": Approval.AUTO})
        hard = ESCALATION.model_copy(update={"approval": Approval.AUTO})
        async with walking(time_skipping, ladder(auto, hard), World(automatic=True)) as walk:
            await walk.phase(Phase.WAITING)
            assert walk.ports.count("deliver_letter") == 1
            await walk.pass_days(30)
            view = await walk.pending("escalation")
            assert view.phase == "AWAITING_APPROVAL"

    asyncio.run(story())


def test_a_case_given_to_another_person_stays_where_it_is(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            await walk.say("reassign", commands.Reassign, assignee_id=PersonId(uuid4()), reason="")
            await walk.until(lambda v: not v.state.unreported, "report")
            assert "REASSIGNED" in walk.ports.events()
            said = [e.by for order in walk.ports.projections for e in order.events if e.by]
            assert [by.command_id for by in said] == ["c1"]

    asyncio.run(story())


def test_the_ladders_end_asks_staff_once_a_month_and_listens_for_a_stop(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, ladder(LETTER_1)) as walk:
            await walk.approve("letter-1")
            await walk.phase(Phase.WAITING)
            await walk.pass_days(20)
            await walk.until(lambda v: v.state.task_at, "monthly look")
            for month in (1, 2):
                await walk.pass_days(32)
                await walk.until(lambda v: v.state.task_at and not v.state.unreported, "next look")
                assert walk.ports.count("open_task") == month
            await walk.attendance(true_stops={"resolved": "STOPPED"})
            assert (await walk.result()).status == "STOPPED"
            assert walk.ports.events().count("LADDER_ENDED") == 1

    asyncio.run(story())


def test_letter_one_then_full_attendance_gives_no_letter_two(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.approve("letter-1")
            await walk.until(lambda v: v.state.advance_at, "wait")
            walk.world.new_absence = False
            await walk.pass_days(42)
            await walk.attendance()
            view = await walk.view()
            assert (view.phase, view.state.proposal, view.stage_key) == ("WAITING", None, "letter-1")
            assert walk.ports.count("deliver_letter") == 1

    asyncio.run(story())
