"""A case that an operator cancels in Temporal, and one begun again after its end: neither goes on by itself."""

import asyncio
from uuid import UUID

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from rules.ladder import commands
from rules.ladder.words import Phase
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import ESCALATION, LETTER_1, ladder, start_of_case, walking
from tests.workflows.world import World
from workflows.identity import TASK_QUEUE
from workflows.intervention import StudentIntervention
from workflows.messages import Settings

pytestmark = pytest.mark.servers
PLAN = ladder(LETTER_1, ESCALATION)


@pytest.mark.parametrize("effect", ["decide", "project"])
def test_a_case_cancelled_while_an_effect_hangs_ends_at_once_and_parks_nothing(
    time_skipping: TimeSkipping, effect: str
) -> None:
    async def story() -> None:
        world = World()
        world.shut(effect)
        async with walking(time_skipping, PLAN, world) as walk:
            await world.running(effect)
            await walk.handle.cancel()
            with pytest.raises(WorkflowFailureError) as failure:
                await walk.result()
            assert isinstance(failure.value.cause, CancelledError)
            state = (await walk.view()).state
            assert state.parked is None
            assert state.phase is not Phase.NEEDS_STAFF
            world.let_go(effect)

    asyncio.run(story())


def test_a_case_begun_again_after_its_end_by_a_late_fact_is_over_and_tells_nothing(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await walk.pending("letter-1")
            await walk.say("stop", commands.Stop, reason_code="OTHER_SUPPORT")
            await walk.result()
            told = len(walk.ports.projections)
            last = walk.ports.projections[-1].state
            assert last is not None
            kept = last.but(ladder=PLAN)
            late = commands.RegisterQueried(query_id=UUID(int=5), opened=True)
            handle = await walk.env.client.start_workflow(
                StudentIntervention.run,
                start_of_case(PLAN, Settings(), kept),
                id="begun-again",
                task_queue=TASK_QUEUE,
                start_signal="register_query",
                start_signal_args=[late],
            )
            assert (await handle.result()).state == kept
            assert len(walk.ports.projections) == told

    asyncio.run(story())
