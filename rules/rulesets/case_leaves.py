"""Leaves about the case rather than the register: stage, age, flags, exemptions, artifacts, history (S10)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rules.rulesets.comparisons import Comparison, FactKey, FactName, Term, at_least, exactly, is_true
from rules.rulesets.parameters import Count, Days, Leaf, Params, Strict, Word

Jurisdiction = Literal["IE", "GB-ENG", "US-CA", "US-TX", "US-OH"]
YearGroup = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]{0,19}$")]


class StageAgeParams(Params):
    school_days: Days


class StageAge(Leaf):
    """Open school days since the stage was entered."""

    type: Literal["StageAge"]
    params: StageAgeParams

    def comparison(self) -> Comparison:
        return at_least(FactKey(FactName.STAGE_AGE), self.params.school_days)


class Within(Strict):
    """A stretch of time before the evaluation date."""

    value: Annotated[int, Field(strict=True, ge=1, le=1000)]
    unit: Literal["day", "week", "month", "year"]


class PriorEventsParams(Params):
    kind: Word
    at_least: Count = 1
    within: Within | Literal["school_year"]
    per: Literal["student", "guardian"] = "student"


class PriorEvents(Leaf):
    """Events of a kind dated in (D - within, D]; per guardian, those of the liable guardian who has the most."""

    type: Literal["PriorEvents"]
    params: PriorEventsParams

    def comparison(self) -> Comparison:
        p = self.params
        span = p.within if isinstance(p.within, str) else f"{p.within.value}:{p.within.unit}"
        name = FactName.GUARDIAN_EVENTS if p.per == "guardian" else FactName.PRIOR_EVENTS
        return at_least(FactKey(name, (p.kind, span)), p.at_least)


class ArtifactParams(Params):
    kind: Word
    done: bool = True


class Artifact(Leaf):
    """A row of that kind on the instance: conference attempted, support offered."""

    type: Literal["Artifact"]
    params: ArtifactParams

    def comparison(self) -> Comparison:
        return exactly(FactKey(FactName.ARTIFACT, (self.params.kind,)), int(self.params.done))


class ProtectedStatusParams(Params):
    kinds: Annotated[tuple[Word, ...], Field(min_length=1)]


class ProtectedStatus(Leaf):
    """A care flag of one of the kinds covers the evaluation date."""

    type: Literal["ProtectedStatus"]
    params: ProtectedStatusParams

    def comparison(self) -> Comparison:
        return is_true(FactKey(FactName.PROTECTED, tuple(sorted(set(self.params.kinds)))))


class AgeParams(Params):
    from_age: Annotated[int, Field(strict=True, ge=0, le=30, alias="from")]
    to_age: Annotated[int, Field(strict=True, ge=0, le=30, alias="to")]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to_age < self.from_age:
            raise ValueError("'to' is below 'from': swap them")
        return self


class AgeBetween(Leaf):
    """Completed years of age on the evaluation date, both bounds inclusive."""

    type: Literal["AgeBetween"]
    params: AgeParams

    def comparison(self) -> Comparison:
        age = Term(1, (FactKey(FactName.AGE),))
        return Comparison((age,), low=self.params.from_age, high=self.params.to_age)


class CompulsoryParams(Params):
    jurisdiction: Jurisdiction


class CompulsorySchoolAge(Leaf):
    """Of compulsory school age; unknown without a birth date."""

    type: Literal["CompulsorySchoolAge"]
    params: CompulsoryParams

    def comparison(self) -> Comparison:
        return is_true(FactKey(FactName.COMPULSORY_AGE, (self.params.jurisdiction,)))


class YearGroupParams(Params):
    groups: Annotated[tuple[YearGroup, ...], Field(min_length=1, alias="in")]


class YearGroupIn(Leaf):
    """In one of the year groups on the evaluation date."""

    type: Literal["YearGroupIn"]
    params: YearGroupParams

    def comparison(self) -> Comparison:
        return is_true(FactKey(FactName.YEAR_GROUP, tuple(sorted(set(self.params.groups)))))


class ExemptionActive(Leaf):
    """An exemption of scope `stop` covers the evaluation date."""

    type: Literal["ExemptionActive"]
    params: Params = Params()

    def comparison(self) -> Comparison:
        return is_true(FactKey(FactName.EXEMPTION))


class GuardianReasonAccepted(Leaf):
    """Accepted reasons cover every absence in the basis."""

    type: Literal["GuardianReasonAccepted"]
    params: Params = Params()

    def comparison(self) -> Comparison:
        return is_true(FactKey(FactName.REASON_ACCEPTED))


class CaseResolved(Leaf):
    """The case is resolved on the evaluation date."""

    type: Literal["CaseResolved"]
    params: Params = Params()

    def comparison(self) -> Comparison:
        return is_true(FactKey(FactName.CASE_RESOLVED))


PERSON_ENTERED = (ExemptionActive, GuardianReasonAccepted, CaseResolved)
"""Facts that a person has entered: only these may end a case without an exit review (ladder.md)."""
AGEING_FACTS = (StageAge, AgeBetween, CompulsorySchoolAge, PriorEvents, ProtectedStatus)
"""Facts whose truth changes with the date."""
