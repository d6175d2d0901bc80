"""Counts about too few children are hidden, and so are those from which they could be worked out."""

from hypothesis import given
from hypothesis import strategies as st

from rules.small_cells import SMALLEST, parts, parts_of_groups, share_of, shown

COUNTS = st.lists(st.integers(0, 40), min_size=1, max_size=8)


def test_counts_of_one_to_nine_are_hidden() -> None:
    assert [shown(count) for count in (0, 1, 9, 10)] == [0, None, None, 10]


def test_one_hidden_part_takes_the_smallest_other_with_it() -> None:
    assert parts([3, 40, 20, 0]) == (None, 40, None, 0)
    assert parts([3, 0]) == (None, 0)
    assert parts([12, 40]) == (12, 40)


def test_a_share_is_hidden_with_its_complement_and_in_a_small_group() -> None:
    assert share_of(20, 40) == 20
    assert share_of(0, 40) == 0
    assert share_of(35, 40) is None
    assert share_of(3, 40) is None
    assert share_of(0, 9) is None


def test_one_hidden_group_takes_the_smallest_other_with_it() -> None:
    assert parts_of_groups([3, 20, 15], [40, 40, 40]) == (None, 20, None)
    assert parts_of_groups([3], [40]) == (None,)
    assert parts_of_groups([12, 20], [40, 40]) == (12, 20)


def test_a_group_whose_size_is_hidden_for_another_tells_no_share() -> None:
    assert parts([4, 50, 100]) == (None, None, 100)
    assert parts_of_groups([0, 20, 30], [4, 50, 100]) == (None, None, 30)


@given(COUNTS)
def test_a_hidden_part_is_never_the_total_less_what_is_shown(counts: list[int]) -> None:
    found = parts(counts)
    assert all(count is None or count == given for count, given in zip(found, counts, strict=True))
    assert all(count is None or count == 0 or count >= SMALLEST for count in found)
    assert found.count(None) != 1 or all(not count for count in found)
