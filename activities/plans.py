"""Open support plans."""

from temporalio import activity

from activities.boundary import case_of
from models.session import Sessions
from services import plans
from services.plans import OpenPlan
from workflows.ports.plans import OpenedPlan, PlanStageOrder


class PlanActivities:
    """The empty plan with the task to write it."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def open_plan(self, order: PlanStageOrder) -> OpenedPlan:
        wanted = OpenPlan(order.stage.within_school_days, order.stage.key)
        async with self._sessions.tenant(order.tenant_id) as session:
            row = await plans.open_plan(session, case_of(order), wanted)
            return OpenedPlan(plan_id=row.id, due=row.due_on)
