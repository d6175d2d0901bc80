"""What can be kept: texts without broken characters, days that every clock holds, parts that lie not too deep."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from rules.bounds import DEEPEST, AnyDay, Instant, shallow, storable
from rules.events.inbound import _shallow


@pytest.mark.parametrize(("text", "kept"), [("", True), ("Zoë 🎒", True), ("a\0b", False), ("\ud83c", False)])
def test_a_text_with_a_broken_character_is_not_kept(text: str, kept: bool) -> None:  # noqa: FBT001 - a table's column
    assert storable(text) is kept


def nested(depth: int, *, listed: bool) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if listed else {"a": value}
    return value


@pytest.mark.parametrize("listed", [True, False])
def test_parts_lie_within_parts_only_so_deep(listed: bool) -> None:  # noqa: FBT001 - a table's column
    assert shallow(nested(DEEPEST - 1, listed=listed))
    assert not shallow(nested(DEEPEST, listed=listed))
    assert not shallow(nested(100_000, listed=listed))


def test_an_event_whose_data_lie_too_deep_is_refused() -> None:
    data = {"a": nested(3, listed=True)}
    assert _shallow(data) == data
    with pytest.raises(ValueError, match="nested too deeply"):
        _shallow({"a": nested(DEEPEST, listed=True)})


@pytest.mark.parametrize(("year", "held"), [(1900, False), (1901, True), (2026, True), (2198, True), (2199, False)])
def test_days_and_times_near_the_ends_of_the_calendar_are_refused(year: int, held: bool) -> None:  # noqa: FBT001 - a table's column
    given: dict[Any, Any] = {AnyDay: date(year, 6, 1), Instant: datetime(year, 6, 1, tzinfo=UTC)}
    for kind, value in given.items():
        if held:
            assert TypeAdapter(kind).validate_python(value) == value
        else:
            with pytest.raises(ValidationError, match="after 1900 and before 2199"):
                TypeAdapter(kind).validate_python(value)
