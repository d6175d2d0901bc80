"""What is out of the ordinary: the limits a tenant may set, and medians of the days before in exact fractions."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

HISTORY_DAYS: Final = 20
PERCENT: Final = 100


class Limits(BaseModel):
    """When a breaker trips; a tenant may set each within bounds. Defaults are those of safeguards.md section 7."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    absent_percent: int = Field(25, ge=5, le=60, description="A school-day with a greater share absent is suspect ...")
    times_median: int = Field(3, ge=2, le=10, description="... unless it is within so many times the median.")
    complete_percent: int = Field(95, ge=80, le=100, description="A register less complete than this is suspect.")
    fewest_students: int = Field(20, ge=1, le=100, description="Fewer students than this are no share of anything.")
    proposals: int = Field(20, ge=1, le=200, description="More proposals of a stage in one day are held ...")
    sends_per_hour: int = Field(2000, ge=1, le=1_000_000, description="More messages in an hour wait.")


def median(values: Sequence[Fraction | int]) -> Fraction:
    """The middle one, or the mean of the two in the middle; 0 where there is nothing to compare with."""
    if not values:
        return Fraction(0)
    ordered = sorted(map(Fraction, values))
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def raised(floor: Fraction | int, before: Sequence[Fraction | int], times: int) -> Fraction:
    """The limit: the floor, or so many times the median of the days before if that is more."""
    return max(Fraction(floor), times * median(before))


def share(part: int, whole: int) -> Fraction:
    """A part of a whole; nothing of nothing is 0."""
    return Fraction(part, whole) if whole else Fraction(0)


def spoken_share(value: Fraction) -> str:
    """`61.3 %`, half up."""
    tenths = int(value * PERCENT * 10 + Fraction(1, 2))
    return f"{tenths // 10}.{tenths % 10} %"
