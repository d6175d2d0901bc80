"""What is known of students beside the register, as facts per day: one row for everybody alike."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from bulk.conditions import Column
from bulk.people import Profile
from bulk.vocabulary import Flags, Ints, as_date
from rules.rulesets.comparisons import FactKey, FactName, Key

DAYLESS = frozenset(
    {FactName.YEAR_GROUP, FactName.REASON_ACCEPTED, FactName.CASE_RESOLVED, FactName.ARTIFACT, FactName.PRIOR_EVENTS}
)
"""Facts of a profile that are the same on every day."""


def fact_columns(profiles: Sequence[Profile], who: Ints, keys: Sequence[FactKey], days: Ints) -> dict[Key, Column]:
    """Each fact as [student, day]; `who` says which profile a student has."""
    used, at = np.unique(who, return_inverse=True)
    mine, dates = [profiles[number] for number in used.tolist()], [as_date(day) for day in days.tolist()]
    return {key: _column(mine, at, key, dates) for key in keys if key.name is not FactName.STAGE_AGE}


def _column(profiles: Sequence[Profile], who: Ints, key: FactKey, days: Sequence[date]) -> Column:
    asked = days[:1] if key.name in DAYLESS else days
    found = [[profile.on(day, None).get(key) for day in asked] for profile in profiles]
    values = np.array([[0 if one is None else one for one in row] for row in found], np.int32)
    known = np.array([[one is not None for one in row] for row in found], np.bool_)
    shape = (len(who), len(days))
    if not days:
        return Column(np.zeros(shape, np.int32), np.zeros(shape, np.bool_))
    return Column(np.broadcast_to(values[who], shape), np.broadcast_to(known[who], shape))


def ages_grid(profiles: Sequence[Profile], who: Ints, ages: tuple[int, int], days: Ints) -> Flags:
    """Who is of the ages of a scope on which day, as [student, day]."""
    used, at = np.unique(who, return_inverse=True)
    dates = [as_date(day) for day in days.tolist()]
    found = [[profiles[number].of_age(ages, day) for day in dates] for number in used.tolist()]
    grid: NDArray[np.bool_] = np.array(found, np.bool_).reshape(len(used), len(dates))
    return grid[at]
