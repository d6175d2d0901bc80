"""Port: a case whose student goes to another school of the tenant: the handover, and what comes of it."""

from datetime import datetime

from temporalio import activity

from rules.ids import SchoolId
from rules.ladder.commands import Command
from rules.ladder.words import TransferChoice
from workflows.ports.common import Order, PortModel


class HandoverOrder(Order):
    """The case as it stands at `school_id`, for the school that receives it."""

    to_school_id: SchoolId


class HandoverOpened(PortModel):
    """`decide_at` = the start of the day on which the time to choose is over, at the receiving school."""

    decide_at: datetime


class SettlementOrder(Order):
    """What becomes of the case; `by` chose it and said why, or None when it happens by itself."""

    to_school_id: SchoolId
    choice: TransferChoice
    by: Command | None


class Settled(PortModel):
    """`moved` = the receiving school leads the case now."""

    moved: bool


@activity.defn
async def open_handover(order: HandoverOrder) -> HandoverOpened:
    """One transaction, once per key: what is still to be sent is cancelled, the handover is shown to both schools, and
    a task asks the receiving leader, due in 20 school days of that school (without a calendar: of the one before, else
    28 days).
    """
    raise NotImplementedError(order)


@activity.defn
async def settle_transfer(order: SettlementOrder) -> Settled:
    """One transaction, once per key: the handover says what was chosen. CONTINUE and SUPPORT_ONLY: the receiving school
    leads the case, its file and its open tasks, unless a ladder of the same key runs there already. SUPPORT_ONLY: a
    task to make contact and agree a plan. LAPSED, or not moved: a task for the receiving leader that outlives the case.
    """
    raise NotImplementedError(order)
