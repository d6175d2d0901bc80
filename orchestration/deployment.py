"""Worker versioning: which build this process is, and making it the current one before anybody relies on it.

`auto_upgrade` (default): one worker build at a time; running cases move to the new build at their next step, guarded by
`workflow.patched` and the saved histories. `pinned`: builds run side by side and cases move at continue-as-new.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.common import VersioningBehavior
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import WorkerDeploymentConfig, WorkerDeploymentVersion

import rules
import workflows

NAME = "handrail"
BEHAVIOURS = {"auto_upgrade": VersioningBehavior.AUTO_UPGRADE, "pinned": VersioningBehavior.PINNED}
TRIES = 120
PAUSE_SECONDS = 0.25
NOT_YET = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.UNAVAILABLE})


def build_id(extra: Sequence[Path] = ()) -> str:
    """Hash of the workflows, the rules and the lock: what a running case's replay depends on."""
    folders = [Path(package.__path__[0]) for package in (workflows, rules)]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in {".py", ".json"}]
    seen = hashlib.sha256()
    for path in [*files, *(path for path in extra if path.is_file())]:
        seen.update(path.name.encode() + b"\0" + path.read_bytes())
    return seen.hexdigest()[:16]


def deployment(build: str, behaviour: str) -> WorkerDeploymentConfig:
    """The deployment of this process; a behaviour is never set on a workflow class."""
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(NAME, build),
        use_worker_versioning=True,
        default_versioning_behavior=BEHAVIOURS[behaviour],
    )


async def make_current(client: Client, build: str) -> None:
    """Send new and auto-upgrading cases to this build; waits until its workers are known to the server."""
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=NAME, build_id=build, ignore_missing_task_queues=True
    )
    for last in (number == TRIES - 1 for number in range(TRIES)):
        try:
            await client.workflow_service.set_worker_deployment_current_version(request, timeout=timedelta(seconds=5))
        except RPCError as error:
            if last or error.status not in NOT_YET:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return
