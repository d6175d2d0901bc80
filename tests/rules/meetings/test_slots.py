"""Slots: local hours, clock changes, what is taken."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from rules.meetings.slots import MeetingHours, free_slots, slots

LONDON = ZoneInfo("Europe/London")
MORNING = MeetingHours(time(9), time(10), 30)


def test_a_day_offers_its_hours_in_local_time() -> None:
    assert list(slots([date(2026, 7, 1)], MORNING, LONDON)) == [
        (datetime(2026, 7, 1, 8, 0, tzinfo=UTC), datetime(2026, 7, 1, 8, 30, tzinfo=UTC)),
        (datetime(2026, 7, 1, 8, 30, tzinfo=UTC), datetime(2026, 7, 1, 9, 0, tzinfo=UTC)),
    ]


def test_local_hours_stay_when_the_clocks_change() -> None:
    starts = [
        start
        for start, _ in slots([date(2026, 10, 23), date(2026, 10, 26)], MeetingHours(time(9), time(9, 30)), LONDON)
    ]
    assert [start.hour for start in starts] == [8, 9]


def test_taken_and_too_early_slots_are_left_out() -> None:
    offered = list(slots([date(2026, 12, 1)], MeetingHours(time(9), time(11)), LONDON))
    taken = [(datetime(2026, 12, 1, 9, 45, tzinfo=UTC), datetime(2026, 12, 1, 10, 15, tzinfo=UTC))]
    free = list(free_slots(offered, taken, datetime(2026, 12, 1, 9, 30, tzinfo=UTC)))
    assert [start.strftime("%H:%M") for start, _ in free] == ["10:30"]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), max_size=6))
def test_a_free_slot_never_overlaps_a_taken_one(blocks: list[tuple[int, int]]) -> None:
    offered = list(slots([date(2026, 3, 2)], MeetingHours(time(8), time(18)), LONDON))
    quarter = (offered[0][1] - offered[0][0]) / 2
    taken = [(offered[0][0] + quarter * at, offered[0][0] + quarter * (at + wide)) for at, wide in blocks]
    for start, end in free_slots(offered, taken, offered[0][0]):
        assert all(end <= busy_start or busy_end <= start for busy_start, busy_end in taken)
