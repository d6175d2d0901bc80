"""A burst of new cases while the worker, and the relay in it, is killed: every row has exactly one workflow."""

import asyncio
from collections import Counter

import pytest
from temporalio.client import Client

from tests.deploy.stacks import until
from tests.faults.test_kills import killed
from tests.faults.town import Town

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.xdist_group("stack")]
BURST = 12
OPENED = "select count(*) from instance where student_id = any(%s)"


def workflows(town: Town) -> Counter[str]:
    """How many running executions Temporal has of each instance, by the id at the end of the workflow's name."""

    async def listed() -> Counter[str]:
        client = await Client.connect(town.stack.settings()["HANDRAIL_TEMPORAL_ADDRESS"])
        found = client.list_workflows("WorkflowType = 'StudentIntervention' and ExecutionStatus = 'Running'")
        return Counter([one.id.rpartition(":")[2] async for one in found])

    return asyncio.run(listed())


def test_a_relay_killed_in_a_burst_of_starts_leaves_one_workflow_for_every_instance(town: Town) -> None:
    students = town.calm(BURST)
    ids = list(students.values())
    town.bring_in(students)
    until(lambda: town.rows(OPENED, ids) == [(BURST,)], "the nightly pass has opened the cases")
    killed(town, "worker")
    until(lambda: town.letters_wait(ids), "every new case proposes its letter")
    instances = [str(instance) for (instance,) in town.rows("select id from instance where closed_at is null")]
    until(lambda: workflows(town) == Counter(instances), "each instance has one workflow and no workflow is without")
