"""Named retries. `EFFECT` gives up after days and parks the case; `RECORD` never gives up, for what may not be lost."""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityConfig

GENTLE = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=10))
# The worker says every few seconds that it lives, whatever it does: the work of a killed one is taken up this soon.
SILENCE = timedelta(seconds=20)

READ = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=timedelta(days=1),
    heartbeat_timeout=SILENCE,
    retry_policy=GENTLE,
)
EFFECT = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=60),
    schedule_to_close_timeout=timedelta(days=3),
    heartbeat_timeout=SILENCE,
    retry_policy=GENTLE,
)
PDF = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=3),
    schedule_to_close_timeout=timedelta(days=3),
    heartbeat_timeout=SILENCE,
    retry_policy=GENTLE,
)
RECORD = ActivityConfig(start_to_close_timeout=timedelta(seconds=30), heartbeat_timeout=SILENCE, retry_policy=GENTLE)
RECORD_PAUSE = timedelta(minutes=10)
NIGHTLY = ActivityConfig(
    start_to_close_timeout=timedelta(hours=2),
    schedule_to_close_timeout=timedelta(hours=12),
    heartbeat_timeout=SILENCE,
    retry_policy=GENTLE,
)
WAITING_FOR_OTHERS = frozenset({"TENANT_SUSPENDED", "SENDING_PAUSED", "SENDING_CAPPED"})


def shown(config: ActivityConfig, summary: str) -> ActivityConfig:
    """The same retry with words for the Temporal UI; never a name."""
    return {**config, "summary": summary}
