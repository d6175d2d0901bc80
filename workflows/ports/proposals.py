"""Port: open a proposal and remind people of it."""

from datetime import date

from temporalio import activity

from rules.ids import ProposalId
from rules.ladder.stages import Approval, Stage
from rules.ladder.state import Basis
from rules.ladder.words import ProposalKind
from workflows.ports.common import Done, Order, PortModel


class ProposalOrder(Order):
    """The step to propose. `stage` is the rung (for RELAPSE the one to go back to; None for EXIT and INCONCLUSIVE).
    `approver` is the least approval this kind needs.
    """

    proposal_id: ProposalId
    kind: ProposalKind
    stage: Stage | None
    approver: Approval
    basis: Basis
    note: str


class OpenedProposal(PortModel):
    """`approver` after care flags (one higher); `automatic` only for an AUTO stage of an unflagged student."""

    approver: Approval
    automatic: bool
    due: date | None


class ReminderOrder(Order):
    """The nth reminder (1-based) of `of`; the last ones go to the leader (settings)."""

    proposal_id: ProposalId
    nth: int
    of: int


@activity.defn
async def open_proposal(order: ProposalOrder) -> OpenedProposal:
    """Write the queue row: what, to whom, language, channel, why, due, what approving will do in words. Once per key.

    Pins the template version of a letter. The projection that follows names the one pending proposal of the case; every
    other open row of the case is closed by it, so nothing has to be withdrawn here.
    """
    raise NotImplementedError(order)


@activity.defn
async def remind(order: ReminderOrder) -> Done:
    """Remind the assignee, then the leader, that a proposal waits. Once per key; a proposal closed meanwhile: do
    nothing.
    """
    raise NotImplementedError(order)
