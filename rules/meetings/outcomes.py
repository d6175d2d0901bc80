"""Meeting statuses and outcomes, and what each outcome asks for."""

from enum import StrEnum


class MeetingStatus(StrEnum):
    """Where a meeting stands; PROPOSED = slots offered, none taken yet."""

    PROPOSED = "PROPOSED"
    SCHEDULED = "SCHEDULED"
    HELD = "HELD"
    CANCELLED = "CANCELLED"
    NO_SHOW = "NO_SHOW"


class Outcome(StrEnum):
    """What came of a meeting."""

    RESOLVED = "RESOLVED"
    NO_ACTION = "NO_ACTION"
    MEDICAL_PLAN = "MEDICAL_PLAN"
    SUPPORT_PLAN = "SUPPORT_PLAN"
    ESCALATE = "ESCALATE"
    RESCHEDULE = "RESCHEDULE"
    NO_SHOW = "NO_SHOW"


class NoShow(StrEnum):
    """Who did not come; only the family's absence after a delivered invitation counts."""

    FAMILY = "FAMILY"
    SCHOOL = "SCHOOL"


HELD = frozenset({Outcome.RESOLVED, Outcome.NO_ACTION, Outcome.MEDICAL_PLAN, Outcome.SUPPORT_PLAN})

SUPPORT_PLAN_REVIEW_SCHOOL_DAYS = 20
SUPPORT_PLAN_WITHIN_SCHOOL_DAYS = 5
"""How long staff have to write down what a meeting agreed."""
NO_SHOW_DECISION_SCHOOL_DAYS = 5


def status_after(outcome: Outcome) -> MeetingStatus:
    """The row's status once an outcome is recorded; a meeting to be moved or escalated unheld is cancelled."""
    if outcome in HELD:
        return MeetingStatus.HELD
    return MeetingStatus.NO_SHOW if outcome is Outcome.NO_SHOW else MeetingStatus.CANCELLED


def counts(no_show: NoShow | None, *, invitation_delivered: bool) -> bool:
    """Whether a no-show may be held against nobody coming: the family's, after an invitation that arrived."""
    return no_show is NoShow.FAMILY and invitation_delivered
