"""The stored key of a mark never changes its form, or files that were read before would be taken in again."""

from datetime import UTC, date, datetime, timedelta, timezone

from models.queries.mark_keys import keys, repeated

RECEIVED = datetime(2026, 11, 21, 9, 0, 0, 123456, tzinfo=UTC)
FIELDS: dict[str, list[object]] = {
    "school_id": ["S", "S", "S"],
    "student_id": ["a", "a", "ä"],
    "mark_id": ["m1", "m2", "h"],
    "date": [date(2026, 9, 1), date(2026, 9, 1), date(2026, 9, 2)],
    "session": ["AM", "PM", "DAY"],
    "code": ["/", "\\", ""],
    "recorded_at": [
        datetime(2026, 9, 1, 9, 15, tzinfo=UTC),
        datetime(2026, 9, 1, 15, 30, tzinfo=timezone(timedelta(hours=2))),
        RECEIVED.replace(microsecond=0),
    ],
    "register": ["", "7B", ""],
    "deleted": [False, True, False],
    "minutes_missed": [None, 25, 0],
    "reason_code": ["", "flu", None],
}


def test_keys_are_those_that_are_stored() -> None:
    assert keys(FIELDS, RECEIVED) == [
        "a608460097c49f57e59b67b52793a926",
        "8f321eeed67c5dc6b33eaed05ea1e9ab",
        "07cce4825bfc4944b42617b14ae030ac",
    ]


def test_a_row_received_again_later_has_the_same_key() -> None:
    later = RECEIVED + timedelta(days=1)
    again = {**FIELDS, "recorded_at": [*FIELDS["recorded_at"][:2], later.replace(microsecond=0)]}
    assert keys(again, later) == keys(FIELDS, RECEIVED)


def test_the_last_of_equal_rows_is_the_one_that_counts() -> None:
    assert repeated(["a", "b", "a", "c", "a"]) == ["t", "", "t", "", ""]
