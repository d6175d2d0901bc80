"""A backtest: plan, school after school, figures; cancelled at once; what fails is stored with its reason."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from rules.ids import SchoolId, TenantId
from tests.servers.kinds import TimeSkipping
from workflows.backtest import UNFINISHED, Backtest, BacktestStart
from workflows.identity import TASK_QUEUE, backtest_id, beginnings
from workflows.ports import backtests as port
from workflows.sandbox import runner

pytestmark = pytest.mark.servers
TENANT = TenantId(UUID(int=1))


class FakeReplay:
    """Three schools; the row's status is what the real one keeps in PostgreSQL."""

    def __init__(self, *, going: bool = True, ends_at: int | None = None) -> None:
        self.schools = tuple(SchoolId(uuid4()) for _ in range(3))
        self.going, self.ends_at = going, ends_at
        self.walked: list[SchoolId] = []
        self.status, self.problem = "RUNNING", ""
        self.broken: ApplicationError | None = None
        self.hangs = False
        self.walking, self.let_go = asyncio.Event(), asyncio.Event()

    def activities(self) -> list[Any]:
        return [self.plan_backtest, self.walk_backtest_school, self.sum_up_backtest, self.fail_backtest]

    @activity.defn
    async def plan_backtest(self, order: port.BacktestOrder) -> port.BacktestPlan:
        return port.BacktestPlan(going=self.going, schools=self.schools if self.going else ())

    @activity.defn
    async def walk_backtest_school(self, order: port.SchoolOrder) -> port.SchoolWalked:
        if self.broken:
            raise self.broken
        self.walked.append(order.school_id)
        self.walking.set()
        if self.hangs:
            await self.let_go.wait()
        return port.SchoolWalked(going=len(self.walked) != self.ends_at)

    @activity.defn
    async def sum_up_backtest(self, order: port.BacktestOrder) -> port.Ended:
        ended = not self.going or len(self.walked) == self.ends_at
        self.status = "CANCELLED" if ended else "FINISHED"
        return port.Ended(status=self.status)

    @activity.defn
    async def fail_backtest(self, order: port.FailOrder) -> port.Ended:
        self.status, self.problem = "FAILED", order.problem
        return port.Ended(status=self.status)


@contextlib.asynccontextmanager
async def begun(server: TimeSkipping, replay: FakeReplay) -> AsyncIterator[WorkflowHandle[Any, str]]:
    start = BacktestStart(tenant_id=TENANT, backtest_id=uuid4())
    async with await server.environment(data_converter=pydantic_data_converter) as env:
        options: dict[str, Any] = {"workflows": [Backtest], "workflow_runner": runner()}
        async with Worker(env.client, task_queue=TASK_QUEUE, activities=replay.activities(), **options):
            name = backtest_id(TENANT, start.backtest_id)
            yield await env.client.start_workflow(Backtest.run, start, id=name, task_queue=TASK_QUEUE)


async def ended(server: TimeSkipping, replay: FakeReplay) -> str:
    async with begun(server, replay) as handle:
        return await handle.result()


def test_every_school_is_walked_in_order_and_then_counted(time_skipping: TimeSkipping) -> None:
    replay = FakeReplay()
    assert asyncio.run(ended(time_skipping, replay)) == replay.status == "FINISHED"
    assert replay.walked == list(replay.schools)


@pytest.mark.parametrize(("replay", "walked"), [(FakeReplay(going=False), 0), (FakeReplay(ends_at=2), 2)])
def test_one_that_has_ended_in_the_row_walks_no_further(
    time_skipping: TimeSkipping, replay: FakeReplay, walked: int
) -> None:
    assert asyncio.run(ended(time_skipping, replay)) == "CANCELLED"
    assert len(replay.walked) == walked


def test_a_refusal_is_stored_in_its_own_words(time_skipping: TimeSkipping) -> None:
    replay = FakeReplay()
    replay.broken = ApplicationError("None of its codes has a meaning.", type="no_codes", non_retryable=True)
    assert asyncio.run(ended(time_skipping, replay)) == "FAILED"
    assert replay.problem == "None of its codes has a meaning."


def test_what_never_succeeds_is_given_up_without_telling_what_was_in_it(time_skipping: TimeSkipping) -> None:
    replay = FakeReplay()
    replay.broken = ApplicationError("KeyError: 'Aoife'", type="KeyError")
    assert asyncio.run(ended(time_skipping, replay)) == "FAILED"
    assert replay.problem == UNFINISHED


def test_a_cancelled_one_ends_at_once_whatever_runs(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        replay = FakeReplay()
        replay.hangs = True
        async with begun(time_skipping, replay) as handle, asyncio.timeout(90):
            await replay.walking.wait()
            await handle.signal("cancel")
            assert await handle.result() == "CANCELLED"
            replay.let_go.set()
        assert len(replay.walked) == 1
        assert replay.status == "RUNNING", "the row said so before, and nothing else touches it"

    asyncio.run(story())


def test_it_is_found_among_what_runs_for_its_tenant() -> None:
    assert backtest_id(TENANT, UUID(int=3)).startswith(beginnings(TENANT))
