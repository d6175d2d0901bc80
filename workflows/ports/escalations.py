"""Port: escalate a case."""

from datetime import date

from temporalio import activity

from rules.ladder.stages import Stage
from rules.ladder.state import Basis, Step
from workflows.ports.common import Order, PortModel


class EscalationOrder(Order):
    """The ESCALATION rung with everything that was tried before it."""

    stage: Stage
    basis: Basis
    steps: tuple[Step, ...]


class Escalation(PortModel):
    """`escalation_id` as text; `on` = local day it was opened."""

    escalation_id: str
    on: date


@activity.defn
async def open_escalation(order: EscalationOrder) -> Escalation:
    """Raise the case to `stage.case_tier`, write the chronology PDF as an artifact, open the tasks with their
    deadlines. Once per key.
    """
    raise NotImplementedError(order)
