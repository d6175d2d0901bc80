"""Counts that are about too few children to be shown, and those from which they could be worked out."""

from collections.abc import Sequence
from typing import Final

SMALLEST: Final = 10
STANDS_FOR: Final = 5
"""What a hidden count is taken for where a load is added up; it says no more than that it was hidden."""
Shown = int | None
"""A count as it may leave the house; None is hidden."""


def shown(count: int) -> Shown:
    """One count by itself; nobody at all tells of nobody."""
    return None if 0 < count < SMALLEST else count


def parts(counts: Sequence[int]) -> tuple[Shown, ...]:
    """The parts of a total that is shown too: one hidden part alone would be the difference, so another goes too."""
    found = [shown(count) for count in counts]
    if found.count(None) == 1:
        left = [at for at, count in enumerate(found) if count]
        if left:
            found[min(left, key=lambda at: counts[at])] = None
    return tuple(found)


def share_of(count: int, whole: int) -> Shown:
    """Some of a group: hidden where these, the others or the whole group are few."""
    others = whole - count
    few = whole < SMALLEST or shown(count) is None or (count > 0 and others < SMALLEST)
    return None if few else count


def parts_of_groups(counts: Sequence[int], wholes: Sequence[int]) -> tuple[Shown, ...]:
    """The same for groups that divide everybody: a single hidden one takes the smallest other with it.

    A group whose size is hidden (`parts` of the sizes) hides its count too: a share would give the size away.
    """
    sizes = zip(counts, wholes, parts(wholes), strict=True)
    found = [None if size is None else share_of(count, whole) for count, whole, size in sizes]
    if found.count(None) == 1:
        left = [at for at, count in enumerate(found) if count is not None]
        if left:
            found[min(left, key=lambda at: counts[at])] = None
    return tuple(found)
