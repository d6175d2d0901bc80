"""Merged student ids: where a chain of merges ends (attendance.md S3.7)."""

from rules.attendance.merges import chain_ends


def test_a_chain_ends_at_the_id_that_was_not_merged_further() -> None:
    assert chain_ends({"a": "b", "b": "c"}) == {"a": "c", "b": "c"}


def test_a_circle_stops_at_its_first_repeat() -> None:
    assert chain_ends({"a": "b", "b": "a"}) == {"a": "a", "b": "b"}
