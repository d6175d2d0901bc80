"""A rule set: entry, stages, stops, escalations, exit review and follow-up, immutable by content hash (rules.md)."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from rules.ladder.stages import Approval, ReferredTo, RegisterQuery, StageType
from rules.rulesets.case_leaves import AGEING_FACTS, StageAge, StageAgeParams, YearGroup
from rules.rulesets.comparisons import FactKey, FactName
from rules.rulesets.conditions import AllOf, Condition, fact_keys, leaves, metric_keys
from rules.rulesets.guards import guards_of
from rules.rulesets.law import Citation, Duty, Override, PackRef, RuleKey, Text, Unconfirmed, Watch
from rules.rulesets.leaves import DateWindow, MonthsIntoYear
from rules.rulesets.metrics import MetricKey
from rules.rulesets.parameters import Leaf, Strict, Word

SchoolDays = Annotated[int, Field(strict=True, ge=0, le=200)]
Age = Annotated[int, Field(strict=True, ge=0, le=30)]
DAYS_OF_A_SCHOOL_WEEK: Final = 5
AGEING = (*AGEING_FACTS, DateWindow, MonthsIntoYear)
"""Leaves that time alone makes true."""
DATED = frozenset(FactName) - {FactName.REASON_ACCEPTED, FactName.CASE_RESOLVED, FactName.ARTIFACT}
"""Facts that change without anybody telling the case."""
Channel = Literal["email", "post", "sms", "push", "phone", "hand"]


class Scope(Strict):
    """Whom a rule set is for; null means everybody."""

    schools: tuple[UUID, ...] | None = None
    year_groups: tuple[YearGroup, ...] | None = None
    ages: tuple[Age, Age] | None = None


class StopRule(Strict):
    """When a case should end; only what a person has entered may end it without an exit review."""

    key: RuleKey
    when: Condition
    then: Literal["EXIT_REVIEW", "STOPPED"] = "EXIT_REVIEW"
    says: Text | None = None
    """The same in words that a family reads, for a notice: what sufficient improvement is."""


class EscalateRule(Strict):
    """When a case jumps to a later stage."""

    key: RuleKey
    when: Condition
    to: RuleKey
    says: Text | None = None
    """The same in words that a family reads, for a notice: what ends it early."""


class StageRule(Strict):
    """One rung; `when` omitted means the rule set's entry."""

    key: RuleKey
    type: StageType
    when: Condition | None = None
    template: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")] | None = None
    approval: Approval = Approval.STAFF
    channels: tuple[Channel, ...] = ()
    statutory: bool = False
    wait_school_days: SchoolDays = 0
    within_school_days: SchoolDays = 10
    max_reschedules: Annotated[int, Field(strict=True, ge=0, le=5)] = 2
    case_tier: Annotated[int, Field(strict=True, ge=1, le=3)] | None = None
    stop: tuple[StopRule, ...] = ()
    escalate: tuple[EscalateRule, ...] = ()
    period_school_weeks: Annotated[int, Field(strict=True, ge=1, le=12)] | None = None
    """How long a notice runs, from the day it has reached everybody it is for."""
    elements: tuple[Word, ...] = ()
    """What the law asks the notice or the plan to say, by name."""
    recipient: Text | None = None
    """To whom a referral goes, as its papers name them."""
    referred_to: ReferredTo = ReferredTo.AUTHORITY
    """What kind of recipient that is."""
    cite: Text | None = None

    @property
    def waits(self) -> int:
        """School days before the next rung: a notice's period is counted in school days, a school week being five."""
        return max(self.wait_school_days, DAYS_OF_A_SCHOOL_WEEK * (self.period_school_weeks or 0))


class Waiver(Strict):
    """A named check that is switched off, with the reason on record."""

    check: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.:-]{0,80}$")]
    stage: RuleKey | None = None
    reason: Text


class ExitReview(Strict):
    approval: Literal[Approval.STAFF, Approval.LEADER, Approval.DISTRICT] = Approval.STAFF


class FollowUp(Strict):
    """Weekly checks after a confirmed exit."""

    weeks: Annotated[int, Field(strict=True, ge=1, le=20)] = 6
    check: Literal["WEEKLY"] = "WEEKLY"
    relapse: Condition
    relapse_to: RuleKey | None = None


class Expectation(Strict):
    """What a test asks for; what it leaves out may come to anything."""

    decision: Literal["WAIT", "ADVANCE", "STOP", "ESCALATE", "EXIT_REVIEW"]
    fired: tuple[str, ...] | None = None
    stage: RuleKey | None = None
    duties: tuple[RuleKey, ...] | None = None
    """The duties that open, in the order of the document."""
    watch: tuple[RuleKey, ...] | None = None
    """The watches that show the student, in the order of the document."""


class AttachedTest(Strict):
    """Metrics and facts in, decision out; approval of a version needs all of them to pass."""

    name: Text
    given: dict[str, Annotated[int, Field(strict=True)] | None]
    at_stage: RuleKey | None = None
    wait_elapsed: bool = True
    previous_reached: bool = True
    expect: Expectation

    def __hash__(self) -> int:
        """By name: `given` is a mapping, and a rule set must be able to stand as a key."""
        return hash((self.name, self.at_stage))


