"""The NOTICE rung: a letter to whoever is liable, whose time runs from the day the last of them has it."""

import asyncio
from datetime import date

import pytest

from rules.ladder import commands
from rules.ladder.commands import DeliveryState
from rules.ladder.words import Phase
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import ESCALATION, NOTICE, Walk, ladder, walking
from tests.workflows.world import FATHER, MOTHER

pytestmark = pytest.mark.servers
LADDER = ladder(NOTICE, ESCALATION)


async def handed_over(walk: Walk, day: date) -> None:
    given = {"guardian_id": FATHER, "handed_over": True, "effective_day": day}
    await walk.say("record_delivery", commands.RecordDelivery, **given)


def test_its_time_runs_from_the_day_the_last_guardian_has_it(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            walk.world.entitled = (MOTHER, FATHER)
            walk.world.deliveries = {FATHER: DeliveryState.AWAITING_POST}
            await walk.approve("notice")
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            first = await walk.today()
            assert (view.state.steps[-1].effective_day, view.state.due) == (first, walk.world.calendar.add(first, 15))
            await walk.pass_days(7)
            later = await walk.today()
            await handed_over(walk, later)
            due = walk.world.calendar.add(later, 15)
            view = await walk.until(lambda v: v.state.due == due, "the later day")
            assert (view.state.steps[-1].effective_day, view.state.steps[-1].done) == (later, True)
            runs = [event for order in walk.ports.projections for event in order.events if event.type == "NOTICE_RUNS"]
            assert [event.facts["weeks"] for event in runs] == [3, 3]
            assert runs[-1].facts["until"] == due.isoformat()
            await walk.pass_days((due - later).days - 1)
            assert (await walk.view()).phase == "WAITING"
            await walk.pass_days(2)
            await walk.pending("escalation")

    asyncio.run(story())


def test_a_later_word_on_an_earlier_day_changes_nothing(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            walk.world.entitled = (MOTHER, FATHER)
            walk.world.deliveries = {FATHER: DeliveryState.AWAITING_POST}
            await walk.approve("notice")
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            day = view.state.steps[-1].effective_day
            assert day is not None
            await handed_over(walk, day)
            view = await walk.until(lambda v: v.state.steps[-1].done, "arrived")
            assert view.state.steps[-1].effective_day == day

    asyncio.run(story())


def test_a_talk_is_no_notice(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            walk.world.deliveries = {MOTHER: DeliveryState.FAILED}
            await walk.approve("notice")
            await walk.phase(Phase.NEEDS_STAFF)
            await walk.contacted()
            view = await walk.view()
            assert (view.phase, view.state.steps[-1].reached, view.state.advance_at) == ("NEEDS_STAFF", False, None)
            day = await walk.today()
            given = {"guardian_id": MOTHER, "handed_over": True, "effective_day": day}
            await walk.say("record_delivery", commands.RecordDelivery, **given)
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            assert (view.phase, view.state.steps[-1].effective_day) == ("WAITING", day)

    asyncio.run(story())


def test_a_talk_while_it_is_written_is_none_either(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            walk.world.deliveries = {MOTHER: DeliveryState.FAILED}
            walk.world.shut("deliver_letter")
            await walk.approve("notice")
            await walk.world.running("deliver_letter")
            await walk.contacted()
            walk.world.let_go("deliver_letter")
            view = await walk.phase(Phase.NEEDS_STAFF)
            assert not view.state.steps[-1].reached

    asyncio.run(story())
