"""Is a day's batch of proposals out of the ordinary, and what do its students have in common?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Final

from rules.breakers.limits import Limits, raised, spoken_share

NEARLY_ALL: Final = Fraction(4, 5)
MOST: Final = Fraction(1, 2)
TWICE: Final = 2


class BatchCause(StrEnum):
    """What a held batch has in common; a person decides whether that is right."""

    FIRST_EVALUATION = "FIRST_EVALUATION"
    NEW_VERSION = "NEW_VERSION"
    CORRECTED_REGISTER = "CORRECTED_REGISTER"
    ONE_DAY = "ONE_DAY"
    ONE_CONDITION = "ONE_CONDITION"
    NOTHING = "NOTHING"


@dataclass(frozen=True, slots=True)
class Batch:
    """The proposals of one school, stage and day, and what is known of their students.

    `absent_on`: how many of them were absent on a day; `shares`: the whole school's absent share of that day, with its
    usual share; `corrected`: of how many an earlier day was changed since the pass before; `conditions`: how many rest
    on a condition.
    """

    students: int
    first_evaluation: bool = False
    new_version: bool = False
    corrected: int = 0
    absent_on: Mapping[date, int] = field(default_factory=dict)
    shares: Mapping[date, tuple[Fraction, Fraction]] = field(default_factory=dict)
    conditions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Common:
    """The cause, how many of the students share it, and the day or condition it names."""

    cause: BatchCause
    students: int
    day: date | None = None
    absent_share: Fraction = Fraction(0)
    usual: Fraction = Fraction(0)
    condition: str = ""


def batch_limit(before: Sequence[int], limits: Limits) -> Fraction:
    """The most proposals of a school and stage on one day; days without any count as 0, and no history is 0."""
    return raised(limits.proposals, before, limits.times_median)


def common_cause(batch: Batch) -> Common:
    """The first that holds for most of the students, the most telling first."""
    if batch.first_evaluation:
        return Common(BatchCause.FIRST_EVALUATION, batch.students)
    if batch.new_version:
        return Common(BatchCause.NEW_VERSION, batch.students)
    if batch.corrected > batch.students * MOST:
        return Common(BatchCause.CORRECTED_REGISTER, batch.corrected)
    return _one_day(batch) or _one_condition(batch)


def _one_day(batch: Batch) -> Common | None:
    """A day on which nearly all were absent, and twice as many of the whole school as usual."""
    told = [
        (many, day)
        for day, many in batch.absent_on.items()
        if many >= batch.students * NEARLY_ALL and day in batch.shares and _unusual(*batch.shares[day])
    ]
    if not told:
        return None
    many, day = max(told)
    return Common(BatchCause.ONE_DAY, many, day, *batch.shares[day])


def _unusual(absent_share: Fraction, usual: Fraction) -> bool:
    return absent_share > TWICE * usual


def _one_condition(batch: Batch) -> Common:
    many, named = max(((many, name) for name, many in batch.conditions.items()), default=(0, ""))
    if many >= batch.students * NEARLY_ALL and named:
        return Common(BatchCause.ONE_CONDITION, many, condition=named)
    return Common(BatchCause.NOTHING, 0)


def sentence(found: Common, count: int, limit: Fraction) -> str:
    """How many there are, how many are usual, and what they have in common."""
    return f"{count} proposals in one day; more than {int(limit)} are held. {_said(found, count)}"


def _said(found: Common, count: int) -> str:
    of_all = f"{found.students} of {count}"
    match found.cause:
        case BatchCause.FIRST_EVALUATION:
            return "This is the school's first evaluation: look at a few, and at how the register was mapped."
        case BatchCause.NEW_VERSION:
            return "It is the first evaluation under this version of the rules."
        case BatchCause.CORRECTED_REGISTER:
            return f"Of {of_all} an earlier day was changed since the pass before: one import, or a changed code map."
        case BatchCause.ONE_DAY:
            shares = f"{spoken_share(found.absent_share)} of the school was, usual is {spoken_share(found.usual)}"
            return f"{of_all} were absent on {found.day}, when {shares}."
        case BatchCause.ONE_CONDITION:
            return f"{of_all} rest on the same condition ({found.condition})."
        case _:
            return "They have nothing in common that the register shows."
