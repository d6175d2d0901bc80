"""Retries: soon at first, hourly later, three days long."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from rules.events.retrying import FEWEST, LONGEST, LONGEST_REST, PATIENCE, PATIENT_FAILURES, again_at, rest

SINCE = datetime(2026, 11, 20, 12, tzinfo=UTC)


def tries() -> list[datetime]:
    """Every moment at which a receiver that never accepts is tried."""
    made = [SINCE]
    while (then := again_at(len(made), SINCE, made[-1])) is not None:
        made.append(then)
    return made


def test_tries_go_on_for_three_days_with_growing_pauses_of_an_hour_at_most() -> None:
    made = tries()
    pauses = [later - earlier for earlier, later in pairwise(made)]
    assert pauses[:4] == [timedelta(seconds=s) for s in (5, 10, 20, 40)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST
    assert PATIENCE <= made[-1] - SINCE <= PATIENCE + LONGEST


def test_what_had_to_wait_for_three_days_still_gets_a_fair_number_of_tries() -> None:
    late = SINCE + 2 * PATIENCE
    assert [again_at(n, SINCE, late) is None for n in range(1, FEWEST + 1)] == [False] * (FEWEST - 1) + [True]


def test_a_receiver_that_only_fails_is_left_alone_for_a_while() -> None:
    assert rest(PATIENT_FAILURES - 1) is None
    assert rest(PATIENT_FAILURES) == timedelta(seconds=1)
    assert rest(PATIENT_FAILURES + 3) == timedelta(seconds=8)
    assert rest(10_000) == LONGEST_REST
