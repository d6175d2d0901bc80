"""The Temporal worker with everything it must not be without: sandbox, boundary, versioning, gentle shutdown."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Interceptor, Worker, WorkerDeploymentConfig

from workflows import identity
from workflows.backtest import Backtest
from workflows.intervention import StudentIntervention
from workflows.nightly_evaluation import NightlyEvaluation
from workflows.sandbox import runner

WORKFLOWS = (StudentIntervention, NightlyEvaluation, Backtest)
CACHED = 500
# Each runs in a thread of its own and has ten seconds on Temporal's clock. The SDK's hundred, in one process, all run
# out of them under a flood of new cases: the work is thrown away and begun again, for ever. What waits at the server
# runs out of nothing.
WORKFLOW_TASKS_AT_ONCE = 8


def worker(
    client: Client,
    activities: Sequence[Callable[..., Any]],
    interceptors: Sequence[Interceptor],
    versioning: WorkerDeploymentConfig | None,
) -> Worker:
    """A worker of all workflows and the given activities; `versioning` None serves tests that need none."""
    return Worker(
        client,
        task_queue=identity.TASK_QUEUE,
        workflows=WORKFLOWS,
        activities=activities,
        interceptors=interceptors,
        workflow_runner=runner(),
        deployment_config=versioning,
        max_cached_workflows=CACHED,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS_AT_ONCE,
        max_concurrent_activities=20,
        max_heartbeat_throttle_interval=timedelta(seconds=5),
        graceful_shutdown_timeout=timedelta(seconds=30),
    )
