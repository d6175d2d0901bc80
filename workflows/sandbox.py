"""The one sandbox runner, for workers, replays and tests: what is not listed is refused, not silently passed through."""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

PASSED_THROUGH = ("rules", "workflows.identity", "workflows.messages", "workflows.ports", "workflows.retry")
POLICY = (
    SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
    | SandboxImportNotificationPolicy.WARN_ON_DYNAMIC_IMPORT
)


def runner() -> SandboxedWorkflowRunner:
    """Pure models and ports are shared with the host; workflow code itself stays inside the sandbox."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return SandboxedWorkflowRunner(restrictions=restrictions.with_import_notification_policy(POLICY))
