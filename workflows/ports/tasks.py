"""Port: tasks for staff."""

from enum import StrEnum

from temporalio import activity

from workflows.ports.common import Done, Order


class TaskKind(StrEnum):
    """What a case asks of staff by itself; other activities open their own kinds."""

    LADDER_END = "ladder_end"
    RECORD_OUTCOME = "record_meeting_outcome"
    LATE_BOUNCE = "late_bounce"
    NEEDS_STAFF = "needs_staff"
    AMEND_REMINDER = "amend_register_reminder"


class TaskOrder(Order):
    """A task due in `due_school_days` school days from the local date of `now`; `subject` = id it is about."""

    kind: TaskKind
    due_school_days: int = 1
    subject: str = ""


@activity.defn
async def open_task(order: TaskOrder) -> Done:
    """Open one task for the case's assignee. Once per key; an open task of the same kind and subject is enough."""
    raise NotImplementedError(order)
