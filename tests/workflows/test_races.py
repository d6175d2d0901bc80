"""Somebody speaks while an effect is running: what it then finds out belongs to the past and is dropped."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from rules.ladder import commands
from rules.ladder.words import Phase
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import ESCALATION, LETTER_1, LETTER_2, MEETING, Walk, ladder, walking
from tests.workflows.world import World

pytestmark = pytest.mark.servers
PLAN = ladder(LETTER_1, MEETING, LETTER_2, ESCALATION)


async def started(_walk: Walk) -> None:
    return


async def attended(walk: Walk) -> None:
    await walk.pending("letter-1")
    walk.world.absences = 6
    await walk.tell("attendance_changed", commands.AttendanceChanged(seq=1))


async def meeting_approved(walk: Walk) -> None:
    await walk.pending("letter-1")
    await walk.say("escalate", commands.Escalate, to="meeting")
    await walk.approve("meeting")


async def outcome_said(walk: Walk) -> None:
    await meeting_approved(walk)
    await walk.until(lambda v: v.state.meeting and v.state.meeting.invited, "invited")
    await walk.outcome("SUPPORT_PLAN")


async def exit_confirmed(walk: Walk) -> None:
    await walk.pending("letter-1")
    await walk.attendance(true_stops={"improved": "EXIT_REVIEW"})
    await walk.until(lambda v: v.phase == "EXIT_REVIEW" and v.state.proposal, "exit review")
    await walk.say("confirm_exit", commands.ConfirmExit)


async def week_over(walk: Walk) -> None:
    await exit_confirmed(walk)
    await walk.until(lambda v: v.state.follow_up and v.state.follow_up.check_at, "week")
    walk.passing = walk.meanwhile(16)


CASES: list[tuple[str, Callable[[Walk], Awaitable[None]]]] = [
    ("decide", started),
    ("open_proposal", started),
    ("check_basis", attended),
    ("apply_outcome", outcome_said),
    ("next_school_week", exit_confirmed),
    ("check_week", week_over),
]


@pytest.mark.parametrize(("effect", "reach"), CASES, ids=[effect for effect, _ in CASES])
def test_a_hold_said_meanwhile_wins_and_the_case_looks_afresh_when_resumed(
    time_skipping: TimeSkipping, effect: str, reach: Callable[[Walk], Awaitable[None]]
) -> None:
    async def story() -> None:
        world = World()
        if effect != "check_basis":
            world.shut(effect)
        async with walking(time_skipping, PLAN, world) as walk:
            if effect == "check_basis":
                await walk.pending("letter-1")
                world.shut(effect)
            await reach(walk)
            await world.running(effect)
            await walk.say("hold", commands.HoldCase)
            before = (await walk.view()).state
            world.let_go(effect)
            if walk.passing:
                await walk.passing
            await walk.until(lambda v: v.phase == "ON_HOLD" and not v.state.unreported, "hold")
            after = (await walk.view()).state
            assert (after.index, after.proposal, after.steps) == (before.index, before.proposal, before.steps)
            await walk.say("resume", commands.Resume)
            await walk.until(lambda v: v.phase != "ON_HOLD" and walk.ports.count(effect) == 2, "asked again")

    asyncio.run(story())


def test_a_stop_said_during_the_last_look_sends_nothing(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        world = World()
        world.shut("preflight")
        async with walking(time_skipping, PLAN, world) as walk:
            await walk.approve("letter-1")
            await world.running("preflight")
            await walk.say("stop", commands.Stop, reason_code="STAFF_DECISION")
            world.let_go("preflight")
            assert (await walk.result()).status == "STOPPED"
            assert walk.ports.count("plan_letters") == 0

    asyncio.run(story())


def test_a_hold_said_while_the_letter_is_made_comes_after_it(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        world = World()
        world.shut("issue_letter")
        async with walking(time_skipping, PLAN, world) as walk:
            await walk.approve("letter-1")
            await world.running("issue_letter")
            await walk.say("hold", commands.HoldCase)
            world.let_go("issue_letter")
            await walk.phase(Phase.ON_HOLD)
            assert walk.ports.count("deliver_letter") == 1
            await walk.say("resume", commands.Resume)
            await walk.until(lambda v: v.phase == "WAITING" and v.state.advance_at, "wait")

    asyncio.run(story())


def test_a_meeting_moved_while_it_is_announced_is_announced_again(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        world = World()
        world.shut("invite_attendees")
        async with walking(time_skipping, PLAN, world) as walk:
            await meeting_approved(walk)
            await world.running("invite_attendees")
            meeting = (await walk.view()).state.meeting
            assert meeting is not None
            later = await walk.env.get_current_time() + timedelta(days=9)
            moved = commands.MeetingChanged(meeting_id=meeting.id, status="SCHEDULED", starts_at=later, ends_at=later)
            await walk.tell("meeting_changed", moved)
            world.let_go("invite_attendees")
            await walk.until(lambda v: v.state.meeting and v.state.meeting.invited, "invited")
            assert walk.ports.count("invite_attendees") == 2

    asyncio.run(story())


def test_attendance_that_changes_during_a_decision_is_decided_once_more(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await walk.pending("letter-1")
            walk.world.shut("decide")
            await walk.tell("attendance_changed", commands.AttendanceChanged(seq=1))
            await walk.world.running("decide")
            walk.world.true_stops = {"exempt": "STOPPED"}
            await walk.tell("attendance_changed", commands.AttendanceChanged(seq=2))
            walk.world.let_go("decide")
            assert (await walk.result()).status == "STOPPED"

    asyncio.run(story())


def test_a_skip_during_a_reminder_leaves_nothing_to_remind_of(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await walk.pending("letter-1")
            walk.world.shut("remind")
            passing = walk.meanwhile(4)
            await walk.world.running("remind")
            await walk.say("skip", commands.Skip)
            walk.world.let_go("remind")
            await passing
            await walk.until(lambda v: v.state.advance_at, "wait")
            assert "REMINDED" not in walk.ports.events()

    asyncio.run(story())
