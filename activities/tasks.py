"""Tasks that a case opens for staff by itself."""

from temporalio import activity

from activities.boundary import case_of
from models.session import Sessions
from services import case_tasks, school_days
from workflows.ports.common import Done
from workflows.ports.tasks import TaskKind, TaskOrder

TITLES = {
    TaskKind.LADDER_END: "The ladder has ended: decide how the school goes on",
    TaskKind.RECORD_OUTCOME: "Record what came of the meeting",
    TaskKind.LATE_BOUNCE: "A letter came back: find a way to reach the family",
    TaskKind.NEEDS_STAFF: "A step could not be finished: repair the cause, then resume",
    TaskKind.AMEND_REMINDER: "The register still shows an absence whose reason was accepted: amend it",
}


class TaskActivities:
    """Opens tasks; staff complete them."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def open_task(self, order: TaskOrder) -> Done:
        case = case_of(order)
        async with self._sessions.tenant(order.tenant_id) as session:
            due = await school_days.day_after(session, case, order.due_school_days)
            wanted = case_tasks.NewTask(order.kind, TITLES[order.kind], due, order.subject)
            task_id = await case_tasks.open_task(session, case, wanted)
        return Done(ref=str(task_id))
