"""Backtests over the register: where one stands, and whom two rule sets treat differently."""

from enum import StrEnum
from typing import Final


class BacktestStatus(StrEnum):
    """Where a backtest stands."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class StepChange(StrEnum):
    """What becomes of a student under the second rule set who is looked at beside the first."""

    BOTH = "BOTH"
    ADDED = "ADDED"
    DROPPED = "DROPPED"


GOING: Final = frozenset({BacktestStatus.WAITING, BacktestStatus.RUNNING})
"""It may still come to an end of its own."""
AT_ONCE: Final = 3
"""Backtests of one tenant that may go at a time: they take the worker's processor."""
MOST_DAYS: Final = 800
"""The longest span: two school years with the summer between."""
LOOKS_BACK_DAYS: Final = 1100
"""Before the first day: what any metric looks back on is the school year and the one before, or sixty school weeks."""
_STEPPED: Final = {1: StepChange.DROPPED, 2: StepChange.ADDED, 3: StepChange.BOTH}


def stepped(steps: "list[bool]") -> int:
    """Under which rule sets there was any step, as bits: the first is 1, the second 2."""
    return sum(1 << at for at, any_step in enumerate(steps) if any_step)


def change_of(bits: int) -> StepChange | None:
    """What two rule sets differ in; None where neither has a step."""
    return _STEPPED.get(bits)


def bits_of(change: StepChange) -> int:
    """The same the other way round."""
    return next(bits for bits, told in _STEPPED.items() if told is change)
