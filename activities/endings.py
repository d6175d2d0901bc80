"""Take steps back, and close."""

from temporalio import activity

from activities.boundary import case_of
from services import endings
from services.endings import TakeBack
from services.means import Means
from workflows.ports.common import Done
from workflows.ports.endings import CloseOrder, RescissionOrder


class EndingActivities:
    """Whoever got a step hears once that it is taken back; a closed case leaves nothing pending."""

    def __init__(self, means: Means) -> None:
        self._means = means

    @activity.defn
    async def rescind_steps(self, order: RescissionOrder) -> Done:
        wanted = TakeBack(
            stage_keys=tuple(step.stage_key for step in order.steps),
            artifact_ids=tuple(artifact for step in order.steps for artifact in step.artifacts),
            by=order.by,
        )
        await endings.rescind(self._means, case_of(order), wanted)
        return Done()

    @activity.defn
    async def close_case(self, order: CloseOrder) -> Done:
        async with self._means.sessions.tenant(order.tenant_id) as session:
            await endings.close(session, case_of(order), order.status, order.reason)
        return Done()
