"""The share of a group beside everybody else's."""

from rules.group_shares import percent, ratio


def test_a_share_is_of_the_group() -> None:
    assert percent(1, 3) == 33.3
    assert percent(0, 0) is None


def test_a_ratio_needs_a_group_and_somebody_else() -> None:
    assert ratio((30, 200), (20, 400)) == 3.0
    assert ratio((0, 200), (20, 400)) == 0.0
    assert ratio((5, 200), (0, 400)) is None
    assert ratio((0, 0), (20, 400)) is None
