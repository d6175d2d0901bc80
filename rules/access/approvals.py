"""Who must agree to a step when a care flag asks for a second look (safeguards.md section 5)."""

from rules.ladder.stages import Approval

ONE_HIGHER = {
    Approval.AUTO: Approval.LEADER,
    Approval.STAFF: Approval.LEADER,
    Approval.LEADER: Approval.DISTRICT,
    Approval.DISTRICT: Approval.DISTRICT,
}


def approver_for(least: Approval, *, flagged: bool) -> Approval:
    """The approval in force: a flagged student's step is never automatic and one approver higher."""
    return ONE_HIGHER[least] if flagged else least
