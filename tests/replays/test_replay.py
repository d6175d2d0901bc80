"""Every saved history replays on the present code; a change without a patch marker would be caught."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from tests.replays.record import HISTORIES, NIGHTS, STORIES
from workflows.intervention import StudentIntervention
from workflows.messages import Start, View
from workflows.nightly_evaluation import NightlyEvaluation
from workflows.sandbox import runner

SAVED = sorted(HISTORIES.glob("*.json"))


@workflow.defn(name="StudentIntervention", sandboxed=False)
class Unguarded(StudentIntervention):
    """The present workflow with one more effect at its beginning."""

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> View:
        await workflow.execute_activity("welcome", start_to_close_timeout=timedelta(seconds=5))
        return await super().run(start)


@workflow.defn(name="StudentIntervention", sandboxed=False)
class Guarded(StudentIntervention):
    """The same change behind a patch marker."""

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> View:
        if workflow.patched("welcome"):
            await workflow.execute_activity("welcome", start_to_close_timeout=timedelta(seconds=5))
        return await super().run(start)


def failure_of(candidate: type[Any], saved: Path) -> Exception | None:
    history = WorkflowHistory.from_json(saved.stem, saved.read_text())

    async def replay() -> Exception | None:
        replayer = Replayer(workflows=[candidate], data_converter=pydantic_data_converter, workflow_runner=runner())
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        return result.replay_failure

    return asyncio.run(replay())


def test_every_story_has_a_saved_history() -> None:
    told = {saved.stem.partition("-")[2] for saved in SAVED}
    assert {story.__name__ for story in STORIES} <= told


@pytest.mark.parametrize("saved", SAVED, ids=lambda path: path.stem)
def test_a_saved_history_replays_on_the_present_code(saved: Path) -> None:
    assert failure_of(StudentIntervention, saved) is None


@pytest.mark.parametrize("saved", sorted(NIGHTS.glob("*.json")), ids=lambda path: path.stem)
def test_a_saved_night_replays_on_the_present_code(saved: Path) -> None:
    assert failure_of(NightlyEvaluation, saved) is None


def test_a_change_without_a_patch_marker_is_caught() -> None:
    assert "TMPRL1100" in str(failure_of(Unguarded, SAVED[0]))


def test_the_same_change_behind_a_patch_marker_replays() -> None:
    assert failure_of(Guarded, SAVED[0]) is None
