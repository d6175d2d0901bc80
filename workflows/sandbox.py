"""The one sandbox runner, for workers, replays and tests: what is not listed is refused, not passed through."""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

PASSED_THROUGH = (
    "rules",
    "workflows.case",
    "workflows.identity",
    "workflows.messages",
    "workflows.ports",
    "workflows.retry",
    "workflows.walk",
)
POLICY = (
    SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
    | SandboxImportNotificationPolicy.WARN_ON_DYNAMIC_IMPORT
)


def runner() -> SandboxedWorkflowRunner:
    """Rules, ports and the walk hold no state of their own and are shared with the host: they load once, not per case.

    What the sandbox cannot see in them (a clock, chance, the network) tests/workflows/test_determinism.py refuses.
    """
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return SandboxedWorkflowRunner(restrictions=restrictions.with_import_notification_policy(POLICY))
