"""The school year ends, in virtual time: people are asked, and what they chose begins with the new year."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest

from rules.ladder import commands
from rules.ladder.stages import LadderSnapshot
from rules.ladder.words import Phase
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import ESCALATION, LETTER_1, LETTER_2, MEETING, Walk, ladder, refused, walking
from tests.workflows.world import World
from workflows.messages import View

pytestmark = pytest.mark.servers
PLAN = ladder(LETTER_1, LETTER_2, MEETING, ESCALATION)
SUMMER = 35


def told(
    server: TimeSkipping, story: Callable[[Walk], Awaitable[None]], world: World, plan: LadderSnapshot = PLAN
) -> None:
    async def whole() -> None:
        async with walking(server, plan, world) as walk:
            await story(walk)

    asyncio.run(whole())


async def nears(walk: Walk, days: int = 28) -> date:
    """The nightly pass says so; the holidays of the new year are closed. The new year's first day."""
    begins = await walk.today() + timedelta(days=days)
    walk.world.calendar.close(begins - timedelta(days=7), begins + timedelta(days=SUMMER - 1))
    await walk.tell("year_ends", commands.YearEnds(begins=begins))
    return begins


async def asked(walk: Walk) -> View:
    return await walk.until(lambda v: v.state.year_end and v.state.year_end.begins_at, "year end")


async def choose(walk: Walk, choice: str, begins: date) -> commands.Answer:
    return await walk.say("choose_year_end", commands.ChooseYearEnd, choice=choice, begins=begins)


async def begun(walk: Walk) -> View:
    return await walk.until(lambda v: v.state.new_year and not v.state.unreported, "new year")


def test_carried_it_waits_out_the_summer_and_is_judged_by_the_new_year(time_skipping: TimeSkipping) -> None:
    async def story(walk: Walk) -> None:
        await walk.approve("letter-1")
        await walk.until(lambda v: v.state.advance_at, "wait")
        begins = await nears(walk)
        assert "choose_year_end" in (await asked(walk)).verbs
        with refused("stale_year_end"):
            await choose(walk, "CARRY", begins + timedelta(days=365))
        assert (await choose(walk, "CARRY", begins)).phase == "WAITING"
        await walk.pass_days(15)
        old = (await walk.pending("letter-2")).state.proposal
        await walk.pass_days(14)
        view = await begun(walk)
        assert (view.phase, view.state.index, view.state.proposal) == ("WAITING", 0, None)
        assert "choose_year_end" not in view.verbs
        await walk.pass_days(SUMMER + 4)
        await walk.attendance(true_stops={"improved": "EXIT_REVIEW"})
        assert (await walk.view()).phase == "WAITING"
        walk.world.true_stops = {}
        await walk.pass_days(20)
        again = (await walk.pending("letter-2")).state.proposal
        assert old is not None
        assert again is not None
        assert again.id != old.id
        assert again.basis.on is not None
        assert again.basis.on > begins
        assert walk.ports.count("deliver_letter") == 1
        assert {"YEAR_END_ASKED", "YEAR_END_CHOSEN", "YEAR_ENDED"} <= set(walk.ports.events())

    told(time_skipping, story, World())


def test_without_a_choice_somebody_looks_first_in_autumn(time_skipping: TimeSkipping) -> None:
    async def story(walk: Walk) -> None:
        await walk.pending("letter-1")
        await nears(walk)
        await asked(walk)
        await walk.pass_days(28 + SUMMER + 40)
        view = await begun(walk)
        assert view.state.hold is not None
        assert (view.phase, view.state.hold.reason) == ("ON_HOLD", "review_in_autumn")
        settled = walk.ports.orders("settle_year_end")[0]
        assert (settled.choice, settled.by) == ("REVIEW_IN_AUTUMN", None)
        assert walk.ports.count("deliver_letter") == 0
        await walk.say("resume", commands.Resume)
        await walk.pending("letter-1")

    told(time_skipping, story, World())


def test_closed_with_a_summary_by_whoever_chose_it(time_skipping: TimeSkipping) -> None:
    async def story(walk: Walk) -> None:
        await walk.pending("letter-1")
        begins = await nears(walk)
        await asked(walk)
        await choose(walk, "CARRY", begins)
        await choose(walk, "CLOSE_WITH_SUMMARY", begins)
        await walk.pass_days(29)
        view = await walk.result()
        assert (view.status, view.state.stop_reason) == ("STOPPED", "YEAR_END")
        settled = walk.ports.orders("settle_year_end")[0]
        assert settled.choice == "CLOSE_WITH_SUMMARY"
        assert settled.by.actor_id is not None

    told(time_skipping, story, World())


def test_while_it_is_carried_out_nobody_chooses_any_more(time_skipping: TimeSkipping) -> None:
    world = World()

    async def story(walk: Walk) -> None:
        await walk.pending("letter-1")
        begins = await nears(walk, days=1)
        world.shut("settle_year_end")
        passing = walk.meanwhile(2)
        await world.running("settle_year_end")
        with refused("verb_not_allowed"):
            await choose(walk, "CARRY", begins)
        world.let_go("settle_year_end")
        await passing
        assert (await begun(walk)).phase == "ON_HOLD"

    told(time_skipping, story, world)


def test_a_letter_that_is_being_sent_is_finished_first(time_skipping: TimeSkipping) -> None:
    world = World()

    async def story(walk: Walk) -> None:
        world.shut("deliver_letter")
        await walk.approve("letter-1")
        await world.running("deliver_letter")
        begins = await walk.today()
        await walk.tell("year_ends", commands.YearEnds(begins=begins))
        world.let_go("deliver_letter")
        view = await begun(walk)
        names = walk.ports.names()
        assert names.index("deliver_letter") < names.index("settle_year_end")
        assert [step.reached for step in view.state.steps] == [True]

    told(time_skipping, story, world)


def test_the_follow_up_goes_on_in_school_weeks(time_skipping: TimeSkipping) -> None:
    async def story(walk: Walk) -> None:
        await walk.pending("letter-1")
        await walk.attendance(true_stops={"improved": "EXIT_REVIEW"})
        await walk.until(lambda v: v.phase == "EXIT_REVIEW" and v.state.proposal, "exit review")
        await walk.say("confirm_exit", commands.ConfirmExit)
        await walk.until(lambda v: v.state.follow_up and v.state.follow_up.check_at, "week")
        begins = await nears(walk)
        await choose_when_asked(walk, begins)
        await walk.pass_days(28 + SUMMER)
        view = await walk.phase(Phase.FOLLOW_UP)
        assert view.state.follow_up is not None
        assert view.state.follow_up.checked == 2
        await walk.pass_days(35)
        assert (await walk.result()).status == "COMPLETED"

    async def choose_when_asked(walk: Walk, begins: date) -> None:
        await asked(walk)
        await choose(walk, "CARRY", begins)

    told(time_skipping, story, World())


def test_who_leaves_meanwhile_has_no_case_any_more(time_skipping: TimeSkipping) -> None:
    async def story(walk: Walk) -> None:
        await walk.pending("letter-1")
        await walk.tell("year_ends", commands.YearEnds(begins=await walk.today() + timedelta(days=3)))
        await asked(walk)
        await walk.tell("enrolment_changed", commands.EnrolmentChanged(end=commands.EnrolmentEnd.WITHDRAWN))
        assert (await walk.result()).state.stop_reason == "WITHDRAWN"
        assert walk.ports.count("settle_year_end") == 0

    told(time_skipping, story, World())
