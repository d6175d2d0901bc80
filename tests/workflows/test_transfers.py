"""A student goes to another school of the tenant, in virtual time: nothing is sent until its leader has chosen."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from rules.ids import SchoolId
from rules.ladder import commands
from rules.ladder.commands import DeliveryState, EnrolmentChanged, EnrolmentEnd
from rules.ladder.stages import LadderSnapshot
from rules.ladder.words import Phase
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import CONTACT, ESCALATION, LETTER_1, LETTER_2, MEETING, Walk, ladder, refused, walking
from tests.workflows.world import FATHER, MOTHER, World
from workflows.messages import View

pytestmark = pytest.mark.servers
PLAN = ladder(LETTER_1, LETTER_2, MEETING, ESCALATION)
ELSEWHERE = SchoolId(UUID(int=2))


def told(
    server: TimeSkipping, story: Callable[[Walk], Awaitable[None]], world: World, plan: LadderSnapshot = PLAN
) -> None:
    async def whole() -> None:
        async with walking(server, plan, world) as walk:
            await story(walk)

    asyncio.run(whole())


async def here(walk: Walk) -> SchoolId:
    """The school that leads: what the first effect was asked for."""
    return walk.ports.projections[0].school_id


async def goes(walk: Walk, to: SchoolId | None = ELSEWHERE) -> None:
    """The register says so: `to` None = back again."""
    end = EnrolmentEnd.TRANSFERRED if to else EnrolmentEnd.RETURNED
    signal = EnrolmentChanged(end=end, from_school_id=await here(walk), to_school_id=to)
    await walk.tell("enrolment_changed", signal)


async def shown(walk: Walk) -> View:
    return await walk.until(lambda v: v.state.transfer and v.state.transfer.decide_at, "handover")


async def choose(walk: Walk, choice: str, to: SchoolId = ELSEWHERE) -> commands.Answer:
    return await walk.say("choose_transfer", commands.ChooseTransfer, choice=choice, to_school_id=to)


def test_it_waits_sends_nothing_and_goes_on_in_the_new_school(time_skipping: TimeSkipping) -> None:
    async def story(walk: Walk) -> None:
        await walk.approve("letter-1")
        await walk.until(lambda v: v.state.advance_at, "wait")
        await goes(walk)
        await shown(walk)
        sent = walk.ports.count("deliver_letter")
        await walk.pass_days(20)
        view = await walk.phase(Phase.TRANSFER_PENDING)
        assert set(view.verbs) >= {"stop", "choose_transfer"}
        assert view.due_at is not None
        assert (walk.ports.count("deliver_letter"), walk.ports.count("open_proposal")) == (sent, 1)
        with refused("stale_transfer"):
            await choose(walk, "CONTINUE", SchoolId(UUID(int=3)))
        assert (await choose(walk, "CONTINUE")).phase == "TRANSFER_PENDING"
        await walk.pending("letter-2")
        asked = walk.ports.orders("open_proposal")[-1]
        assert asked.school_id == ELSEWHERE
        assert walk.ports.projections[-1].school_id == ELSEWHERE
        assert {"TRANSFER_STARTED", "TRANSFER_CHOSEN", "CASE_MOVED"} <= set(walk.ports.events())

    told(time_skipping, story, World())


def test_a_step_that_waits_for_approval_is_proposed_again_there(time_skipping: TimeSkipping) -> None:
    async def story(walk: Walk) -> None:
        first = (await walk.pending("letter-1")).state.proposal
        await goes(walk)
        await shown(walk)
        assert first is not None
        with refused("verb_not_allowed"):
            await walk.say("approve", commands.Approve, proposal_id=first.id)
        await choose(walk, "CONTINUE")
        again = (await walk.pending("letter-1")).state.proposal
        assert again is not None
        assert again.id != first.id
        assert again.basis.school_id == await here(walk)
        await walk.approve("letter-1")
        await walk.until(lambda v: v.state.advance_at, "wait")
        assert [order.school_id for order in walk.ports.orders("deliver_letter")] == [ELSEWHERE]

    told(time_skipping, story, World())


def test_the_running_letter_is_finished_and_no_other_begun(time_skipping: TimeSkipping) -> None:
    world = World(entitled=(MOTHER, FATHER))

    async def story(walk: Walk) -> None:
        world.shut("deliver_letter")
        await walk.approve("letter-1")
        await world.running("deliver_letter")
        await goes(walk)
        world.let_go("deliver_letter")
        view = await shown(walk)
        assert walk.ports.count("deliver_letter") == 1
        last = view.state.last_step
        assert last is not None
        assert [one.state for one in last.deliveries] == [DeliveryState.SENT, DeliveryState.GIVEN_UP]

    told(time_skipping, story, world)


def test_a_booked_meeting_is_called_off_first(time_skipping: TimeSkipping) -> None:
    async def story(walk: Walk) -> None:
        await walk.pending("letter-1")
        await walk.say("escalate", commands.Escalate, to="meeting")
        await walk.approve("meeting")
        await walk.until(lambda v: v.state.meeting and v.state.meeting.invited, "invited")
        await goes(walk)
        await shown(walk)
        names = walk.ports.names()
        assert names.index("cancel_meeting") < names.index("open_handover")

    told(time_skipping, story, World())


def test_with_support_only_the_family_gets_no_letter_any_more(time_skipping: TimeSkipping) -> None:
    async def story(walk: Walk) -> None:
        await walk.approve("letter-1")
        await walk.until(lambda v: v.state.advance_at, "wait")
        await goes(walk)
        await shown(walk)
        await choose(walk, "SUPPORT_ONLY")
        await walk.pass_days(40)
        view = await walk.until(lambda v: v.state.index == 2, "contact")
        assert view.state.support_only
        await walk.approve("contact")
        await walk.until(lambda _: walk.ports.count("open_contact"), "contact asked")
        assert walk.ports.count("deliver_letter") == 1

    told(time_skipping, story, World(), ladder(LETTER_1, LETTER_2, CONTACT, ESCALATION))


def test_after_twenty_school_days_it_closes(time_skipping: TimeSkipping) -> None:
    async def story(walk: Walk) -> None:
        await walk.pending("letter-1")
        await goes(walk)
        await shown(walk)
        await walk.pass_days(27)
        await walk.phase(Phase.TRANSFER_PENDING)
        await walk.pass_days(4)
        view = await walk.result()
        assert (view.status, view.state.stop_reason) == ("STOPPED", "TRANSFERRED")
        assert walk.ports.orders("settle_transfer")[0].choice == "LAPSED"
        assert "TRANSFER_LAPSED" in walk.ports.events()

    told(time_skipping, story, World())


@pytest.mark.parametrize("there", [False, True], ids=["chosen", "a ladder runs there"])
def test_it_closes_when_chosen_or_when_it_cannot_move(time_skipping: TimeSkipping, *, there: bool) -> None:
    async def story(walk: Walk) -> None:
        await walk.pending("letter-1")
        await goes(walk)
        await shown(walk)
        await choose(walk, "CONTINUE" if there else "CLOSE")
        view = await walk.result()
        assert (view.status, view.state.stop_reason) == ("STOPPED", "TRANSFERRED")

    told(time_skipping, story, World(ladder_there=there))


def test_the_student_goes_on_to_a_third_school_and_comes_back(time_skipping: TimeSkipping) -> None:
    async def story(walk: Walk) -> None:
        await walk.pending("letter-1")
        await goes(walk)
        await shown(walk)
        await goes(walk, SchoolId(UUID(int=3)))
        await walk.until(lambda _: walk.ports.count("open_handover") == 2, "second handover")
        await goes(walk, None)
        view = await walk.pending("letter-1")
        assert view.state.transfer is None
        assert {order.school_id for order in walk.ports.orders("open_proposal")} == {await here(walk)}
        assert "TRANSFER_UNDONE" in walk.ports.events()

    told(time_skipping, story, World())


def test_who_leaves_the_tenant_meanwhile_has_no_case_any_more(time_skipping: TimeSkipping) -> None:
    async def story(walk: Walk) -> None:
        await walk.pending("letter-1")
        await goes(walk)
        await shown(walk)
        await walk.tell("enrolment_changed", EnrolmentChanged(end=EnrolmentEnd.WITHDRAWN))
        assert (await walk.result()).state.stop_reason == "WITHDRAWN"

    told(time_skipping, story, World())
