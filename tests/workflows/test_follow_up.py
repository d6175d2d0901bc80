"""Exit review and the six school weeks after it."""

import asyncio
from datetime import timedelta

import pytest

from rules.ladder import commands
from rules.ladder.words import Phase
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import ESCALATION, LETTER_1, LETTER_2, Walk, ladder, refused, walking
from tests.workflows.world import World

pytestmark = pytest.mark.servers
PLAN = ladder(LETTER_1, LETTER_2)


async def improved(walk: Walk) -> None:
    await walk.pending("letter-1")
    await walk.attendance(true_stops={"improved": "EXIT_REVIEW"})
    await walk.until(lambda v: v.phase == "EXIT_REVIEW" and v.state.proposal and not v.state.unreported, "exit review")


async def followed(walk: Walk) -> None:
    await improved(walk)
    await walk.say("confirm_exit", commands.ConfirmExit)
    await walk.until(
        lambda v: v.state.follow_up and v.state.follow_up.check_at and not v.state.unreported, "first week"
    )


async def weeks(walk: Walk, count: int) -> None:
    for _ in range(count * 7 + 20):
        view = await walk.view()
        if view.state.follow_up is None or view.state.follow_up.checked >= count:
            return
        await walk.pass_days(1)
    raise AssertionError("weeks never passed")


def test_a_clean_follow_up_completes_with_figures_and_tells_the_family_once(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await followed(walk)
            assert walk.ports.count("tell_family_of_exit") == 1
            view = await walk.result()
            assert view.status == "COMPLETED"
            done = [e for order in walk.ports.projections for e in order.events if e.type == "COMPLETED"]
            assert done[0].facts["before"] == 8800

    asyncio.run(story())


def test_a_relapse_in_week_four_is_proposed_and_reopens_at_its_rung_with_an_approval_of_its_own(
    time_skipping: TimeSkipping,
) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN, World(relapse_weeks={4})) as walk:
            await followed(walk)
            await weeks(walk, 4)
            view = await walk.pending("letter-2")
            assert view.phase == "FOLLOW_UP"
            assert view.state.proposal is not None
            assert view.state.proposal.kind == "RELAPSE"
            walk.world.true_stops = {}
            await walk.approve("letter-2")
            view = await walk.until(lambda v: v.phase == "AWAITING_APPROVAL", "rung")
            assert view.stage_key == "letter-2"
            assert view.state.follow_up is None
            assert "REOPENED" in walk.ports.events()

    asyncio.run(story())


def test_a_refused_relapse_lets_the_follow_up_go_on_to_its_end(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN, World(relapse_weeks={4})) as walk:
            await followed(walk)
            await weeks(walk, 4)
            await walk.pending("letter-2")
            await walk.say("skip", commands.Skip)
            assert (await walk.result()).status == "COMPLETED"
            assert walk.ports.count("check_week") == 6

    asyncio.run(story())


def test_a_relapse_still_pending_at_the_end_keeps_the_case_open(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN, World(relapse_weeks={6})) as walk:
            await followed(walk)
            await weeks(walk, 6)
            await walk.pending("letter-2")
            await walk.pass_days(30)
            assert (await walk.view()).phase == "FOLLOW_UP"
            await walk.say("skip", commands.Skip)
            assert (await walk.result()).status == "COMPLETED"

    asyncio.run(story())


