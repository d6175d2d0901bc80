"""The built-in conditions of every step from the second on: something new happened, and there was a fair chance."""

from collections.abc import Iterable
from typing import Final, TypeVar

from rules.rulesets.conditions import Condition, leaves
from rules.rulesets.leaves import (
    DaysOrPartsThreshold,
    Improvement,
    NewAbsencesSinceStep,
    OccasionCountThreshold,
    PossibleSessionsSinceStep,
    PossibleSinceStepParams,
    SinceStepParams,
    TardyCountThreshold,
    UnauthorisedSessionsThreshold,
)
from rules.rulesets.parameters import Counting, KindsWord, Leaf

T = TypeVar("T")

NEW_ABSENCES: Final = 1
FAIR_CHANCE_SESSIONS: Final = 10
PREVIOUS_STEP_REACHED: Final = "PreviousStepReachedSomebody"
GUARD_CHECKS: Final = ("NewAbsencesSinceStep", "PossibleSessionsSinceStep", PREVIOUS_STEP_REACHED)
"""The names a waiver may switch off."""
_UNAUTHORISED_ONLY: Final = (UnauthorisedSessionsThreshold, OccasionCountThreshold, DaysOrPartsThreshold)


def guards_of(condition: Condition) -> tuple[Leaf, Leaf]:
    """A new *qualifying* absence (one the stage's own condition counts), and enough sessions to have come to.

    How much attendance improved says nothing of which absences count.
    """
    counting = [leaf for leaf in leaves(condition) if not isinstance(leaf, TardyCountThreshold | Improvement)]
    found = [(leaf, params) for leaf in counting if (params := counting_params(leaf)) is not None]
    absences = SinceStepParams(
        at_least=NEW_ABSENCES,
        kinds=_one((_kinds(leaf, params) for leaf, params in found), "ALL"),
        codes=_one((params.codes for _, params in found), ()),
        exclude_codes=_one((params.exclude_codes for _, params in found), ()),
        across=_one((params.across for _, params in found), "SCHOOL"),
    )
    sessions = PossibleSinceStepParams(
        at_least=FAIR_CHANCE_SESSIONS, exclude_codes=absences.exclude_codes, across=absences.across
    )
    return (
        NewAbsencesSinceStep(type="NewAbsencesSinceStep", params=absences),
        PossibleSessionsSinceStep(type="PossibleSessionsSinceStep", params=sessions),
    )


def counting_params(leaf: Leaf) -> Counting | None:
    """The parameters of a leaf that counts sessions."""
    params = getattr(leaf, "params", None)
    return params if isinstance(params, Counting) else None


def _kinds(leaf: Leaf, params: Counting) -> KindsWord:
    if isinstance(leaf, _UNAUTHORISED_ONLY):
        return "UNAUTHORISED"
    kinds: KindsWord = getattr(params, "kinds", "ALL")
    return kinds


def _one(values: Iterable[T], otherwise: T) -> T:
    """What all leaves agree on; where they differ, nothing is narrowed."""
    different = set(values)
    return different.pop() if len(different) == 1 else otherwise
