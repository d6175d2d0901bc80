"""How long a link, a code and a visit last."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.access.pointers import PointerEnd, PointerState, Visit, state

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("end", PointerEnd)
def test_a_pointer_is_open_until_its_days_are_over_or_it_was_ended(end: PointerEnd) -> None:
    assert state(NOW + MINUTE, None, NOW) is PointerState.OPEN
    assert state(NOW, None, NOW) is PointerState.EXPIRED
    assert state(NOW, end, NOW) == state(NOW + MINUTE, end, NOW) == end.value


def test_a_code_is_taken_once_within_ten_minutes() -> None:
    assert Visit(NOW).takes_code(NOW + 9 * MINUTE)
    assert not Visit(NOW).takes_code(NOW + 10 * MINUTE)
    assert not Visit(NOW, proved_at=NOW).takes_code(NOW)


def test_a_visit_lasts_while_something_is_done_and_nobody_left() -> None:
    assert not Visit(NOW).lasts(NOW)
    looking = Visit(NOW, proved_at=NOW, seen_at=NOW + 5 * MINUTE)
    assert looking.lasts(NOW + 24 * MINUTE)
    assert not looking.lasts(NOW + 25 * MINUTE)
    assert not Visit(NOW, NOW, NOW, left_at=NOW).lasts(NOW)
