"""Escalate a case: tier, chronology, tasks."""

from temporalio import activity

from activities.boundary import case_of
from services import escalations
from services.escalations import HIGHEST_TIER, Raise
from services.means import Means
from workflows.ports.escalations import Escalation, EscalationOrder


class EscalationActivities:
    """The chronology is drawn and stored while no transaction is open."""

    def __init__(self, means: Means) -> None:
        self._means = means

    @activity.defn
    async def open_escalation(self, order: EscalationOrder) -> Escalation:
        wanted = Raise(order.stage.key, order.stage.case_tier or HIGHEST_TIER, order.basis.sentence)
        opened = await escalations.open_escalation(self._means, case_of(order), wanted)
        return Escalation(escalation_id=str(opened.escalation_id), on=opened.on)
