"""A new build of the worker takes over running cases: they roll at most once and people's decisions go on."""

import asyncio
from uuid import uuid4

import pytest
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.common import VersioningBehavior
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.worker import Worker, WorkerDeploymentConfig, WorkerDeploymentVersion

from tests.servers.kinds import TemporalDev
from tests.workflows.driver import LETTER_1, LETTER_2, Walk, ladder, open_case, start_of_case
from tests.workflows.fake_ports import FakePorts
from tests.workflows.world import World
from workflows.intervention import StudentIntervention
from workflows.messages import Settings, View
from workflows.sandbox import runner

pytestmark = pytest.mark.servers


def built(client: Client, ports: FakePorts, version: WorkerDeploymentVersion, behaviour: VersioningBehavior) -> Worker:
    return Worker(
        client,
        task_queue=version.deployment_name,
        workflows=[StudentIntervention],
        activities=ports.activities(),
        workflow_runner=runner(),
        deployment_config=WorkerDeploymentConfig(
            version=version, use_worker_versioning=True, default_versioning_behavior=behaviour
        ),
    )


async def make_current(client: Client, version: WorkerDeploymentVersion) -> None:
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=version.deployment_name, build_id=version.build_id
    )
    for _ in range(100):
        try:
            await client.workflow_service.set_worker_deployment_current_version(request)
        except RPCError:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError("the server never saw the build")


async def rolled(walk: Walk) -> None:
    """The nightly signal is the wake-up: the case sees the new build at one of its next steps."""
    for _ in range(30):
        await walk.attendance()
        if (await walk.view()).state.runs:
            return
    raise AssertionError("the case never rolled to the new build")


@pytest.mark.parametrize(
    "behaviour", [VersioningBehavior.AUTO_UPGRADE, VersioningBehavior.PINNED], ids=lambda b: b.name
)
def test_a_case_begun_under_one_build_is_approved_under_the_next(
    temporal_dev: TemporalDev, behaviour: VersioningBehavior
) -> None:
    async def story() -> None:
        client = await temporal_dev.client(data_converter=pydantic_data_converter)
        ports, name = FakePorts(World()), f"builds-{uuid4().hex[:8]}"
        old, new = WorkerDeploymentVersion(name, "b1"), WorkerDeploymentVersion(name, "b2")
        async with asyncio.timeout(120):
            async with built(client, ports, old, behaviour):
                await make_current(client, old)
                start = start_of_case(ladder(LETTER_1, LETTER_2), Settings(undo_seconds=0))
                opened = await open_case(client, start, name)
                walk = Walk(None, client.get_workflow_handle(opened.id, result_type=View), ports)
                await walk.pending("letter-1")
                if behaviour is VersioningBehavior.PINNED:
                    async with built(client, ports, new, behaviour):
                        await make_current(client, new)
                        await rolled(walk)
            async with built(client, ports, new, behaviour):
                await make_current(client, new)
                await walk.approve("letter-1")
                view = await walk.until(lambda v: v.state.advance_at, "wait")
                assert view.state.runs <= 1
                assert ports.count("deliver_letter") == 1
                await walk.handle.terminate()

    asyncio.run(story())
