"""The share of a group of whom something is so, and how it stands beside the share of everybody else."""

Of = tuple[int, int]
"""How many of how many."""


def percent(count: int, whole: int) -> float | None:
    """The share of a group; nothing of nobody."""
    return round(100 * count / whole, 1) if whole else None


def ratio(group: Of, rest: Of) -> float | None:
    """The group's share over that of everybody else; nothing where there is nobody, or of nobody it is so."""
    (count, size), (other, others) = group, rest
    return round(count * others / (size * other), 2) if size and other else None
