"""Meetings: booked, missed, moved; each outcome leads where ladder.md says."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from rules.ids import MeetingId
from rules.ladder import commands
from rules.ladder.words import Phase
from rules.meetings.outcomes import MeetingStatus
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import ESCALATION, MEETING, Walk, ladder, refused, walking
from tests.workflows.world import World
from workflows.messages import View

pytestmark = pytest.mark.servers
PLAN = ladder(MEETING, ESCALATION)


async def invited(walk: Walk) -> None:
    await walk.approve("meeting")
    await walk.until(lambda v: v.state.meeting and v.state.meeting.invited and not v.state.unreported, "invitation")


def rescheduled(times: int) -> Callable[[View], bool]:
    return lambda view: (
        view.state.reschedules == times and view.state.meeting is not None and view.state.meeting.invited
    )


@pytest.mark.parametrize("outcome", ["RESOLVED", "NO_ACTION"])
def test_a_resolved_meeting_leads_to_exit_review(time_skipping: TimeSkipping, outcome: str) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await invited(walk)
            await walk.outcome(outcome)
            view = await walk.phase(Phase.EXIT_REVIEW)
            assert view.state.steps[0].reached
            assert walk.ports.orders("apply_outcome")[0].outcome.outcome == outcome
            assert walk.ports.count("cancel_meeting") == 0
            await walk.say("reject_exit", commands.RejectExit)
            await walk.pass_days(20)
            await walk.pending("escalation")

    asyncio.run(story())


def test_a_medical_plan_holds_the_case_until_its_end(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await invited(walk)
            with refused("until_required"):
                await walk.outcome("MEDICAL_PLAN")
            until = await walk.today() + timedelta(days=30)
            await walk.outcome("MEDICAL_PLAN", until=until)
            view = await walk.until(lambda v: v.state.hold and v.state.hold.until_at, "hold")
            assert view.state.hold is not None
            assert view.state.hold.until == until + timedelta(days=1), "through its last day"
            await walk.pass_days(32)
            await walk.pending("escalation")

    asyncio.run(story())


def test_a_support_plan_waits_and_then_goes_on(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await invited(walk)
            await walk.outcome("SUPPORT_PLAN")
            await walk.until(lambda v: v.state.advance_at, "wait")
            await walk.pass_days(10)
            await walk.pending("escalation")

    asyncio.run(story())


def test_a_meeting_that_decides_to_escalate_proposes_the_escalation(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await invited(walk)
            await walk.outcome("ESCALATE", held_at=await walk.env.get_current_time())
            view = await walk.pending("escalation")
            assert [(s.stage_key, s.result.value, s.reached) for s in view.state.steps] == [("meeting", "TAKEN", True)]

    asyncio.run(story())


def test_rescheduling_beyond_the_limit_proposes_to_escalate(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await invited(walk)
            for nth in (1, 2):
                await walk.outcome("RESCHEDULE")
                await walk.until(rescheduled(nth), "again")
            await walk.outcome("RESCHEDULE")
            view = await walk.pending("escalation")
            assert [s.result.value for s in view.state.steps] == ["JUMPED"]
            booked = walk.ports.orders("book_meeting")
            assert [order.nth for order in booked] == [0, 1, 2]
            assert booked[1].after == walk.world.meetings[0]

    asyncio.run(story())


def test_a_familys_no_show_is_escalated_only_after_another_mode_was_offered(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await invited(walk)
            with refused("no_show_by_whom"):
                await walk.outcome("NO_SHOW")
            await walk.outcome("NO_SHOW", no_show="FAMILY")
            await walk.until(lambda v: v.state.meeting and v.state.meeting.awaiting_decision, "no-show")
            assert walk.ports.orders("apply_outcome")[0].counted
            with refused("decide_no_show"):
                await walk.outcome("RESOLVED")
            with refused("other_mode_first"):
                await walk.outcome("ESCALATE")
            await walk.outcome("ESCALATE", other_mode_offered=True)
            await walk.pending("escalation")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("arrived", "who"),
    [(False, "FAMILY"), (True, "SCHOOL")],
    ids=["invitation never arrived", "school did not come"],
)
def test_a_no_show_that_is_not_the_familys_fault_does_not_count(
    time_skipping: TimeSkipping, who: str, *, arrived: bool
) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN, World(invitations_arrive=arrived)) as walk:
            await invited(walk)
            await walk.outcome("NO_SHOW", no_show=who)
            await walk.until(lambda v: v.state.meeting and v.state.meeting.awaiting_decision, "no-show")
            with refused("other_mode_first"):
                await walk.outcome("ESCALATE", other_mode_offered=True)
            await walk.outcome("RESCHEDULE")
            await walk.until(lambda v: v.state.reschedules == 1 and v.state.meeting, "again")

    asyncio.run(story())


def test_a_meeting_not_booked_in_time_is_extended_booked_by_hand_or_skipped(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN, World(slot_in_school_days=None)) as walk:
            await walk.approve("meeting")
            await walk.phase(Phase.MEETING)
            await walk.pass_days(20)
            view = await walk.pending("meeting")
            assert view.state.proposal is not None
            assert view.state.proposal.kind == "EXTEND_MEETING"
            await walk.approve("meeting")
            await walk.until(lambda v: v.phase == "MEETING" and v.state.meeting and v.state.meeting.book_by, "extended")
            await walk.pass_days(20)
            view = await walk.pending("meeting")
            assert view.state.meeting is not None
            starts = await walk.env.get_current_time() + timedelta(days=2)
            await walk.tell("meeting_changed", changed(view.state.meeting.id, starts_at=starts, ends_at=starts))
            await walk.until(lambda v: v.state.meeting and v.state.meeting.invited, "invited")
            assert walk.ports.count("invite_attendees") == 1
            await walk.say("skip", commands.Skip)
            await walk.until(lambda v: v.phase == "WAITING" and v.state.advance_at, "skipped")
            assert walk.ports.count("cancel_meeting") == 1

    asyncio.run(story())


def changed(meeting_id: MeetingId, status: str = "SCHEDULED", **fields: Any) -> commands.MeetingChanged:
    return commands.MeetingChanged(meeting_id=meeting_id, status=MeetingStatus(status), **fields)


def test_a_meeting_moved_or_cancelled_by_hand_is_followed(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await invited(walk)
            meeting = (await walk.view()).state.meeting
            assert meeting is not None
            later = await walk.env.get_current_time() + timedelta(days=9)
            await walk.tell("meeting_changed", changed(meeting.id, starts_at=later, ends_at=later))
            await walk.tell("meeting_changed", changed(MeetingId(uuid4()), starts_at=later, ends_at=later))
            await walk.until(lambda _: walk.ports.count("invite_attendees") == 2, "invited again")
            await walk.tell("meeting_changed", changed(meeting.id, "CANCELLED"))
            await walk.until(
                lambda v: v.state.meeting and v.state.meeting.book_by and not v.state.meeting.invited, "open"
            )
            await walk.say("escalate", commands.Escalate)
            await walk.pending("escalation")
            assert walk.ports.count("cancel_meeting") == 1

    asyncio.run(story())


def test_after_the_meetings_time_a_task_asks_for_the_outcome(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await invited(walk)
            await walk.pass_days(8)
            await walk.until(lambda v: v.state.meeting and v.state.meeting.outcome_task, "task")
            assert walk.ports.orders("open_task")[0].kind == "record_meeting_outcome"
            with refused("stale_meeting"):
                await walk.outcome("RESOLVED", meeting_id=MeetingId(uuid4()))

    asyncio.run(story())


def test_an_outcome_recorded_on_hold_takes_effect_on_resume(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await invited(walk)
            await walk.say("hold", commands.HoldCase)
            await walk.phase(Phase.ON_HOLD)
            await walk.outcome("RESOLVED")
            await walk.phase(Phase.ON_HOLD)
            assert walk.ports.count("apply_outcome") == 0
            await walk.say("resume", commands.Resume)
            await walk.phase(Phase.EXIT_REVIEW)

    asyncio.run(story())