class RuleSet(Strict):
    """One immutable version's content."""

    key: RuleKey
    title: Text
    jurisdiction: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,6})?$")] | None = None
    effective_from: date | None = None
    effective_to: date | None = None
    scope: Scope = Scope()
    entry: Condition
    stages: Annotated[tuple[StageRule, ...], Field(min_length=1, max_length=20)]
    escalate: tuple[EscalateRule, ...] = ()
    stop: tuple[StopRule, ...]
    duties: tuple[Duty, ...] = ()
    watch: tuple[Watch, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    register_query: RegisterQuery = RegisterQuery.PAUSE
    exit_review: ExitReview = ExitReview()
    follow_up: FollowUp
    tests: tuple[AttachedTest, ...] = ()
    citations: tuple[Citation, ...] = ()
    verify: tuple[Unconfirmed, ...] = ()
    pack: PackRef | None = None
    overrides: tuple[Override, ...] = ()

    def citation(self, cite: str | None) -> Citation | None:
        """The citation that a stage, duty or watch names by its text."""
        return next((citation for citation in self.citations if citation.text == cite), None)

    def condition_of(self, stage: StageRule) -> Condition:
        """What must hold to enter a stage."""
        return self.entry if stage.when is None else stage.when

    def index_of(self, key: str) -> int:
        """Where a stage stands; -1 if there is none of that key."""
        return next((at for at, stage in enumerate(self.stages) if stage.key == key), -1)

    def conditions(self) -> Iterator[tuple[str, Condition]]:
        """Every condition with its place in the document, in the one stable order."""
        yield "entry", self.entry
        for at, stage in enumerate(self.stages):
            if stage.when is not None:
                yield f"stages[{at}].when", stage.when
            yield from ((f"stages[{at}].stop[{i}].when", rule.when) for i, rule in enumerate(stage.stop))
            yield from ((f"stages[{at}].escalate[{i}].when", rule.when) for i, rule in enumerate(stage.escalate))
        yield from ((f"escalate[{i}].when", rule.when) for i, rule in enumerate(self.escalate))
        yield from ((f"stop[{i}].when", rule.when) for i, rule in enumerate(self.stop))
        yield from ((f"duties[{i}].when", duty.when) for i, duty in enumerate(self.duties) if duty.when is not None)
        yield from ((f"watch[{i}].when", watch.when) for i, watch in enumerate(self.watch))
        yield "follow_up.relapse", self.follow_up.relapse

    def dormant(self) -> Iterator[tuple[str, Condition]]:
        """Conditions of what waits to be confirmed, with their places: read, never evaluated."""
        for at, item in enumerate(self.verify):
            for name, held in (("duty", item.duty), ("watch", item.watch)):
                if held is not None and held.when is not None:
                    yield f"verify[{at}].{name}.when", held.when

    def to_escalate(self, rule: EscalateRule) -> Condition:
        """What must hold to jump; what time alone can make true also asks for a new absence since the last step."""
        unseen = guards_of(rule.when)[0]
        if not any(isinstance(leaf, AGEING) for leaf in leaves(rule.when)) or self._everywhere(type(unseen).__name__):
            return rule.when
        return AllOf(children=(rule.when, unseen))

    def to_stop(self, stage: StageRule, rule: StopRule) -> Condition:
        """What must hold of a stage's own stop: whether improvement under a notice is sufficient is not judged before
        its period is over. Facts that a person has entered stop at once.
        """
        if stage.period_school_weeks is None or rule.then == "STOPPED":
            return rule.when
        over = StageAge(type="StageAge", params=StageAgeParams(school_days=stage.waits))
        return AllOf(children=(over, rule.when))

    def _everywhere(self, check: str) -> bool:
        """Whether a named check is off for the whole ladder."""
        return any(waiver.check == check and waiver.stage is None for waiver in self.waivers)

    def _escalations(self) -> Iterator[EscalateRule]:
        yield from (rule for stage in self.stages for rule in stage.escalate)
        yield from self.escalate

    def guards(self, stage: StageRule) -> tuple[Leaf, ...]:
        """The built-in conditions of entering a stage from the second on, less what is waived."""
        if self.stages[0] == stage:
            return ()
        return tuple(
            leaf for leaf in guards_of(self.condition_of(stage)) if not self.waived(type(leaf).__name__, stage)
        )

    def waived(self, check: str, stage: StageRule) -> bool:
        """Whether a named check is off for a stage."""
        return any(waiver.check == check and waiver.stage in {None, stage.key} for waiver in self.waivers)

    def leaf_index(self) -> tuple[Leaf, ...]:
        """Every different leaf once, in the stable order that bitmaps are written in; guards come last."""
        found = dict.fromkeys(leaf for _, tree in self.conditions() for leaf in leaves(tree))
        jumps = [leaf for rule in self._escalations() for leaf in leaves(self.to_escalate(rule))]
        ends = [leaf for stage in self.stages for rule in stage.stop for leaf in leaves(self.to_stop(stage, rule))]
        guards = (leaf for stage in self.stages for leaf in self.guards(stage))
        return tuple(dict.fromkeys([*found, *guards, *jumps, *ends]))

    def metric_leaves(self) -> tuple[Leaf, ...]:
        """The leaves that the register alone decides: the bits of a bitmap."""
        return tuple(leaf for leaf in self.leaf_index() if leaf.is_metric())

    def ageing_leaves(self) -> tuple[Leaf, ...]:
        """The leaves that SQL judges beside the register: what a nightly pass compares with the last evaluation."""
        return tuple(
            leaf
            for leaf in self.leaf_index()
            if not leaf.is_metric() and all(isinstance(key, FactKey) and key.name in DATED for key in leaf.needs())
        )

    def metric_keys(self) -> tuple[MetricKey, ...]:
        """Every metric this version needs, once, in canonical order."""
        return metric_keys(*self.leaf_index())

    def fact_keys(self) -> tuple[FactKey, ...]:
        """Every fact about the case this version needs, once, in order."""
        return fact_keys(*self.leaf_index())
