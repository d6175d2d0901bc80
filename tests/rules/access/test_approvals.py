"""A care flag asks one approver higher, and never leaves a step to a machine."""

import pytest

from rules.access.approvals import approver_for
from rules.ladder.stages import Approval


@pytest.mark.parametrize(
    ("least", "flagged"),
    [
        (Approval.AUTO, Approval.LEADER),
        (Approval.STAFF, Approval.LEADER),
        (Approval.LEADER, Approval.DISTRICT),
        (Approval.DISTRICT, Approval.DISTRICT),
    ],
)
def test_a_flagged_students_step_is_decided_one_higher(least: Approval, flagged: Approval) -> None:
    assert (approver_for(least, flagged=False), approver_for(least, flagged=True)) == (least, flagged)
