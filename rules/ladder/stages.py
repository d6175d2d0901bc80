"""The pinned ladder: the rungs a running case walks, copied from its rule-set version when the case starts."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class StageType(StrEnum):
    """What kind of act a rung is."""

    CONTACT = "CONTACT"
    LETTER = "LETTER"
    MEETING = "MEETING"
    PLAN = "PLAN"
    NOTICE = "NOTICE"
    ESCALATION = "ESCALATION"
    REFERRAL = "REFERRAL"


class Approval(StrEnum):
    """Who must agree before a step happens."""

    AUTO = "AUTO"
    STAFF = "STAFF"
    LEADER = "LEADER"
    DISTRICT = "DISTRICT"


class RegisterQuery(StrEnum):
    """What a family's "this is wrong" does to the clock."""

    PAUSE = "PAUSE"
    CONTINUE = "CONTINUE"


WRITTEN = frozenset({StageType.LETTER, StageType.NOTICE})
"""Rungs that write to each guardian of their kind."""
PURPOSES: Mapping[StageType, str] = {
    StageType.MEETING: "meetings",
    StageType.CONTACT: "calls",
    StageType.NOTICE: "notices",
}
"""What a guardian must be entitled to for a rung; a letter, where nothing is said."""
NEVER_AUTO = frozenset({StageType.NOTICE, StageType.ESCALATION, StageType.REFERRAL})
LEADERS = frozenset({Approval.LEADER, Approval.DISTRICT})
"""Who may agree to a referral."""


class ReferredTo(StrEnum):
    """What kind of recipient a referral goes to; it decides which evidence pack goes with it."""

    AUTHORITY = "AUTHORITY"
    COURT = "COURT"


class Stage(BaseModel):
    """One rung. `stage_type` is the name the requirements use (LETTER_1, MEETING, ...). Of a notice: how long it runs,
    what the law asks it to say, and in words what improvement is sufficient and what ends it early. Of a referral: to
    whom it goes.
    """

    model_config = ConfigDict(frozen=True)

    key: str = ""
    type: StageType = StageType.LETTER
    stage_type: str = ""
    template: str | None = None
    approval: Approval = Approval.STAFF
    channels: tuple[str, ...] = ()
    statutory: bool = False
    wait_school_days: int = 0
    within_school_days: int = 10
    max_reschedules: int = 2
    case_tier: int | None = None
    period_school_weeks: int | None = None
    elements: tuple[str, ...] = ()
    sufficient: tuple[str, ...] = ()
    early: tuple[str, ...] = ()
    recipient: str | None = None
    referred_to: ReferredTo = ReferredTo.AUTHORITY

    @property
    def purpose(self) -> str:
        """What a guardian must be entitled to for this rung to reach them."""
        return PURPOSES.get(self.type, "letters")

    @property
    def approver(self) -> Approval:
        """The approval in force: statutory, legal and escalating steps are never automatic (safeguards 5), and a
        referral takes a leader at least.
        """
        if self.type is StageType.REFERRAL and self.approval not in LEADERS:
            return Approval.LEADER
        hard = self.statutory or self.type in NEVER_AUTO
        return Approval.STAFF if hard and self.approval is Approval.AUTO else self.approval


class FollowUpPlan(BaseModel):
    """The weekly checks after a confirmed exit."""

    model_config = ConfigDict(frozen=True)

    weeks: int = 6
    most_weeks: int = 10
    relapse_to: str | None = None


class LadderSnapshot(BaseModel):
    """Everything of a rule-set version that the workflow needs; conditions stay in the database, behind `digest`."""

    model_config = ConfigDict(frozen=True)

    rule_set_key: str = ""
    rule_set_version: int = 0
    digest: str = ""
    stages: tuple[Stage, ...] = ()
    exit_approval: Approval = Approval.STAFF
    follow_up: FollowUpPlan = FollowUpPlan()
    register_query: RegisterQuery = RegisterQuery.PAUSE

    def index_of(self, key: str) -> int | None:
        """Where a rung stands, or None if this version has no such rung."""
        return next((i for i, stage in enumerate(self.stages) if stage.key == key), None)

    def at(self, index: int) -> Stage | None:
        """The rung at an index, or None before the first and beyond the last."""
        return self.stages[index] if 0 <= index < len(self.stages) else None

    def first_escalation(self) -> Stage | None:
        """Where a staff escalation goes by default."""
        return next((stage for stage in self.stages if stage.type is StageType.ESCALATION), None)
