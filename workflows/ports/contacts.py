"""Port: ask a person to contact the family."""

from datetime import date, datetime

from temporalio import activity

from rules.ladder.stages import Stage
from workflows.ports.common import Order, PortModel


class ContactOrder(Order):
    """The CONTACT rung; to be done within `stage.within_school_days`."""

    stage: Stage


class ContactAsked(PortModel):
    """The task is open until `due` (local); `due_at` = the start of the school day after, when it counts as missed."""

    due: date
    due_at: datetime


@activity.defn
async def open_contact(order: ContactOrder) -> ContactAsked:
    """Open the task with the call list (entitled guardians by priority). Once per key; `record_contact` ends it."""
    raise NotImplementedError(order)
