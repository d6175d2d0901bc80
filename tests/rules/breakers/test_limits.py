"""Medians and limits: exact, whatever the order, and never below the floor."""

import statistics
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from rules.breakers.limits import Limits, median, raised, share, spoken_share

SHARES = st.lists(st.fractions(0, 1), max_size=25)


def test_without_days_to_compare_with_the_floor_is_the_limit() -> None:
    assert median([]) == 0
    assert raised(Fraction(1, 4), [], 3) == Fraction(1, 4)


@given(SHARES.filter(bool))
def test_a_median_is_the_one_that_statistics_knows(values: list[Fraction]) -> None:
    assert median(values) == statistics.median(values)
    assert median(values[::-1]) == median(values)


@given(SHARES, st.integers(2, 10))
def test_a_limit_is_never_below_its_floor_and_grows_with_every_day(values: list[Fraction], times: int) -> None:
    limit = raised(Fraction(1, 4), values, times)
    assert limit >= Fraction(1, 4)
    assert limit >= times * median(values)
    assert raised(Fraction(1, 4), [one + Fraction(1, 10) for one in values], times) >= limit


@given(SHARES.filter(lambda values: len(values) >= 3), st.fractions(0, 1))
def test_one_odd_day_among_many_moves_a_median_no_further_than_its_neighbours(
    values: list[Fraction], odd: Fraction
) -> None:
    ordered = sorted(values)
    changed = median([*ordered[:-1], max(ordered[-1], odd)])
    assert ordered[0] <= changed
    assert changed == median(values) or len(values) < 3


def test_shares_are_told_half_up_with_one_decimal() -> None:
    assert share(1, 0) == 0
    assert [spoken_share(one) for one in (Fraction(1, 3), Fraction(2, 3), Fraction(1, 2000), Fraction(1))] == [
        "33.3 %",
        "66.7 %",
        "0.1 %",
        "100.0 %",
    ]


def test_the_limits_are_those_of_the_safeguards() -> None:
    limits = Limits()
    assert (limits.absent_percent, limits.times_median, limits.complete_percent, limits.proposals) == (25, 3, 95, 20)
