"""The ladder's status words, as in the requirements and ladder.md."""

from enum import StrEnum


class Status(StrEnum):
    """The instance as the requirements name it; STARTING until the workflow reports."""

    STARTING = "STARTING"
    ACTIVE = "ACTIVE"
    ESCALATED = "ESCALATED"
    COMPLETED = "COMPLETED"
    STOPPED = "STOPPED"


class Change(StrEnum):
    """Changes of what the ladder's words mean; the value is the patch by which a case that already runs keeps to what
    was in force when its run began (`StudentIntervention.__init__`).
    """

    DONE_WHEN_IT_ARRIVED = "2026-11-done-when-it-arrived"
    FACTS_IN_EVERY_PHASE = "2026-11-facts-in-every-phase"
    ONE_REMINDER_AT_A_TIME = "2026-11-one-reminder-at-a-time"
    FACTS_HOLD = "2026-11-facts-hold"
    YEAR_ENDS = "2026-11-year-ends"


class Phase(StrEnum):
    """What the case is doing now."""

    EVALUATING = "EVALUATING"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    ON_HOLD = "ON_HOLD"
    ACTING = "ACTING"
    WAITING = "WAITING"
    MEETING = "MEETING"
    EXIT_REVIEW = "EXIT_REVIEW"
    FOLLOW_UP = "FOLLOW_UP"
    TRANSFER_PENDING = "TRANSFER_PENDING"
    NEEDS_STAFF = "NEEDS_STAFF"
    CLOSED = "CLOSED"


class HoldKind(StrEnum):
    """Why a case is on hold."""

    STAFF = "staff"
    BASIS = "basis"
    ENGINES_DIFFER = "engines_differ"
    CONTACT_STOP = "contact_stop"


class PauseKind(StrEnum):
    """A fact that a person has entered and that holds a case while it lasts; the value is the hold's reason."""

    EXEMPTION = "exemption"
    AMEND_REGISTER = "amend_register"


class StopReason(StrEnum):
    """Why a case is STOPPED."""

    IMPROVED = "IMPROVED"
    EXEMPT = "EXEMPT"
    GUARDIAN_REASON_ACCEPTED = "GUARDIAN_REASON_ACCEPTED"
    CASE_RESOLVED = "CASE_RESOLVED"
    STOP_CONDITION = "STOP_CONDITION"
    BASIS_REMOVED = "BASIS_REMOVED"
    STAFF_DECISION = "STAFF_DECISION"
    OPENED_BY_MISTAKE = "OPENED_BY_MISTAKE"
    OTHER_SUPPORT = "OTHER_SUPPORT"
    WITHDRAWN = "WITHDRAWN"
    TRANSFERRED = "TRANSFERRED"
    MERGED = "MERGED"
    DECEASED = "DECEASED"
    STUDENT_REMOVED = "STUDENT_REMOVED"
    YEAR_END = "YEAR_END"


STAFF_STOP_REASONS = frozenset(
    {
        StopReason.EXEMPT,
        StopReason.GUARDIAN_REASON_ACCEPTED,
        StopReason.CASE_RESOLVED,
        StopReason.STAFF_DECISION,
        StopReason.OPENED_BY_MISTAKE,
        StopReason.OTHER_SUPPORT,
    }
)


class ProposalKind(StrEnum):
    """What a proposal asks: a rung, more time to book, the exit, going back to a rung, ending an unassessable follow-
    up.
    """

    STEP = "STEP"
    EXTEND_MEETING = "EXTEND_MEETING"
    EXIT = "EXIT"
    RELAPSE = "RELAPSE"
    INCONCLUSIVE = "INCONCLUSIVE"


class StepResult(StrEnum):
    """How a rung ended."""

    TAKEN = "TAKEN"
    SKIPPED = "SKIPPED"
    JUMPED = "JUMPED"
    RESCINDED = "RESCINDED"


class NeedsStaff(StrEnum):
    """Why a case is parked for a person."""

    EFFECT_FAILED = "effect_failed"
    FAMILY_NOT_REACHED = "family_not_reached"


class TransferChoice(StrEnum):
    """What becomes of a case whose student went to another school of the tenant: what its leader chooses, or what
    happens when the time to choose is over, or the student is back.
    """

    CONTINUE = "CONTINUE"
    SUPPORT_ONLY = "SUPPORT_ONLY"
    CLOSE = "CLOSE"
    LAPSED = "LAPSED"
    UNDONE = "UNDONE"


CHOSEN_BY_PEOPLE = frozenset({TransferChoice.CONTINUE, TransferChoice.SUPPORT_ONLY, TransferChoice.CLOSE})


class YearEndChoice(StrEnum):
    """What becomes of a running case when the school year ends; without a choice it is reviewed in autumn."""

    CARRY = "CARRY"
    CLOSE_WITH_SUMMARY = "CLOSE_WITH_SUMMARY"
    REVIEW_IN_AUTUMN = "REVIEW_IN_AUTUMN"


class Action(StrEnum):
    """What a decision says (rules.md); ENGINES_DIFFER is never an action."""

    ADVANCE = "ADVANCE"
    WAIT = "WAIT"
    STOP = "STOP"
    ESCALATE = "ESCALATE"
    ENGINES_DIFFER = "ENGINES_DIFFER"


class StopThen(StrEnum):
    """Where a stop condition leads."""

    EXIT_REVIEW = "EXIT_REVIEW"
    STOPPED = "STOPPED"
