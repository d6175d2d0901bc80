"""Proposals into the queue, and reminders of them."""

from temporalio import activity

from activities.boundary import case_of
from models.session import Sessions
from services import proposals
from workflows.ports.common import Done
from workflows.ports.proposals import OpenedProposal, ProposalOrder, ReminderOrder


class ProposalActivities:
    """Writes queue rows; nothing leaves the house."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def open_proposal(self, order: ProposalOrder) -> OpenedProposal:
        wanted = proposals.NewProposal(
            order.proposal_id, order.kind, order.stage, order.approver, order.basis, order.note
        )
        async with self._sessions.tenant(order.tenant_id) as session:
            opened = await proposals.open_proposal(session, case_of(order), wanted)
        return OpenedProposal(approver=opened.approver, automatic=opened.automatic, due=opened.due)

    @activity.defn
    async def remind(self, order: ReminderOrder) -> Done:
        async with self._sessions.tenant(order.tenant_id) as session:
            await proposals.remind(session, case_of(order), order.proposal_id, order.nth)
        return Done()
