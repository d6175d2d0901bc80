"""A case whose student goes to another school: the handover, and what comes of it."""

from temporalio import activity

from activities.boundary import case_of
from models.session import Sessions
from services import transfers
from services.transfers import Settle
from workflows.ports.transfers import HandoverOpened, HandoverOrder, Settled, SettlementOrder


class TransferActivities:
    """The case stays with one school at a time; both see the handover."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def open_handover(self, order: HandoverOrder) -> HandoverOpened:
        async with self._sessions.tenant(order.tenant_id) as session:
            at = await transfers.open_handover(session, case_of(order), order.to_school_id)
        return HandoverOpened(decide_at=at)

    @activity.defn
    async def settle_transfer(self, order: SettlementOrder) -> Settled:
        wanted = Settle(order.to_school_id, order.choice, order.by)
        async with self._sessions.tenant(order.tenant_id) as session:
            moved = await transfers.settle(session, case_of(order), wanted)
        return Settled(moved=moved)
