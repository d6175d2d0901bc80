"""The nightly pass: due schools in batches, every version, once per key; a broken batch does not stop the others."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import Worker

from rules.ids import SchoolId, TenantId
from tests.servers.kinds import TimeSkipping
from workflows.identity import TASK_QUEUE, nightly_id
from workflows.nightly_evaluation import NightlyEvaluation, NightlyReport, NightlyStart
from workflows.ports import nightly
from workflows.sandbox import runner

pytestmark = pytest.mark.servers
TENANT = TenantId(UUID(int=1))
FRIDAY = date(2026, 11, 20)


class FakeNight:
    def __init__(self, schools: int, broken: str = "", *, hangs: bool = False) -> None:
        self.schools = tuple(nightly.DueSchool(school_id=SchoolId(uuid4()), on=FRIDAY) for _ in range(schools))
        self.broken = broken
        self.batches: list[nightly.EvaluateOrder] = []
        self.refreshed = 0
        self.hangs = hangs
        self.evaluating, self.let_go = asyncio.Event(), asyncio.Event()
        self.reminded = 0

    def activities(self) -> list[Any]:
        return [
            self.due_schools,
            self.remind_of_duties,
            self.refresh_summaries,
            self.versions_to_run,
            self.evaluate_batch,
        ]

    @activity.defn
    async def due_schools(self, order: nightly.NightlyOrder) -> nightly.DueSchools:
        return nightly.DueSchools(schools=self.schools)

    @activity.defn
    async def remind_of_duties(self, order: nightly.NightlyOrder) -> nightly.Reminded:
        self.reminded += 1
        return nightly.Reminded()

    @activity.defn
    async def refresh_summaries(self, order: nightly.RefreshOrder) -> nightly.Evaluated:
        self.refreshed += len(order.schools)
        return nightly.Evaluated()

    @activity.defn
    async def versions_to_run(self, order: nightly.NightlyOrder) -> nightly.Versions:
        active = nightly.Version(digest="active", active=True)
        return nightly.Versions(versions=(active, nightly.Version(digest="pinned", active=False)))

    @activity.defn
    async def evaluate_batch(self, order: nightly.EvaluateOrder) -> nightly.Evaluated:
        if order.version.digest == self.broken:
            raise ApplicationError("condition without SQL", type="unknown_leaf", non_retryable=True)
        self.batches.append(order)
        self.evaluating.set()
        if self.hangs:
            await self.let_go.wait()
        return nightly.Evaluated(students=10, changed=2, opened=1, signalled=1)


@contextlib.asynccontextmanager
async def begun(server: TimeSkipping, night: FakeNight) -> AsyncIterator[WorkflowHandle[Any, NightlyReport]]:
    start = NightlyStart(tenant_id=TENANT, time_zone="Europe/Dublin", schools_per_batch=2)
    async with await server.environment(data_converter=pydantic_data_converter) as env:
        options: dict[str, Any] = {"workflows": [NightlyEvaluation], "workflow_runner": runner()}
        async with Worker(env.client, task_queue=TASK_QUEUE, activities=night.activities(), **options):
            identity = nightly_id(TENANT, start.time_zone)
            yield await env.client.start_workflow(NightlyEvaluation.run, start, id=identity, task_queue=TASK_QUEUE)


async def passed(server: TimeSkipping, night: FakeNight) -> NightlyReport:
    async with begun(server, night) as handle:
        return await handle.result()


def test_every_version_runs_over_every_due_school_in_batches(time_skipping: TimeSkipping) -> None:
    night = FakeNight(schools=5)
    report = asyncio.run(passed(time_skipping, night))
    assert report == NightlyReport(schools=5, versions=2, batches=6, students=60, changed=12, opened=6, signalled=6)
    assert night.refreshed == 5
    assert len({order.key for order in night.batches}) == 6
    assert [len(order.schools) for order in night.batches] == [2, 2, 1] * 2


def test_a_night_with_nothing_due_does_nothing(time_skipping: TimeSkipping) -> None:
    night = FakeNight(schools=0)
    assert asyncio.run(passed(time_skipping, night)) == NightlyReport()
    assert (night.refreshed, night.reminded) == (0, 1)  # deadlines run on in the holidays


def test_a_broken_version_is_named_and_the_others_are_still_evaluated(time_skipping: TimeSkipping) -> None:
    night = FakeNight(schools=3, broken="active")
    with pytest.raises(WorkflowFailureError) as failure:
        asyncio.run(passed(time_skipping, night))
    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "nightly_incomplete"
    assert "2 batches failed" in str(cause)
    assert [order.version.digest for order in night.batches] == ["pinned", "pinned"]


def test_a_night_that_is_cancelled_ends_at_once_and_blames_no_batch(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        night = FakeNight(schools=3, hangs=True)
        async with begun(time_skipping, night) as handle, asyncio.timeout(90):
            await night.evaluating.wait()
            await handle.cancel()
            with pytest.raises(WorkflowFailureError) as failure:
                await handle.result()
            night.let_go.set()
        assert isinstance(failure.value.cause, CancelledError)
        assert len(night.batches) == 1

    asyncio.run(story())
