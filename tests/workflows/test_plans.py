"""The PLAN rung: it counts from the day on which the plan is agreed, whatever else is said with the family before."""

import asyncio
from uuid import UUID, uuid4

import pytest

from rules.ladder import commands
from rules.ladder.words import Phase, Status
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import ESCALATION, PLAN, Walk, ladder, walking
from tests.workflows.world import World

pytestmark = pytest.mark.servers
LADDER = ladder(PLAN, ESCALATION)


async def opened(walk: Walk) -> UUID:
    await walk.approve("plan")
    view = await walk.phase(Phase.WAITING)
    plan_id = view.state.steps[-1].plan_id
    assert plan_id is not None
    return plan_id


async def agreed(walk: Walk, plan_id: UUID) -> None:
    await walk.tell("plan_agreed", commands.PlanAgreed(plan_id=plan_id, on=await walk.today()))


def test_the_wait_begins_when_the_plan_is_agreed(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            plan_id = await opened(walk)
            due = (await walk.view()).state.due
            assert due == walk.world.calendar.add(await walk.today(), 10)
            await walk.pass_days(30)
            await walk.attendance(absences=9)
            assert not (await walk.view()).state.steps[-1].reached  # nobody agreed on anything: no harder step
            await walk.contacted()
            assert not (await walk.view()).state.steps[-1].reached  # a talk is no plan
            day = await walk.today()
            await agreed(walk, plan_id)
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            assert (view.state.steps[-1].effective_day, view.state.steps[-1].reached) == (day, True)
            assert view.state.due == walk.world.calendar.add(day, 20)
            await agreed(walk, plan_id)  # said twice
            await walk.pass_days(29)
            await walk.pending("escalation")
            assert walk.ports.count("open_plan") == 1
            assert walk.ports.events().count("STEP_TAKEN") == 1

    asyncio.run(story())


def test_a_plan_of_a_meeting_moves_no_rung(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            await agreed(walk, uuid4())
            await opened(walk)
            await agreed(walk, uuid4())
            view = await walk.until(lambda v: walk.ports.events().count("PLAN_AGREED") == 2 and v, "told")
            assert (view.phase, view.state.steps[-1].reached, view.state.advance_at) == ("WAITING", False, None)

    asyncio.run(story())


def test_a_case_ends_while_its_plan_waits(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            await opened(walk)
            await walk.attendance(true_stops={"exempt": "STOPPED"})
            assert (await walk.result()).status == Status.STOPPED

    asyncio.run(story())


def test_agreed_before_the_case_knows_that_it_is_open(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER, World()) as walk:
            walk.world.shut("open_plan")
            await walk.approve("plan")
            await walk.world.running("open_plan")
            await agreed(walk, walk.world.plan_id)
            await walk.until(lambda v: v.state.act.agreed, "agreement")
            walk.world.let_go("open_plan")
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            assert view.state.steps[-1].reached

    asyncio.run(story())
