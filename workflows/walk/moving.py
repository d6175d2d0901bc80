"""The student has gone to another school of the tenant: put down, show, wait for the choice, carry it out."""

from rules.ladder import transfers
from rules.ladder.state import State
from rules.ladder.transfers import BeginTransfer, LapseTransfer, OpenHandover, SettleTransfer
from workflows.case import Case
from workflows.ports.transfers import HandoverOpened, HandoverOrder, SettlementOrder, open_handover, settle_transfer
from workflows.retry import RECORD


async def begin(case: Case, _step: BeginTransfer) -> None:
    """Nothing more is done at this school."""
    case.state = transfers.begun(case.state, case.now)


async def hand_over(case: Case, _step: OpenHandover) -> None:
    """Both schools see the case, and the receiving leader is asked."""
    transfer = case.state.transfer
    assert transfer is not None
    order = HandoverOrder(**case.order("open_handover"), to_school_id=transfer.to_school_id)

    def opened(now: State, found: HandoverOpened) -> State:
        return now.but(transfer=transfer.but(decide_at=found.decide_at))

    await case.settle(open_handover, order, opened, RECORD, about=lambda now: now.transfer)


async def lapse(case: Case, _step: LapseTransfer) -> None:
    """Nobody chose in time."""
    case.state = transfers.lapsed(case.state, case.now)


async def carry_out_choice(case: Case, _step: SettleTransfer) -> None:
    """What was chosen, or what happens by itself."""
    transfer = case.state.transfer
    assert transfer is not None
    assert transfer.choice is not None
    order = SettlementOrder(
        **case.order("settle_transfer"),
        to_school_id=transfer.to_school_id,
        choice=transfer.choice,
        by=transfer.by,
    )
    done = await case.perform(settle_transfer, order, RECORD)
    case.state = transfers.settled(case.state, case.now, moved=done.moved)
