"""What every leaf comes down to: an exact sum of products of named integers between two bounds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from rules.rulesets.metrics import MetricKey


class FactName(StrEnum):
    """Integers about the case rather than the register (S10); flags are 0 or 1."""

    STAGE_AGE = "stage_age"
    AGE = "age"
    COMPULSORY_AGE = "compulsory_age"
    YEAR_GROUP = "year_group"
    PROTECTED = "protected"
    EXEMPTION = "exemption"
    REASON_ACCEPTED = "reason_accepted"
    CASE_RESOLVED = "case_resolved"
    ARTIFACT = "artifact"
    PRIOR_EVENTS = "prior_events"
    GUARDIAN_EVENTS = "guardian_events"
    """The most that any liable guardian has; unknown until the authority's history is recorded for each of them."""
    SCORE = "score"
    """Hundredths, rounded down: exact against thresholds of two decimals."""
    CONSECUTIVE_PROFICIENT = "consecutive_proficient"
    GOAL_CHECKS = "goal_checks"
    FACILITATOR_RECOMMENDS = "facilitator_recommends"
    POINTS_BELOW_AIMLINE = "points_below_aimline"
    MEASURED_POINTS = "measured_points"


@dataclass(frozen=True, slots=True, order=True)
class FactKey:
    """One fact and what it is asked about: `artifact/conference_attempted`, `prior_events/penalty_notice/3:year`."""

    name: FactName
    about: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "/".join((self.name, *self.about))

    @classmethod
    def parse(cls, text: str) -> Self:
        name, *about = text.split("/")
        return cls(FactName(name), tuple(about))


Key = MetricKey | FactKey


@dataclass(frozen=True, slots=True)
class Term:
    """A coefficient times up to a few named integers."""

    coefficient: int
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`low <= sum of terms <= high`; unknown while a named integer is missing or a guard (key >= n) does not hold."""

    terms: tuple[Term, ...]
    low: int | None = None
    high: int | None = None
    guards: tuple[tuple[Key, int], ...] = ()

    def keys(self) -> tuple[Key, ...]:
        """Every named integer once, in order of first use."""
        used = [key for term in self.terms for key in term.keys]
        return tuple(dict.fromkeys([*used, *(key for key, _ in self.guards)]))


def at_least(key: Key, low: int) -> Comparison:
    """One integer that must reach a bound."""
    return Comparison((Term(1, (key,)),), low=low)


def is_true(key: FactKey) -> Comparison:
    """A flag that must be set."""
    return at_least(key, 1)


def exactly(key: Key, value: int) -> Comparison:
    """One integer that must equal a value."""
    return Comparison((Term(1, (key,)),), low=value, high=value)
