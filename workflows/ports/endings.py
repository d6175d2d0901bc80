"""Port: take steps back, and close."""

from temporalio import activity

from rules.ladder.commands import Command
from rules.ladder.state import Step
from workflows.ports.common import Done, Order


class RescissionOrder(Order):
    """The steps to take back, oldest first; `by` decided it and said why."""

    steps: tuple[Step, ...]
    by: Command


class CloseOrder(Order):
    """The end; `reason` is a StopReason, or None when COMPLETED."""

    status: str
    reason: str | None


@activity.defn
async def rescind_steps(order: RescissionOrder) -> Done:
    """Mark each step's artifacts superseded, withdraw print jobs not yet handed over, and tell everybody who got a
    step once.

    One message per guardian for all steps together, by the letter pipeline (purpose rescission), each send re-
    checked. Once per key.
    """
    raise NotImplementedError(order)


@activity.defn
async def close_case(order: CloseOrder) -> Done:
    """Close open tasks, queued messages, print jobs and portal links of this instance. Once per key; history is kept.

    Retried for ever: it must not raise DomainErrors.
    """
    raise NotImplementedError(order)