def test_a_holiday_inside_the_follow_up_is_no_week(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            today = await walk.today()
            walk.world.calendar.close(today + timedelta(days=21), today + timedelta(days=41))
            await followed(walk)
            await walk.result()
            checked = [order.first for order in walk.ports.orders("check_week")]
            assert len(checked) == 6
            assert (checked[-1] - checked[0]).days >= 7 * 7

    asyncio.run(story())


def test_weeks_with_fewer_than_four_sessions_are_added_and_after_ten_weeks_staff_decide(
    time_skipping: TimeSkipping,
) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            today = await walk.today()
            for n in range(200):
                day = today + timedelta(days=n)
                if day.weekday() > 0:
                    walk.world.calendar.close(day, day)
            await followed(walk)
            await weeks(walk, 10)
            view = await walk.pending()
            assert view.state.proposal is not None
            assert view.state.proposal.kind == "INCONCLUSIVE"
            await walk.say("skip", commands.Skip)
            await walk.until(lambda v: v.phase == "EXIT_REVIEW" and v.state.proposal, "again in exit review")
            walk.world.calendar.closed.clear()
            await walk.say("confirm_exit", commands.ConfirmExit)
            assert (await walk.result()).status == "COMPLETED"

    asyncio.run(story())


def test_an_unassessable_follow_up_may_be_completed_by_staff(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            today = await walk.today()
            for n in range(200):
                day = today + timedelta(days=n)
                if day.weekday() > 0:
                    walk.world.calendar.close(day, day)
            await followed(walk)
            await weeks(walk, 10)
            await walk.approve()
            assert (await walk.result()).status == "COMPLETED"

    asyncio.run(story())


def test_a_correction_in_the_follow_up_checks_its_last_week_again(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await followed(walk)
            await weeks(walk, 2)
            walk.world.relapse_weeks = {2}
            await walk.attendance(corrected=True)
            await walk.pending("letter-2")
            assert walk.ports.orders("check_week")[-1].again
            assert (await walk.view()).state.follow_up.checked == 2  # type: ignore[union-attr]  # in follow-up

    asyncio.run(story())


def test_a_rejected_exit_is_recommended_again_only_after_its_condition_was_false(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await improved(walk)
            await walk.say("reject_exit", commands.RejectExit)
            await walk.pending("letter-1")
            await walk.attendance()
            assert (await walk.view()).phase == "AWAITING_APPROVAL"
            await walk.attendance(true_stops={})
            await walk.until(lambda v: v.state.exit.muted_key is None, "was false once")
            await walk.attendance(true_stops={"improved": "EXIT_REVIEW"})
            await walk.phase(Phase.EXIT_REVIEW)

    asyncio.run(story())


def test_a_rejected_exit_is_recommended_again_after_twenty_school_days(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await improved(walk)
            await walk.say("reject_exit", commands.RejectExit)
            await walk.pending("letter-1")
            await walk.until(lambda v: v.state.exit.muted_until, "silence")
            await walk.pass_days(25)
            await walk.attendance()
            assert (await walk.view()).phase == "AWAITING_APPROVAL"
            await walk.pass_days(5)
            await walk.attendance()
            await walk.phase(Phase.EXIT_REVIEW)

    asyncio.run(story())


def test_a_case_is_reopened_from_exit_review_and_from_follow_up(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, ladder(LETTER_1, LETTER_2, ESCALATION)) as walk:
            await followed(walk)
            walk.world.true_stops = {}
            with refused("no_such_stage"):
                await walk.say("reopen", commands.Reopen, to_stage="nowhere")
            await walk.say("reopen", commands.Reopen, to_stage="letter-1")
            await walk.until(lambda v: v.phase == "AWAITING_APPROVAL" and not v.state.unreported, "rung")
            await walk.attendance(true_stops={"improved": "EXIT_REVIEW"})
            await walk.until(lambda v: v.phase == "EXIT_REVIEW" and not v.state.unreported, "review")
            walk.world.true_stops = {}
            await walk.say("reopen", commands.Reopen, to_stage="escalation")
            await walk.until(lambda v: v.phase == "AWAITING_APPROVAL" and v.stage_key == "escalation", "rung")

    asyncio.run(story())


def test_a_hold_in_the_follow_up_pauses_its_checks(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await followed(walk)
            await walk.say("hold", commands.HoldCase)
            await walk.pass_days(30)
            assert walk.ports.count("check_week") == 0
            await walk.say("resume", commands.Resume)
            assert (await walk.result()).status == "COMPLETED"

    asyncio.run(story())
