"""A batch of proposals is held when it is greater than usual, and what its students share is named."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.breakers.batches import Batch, BatchCause, batch_limit, common_cause, sentence
from rules.breakers.limits import Limits, median

SNOW = date(2026, 11, 4)
BATCH = Batch(30, conditions={"stage:letter-1": 12, "stage:letter-2": 10})


@given(st.lists(st.integers(0, 200), max_size=20))
def test_the_limit_is_twenty_or_three_times_the_median(before: list[int]) -> None:
    assert batch_limit(before, Limits()) == max(20, 3 * median(before))


def test_days_without_proposals_count_and_no_history_is_no_excuse() -> None:
    assert batch_limit([], Limits()) == 20
    assert batch_limit([0] * 15 + [100] * 5, Limits()) == 20
    assert batch_limit([10] * 20, Limits()) == 30


@pytest.mark.parametrize(
    ("batch", "cause", "words"),
    [
        (
            replace(BATCH, first_evaluation=True, new_version=True),
            BatchCause.FIRST_EVALUATION,
            "first evaluation: look",
        ),
        (replace(BATCH, new_version=True), BatchCause.NEW_VERSION, "under this version of the rules"),
        (replace(BATCH, corrected=16), BatchCause.CORRECTED_REGISTER, "Of 16 of 30 an earlier day was changed"),
        (
            replace(BATCH, absent_on={SNOW: 24}, shares={SNOW: (Fraction(6, 10), Fraction(5, 100))}),
            BatchCause.ONE_DAY,
            "24 of 30 were absent on 2026-11-04, when 60.0 % of the school was, usual is 5.0 %.",
        ),
        (
            replace(BATCH, conditions={"stage:letter-1": 24}),
            BatchCause.ONE_CONDITION,
            "same condition (stage:letter-1)",
        ),
        (BATCH, BatchCause.NOTHING, "nothing in common"),
        (replace(BATCH, conditions={}), BatchCause.NOTHING, "nothing in common"),
    ],
)
def test_the_most_telling_cause_is_named(batch: Batch, cause: BatchCause, words: str) -> None:
    found = common_cause(batch)
    assert found.cause is cause
    said = sentence(found, 30, Fraction(20))
    assert said.startswith("30 proposals in one day; more than 20 are held. ")
    assert words in said


def test_a_day_on_which_the_school_was_as_full_as_ever_is_no_cause() -> None:
    usual = {SNOW: (Fraction(10, 100), Fraction(5, 100))}
    assert common_cause(replace(BATCH, absent_on={SNOW: 30}, shares=usual)).cause is BatchCause.NOTHING
    assert common_cause(replace(BATCH, absent_on={SNOW: 30})).cause is BatchCause.NOTHING
    few = {SNOW: (Fraction(60, 100), Fraction(5, 100))}
    assert common_cause(replace(BATCH, absent_on={SNOW: 23}, shares=few)).cause is BatchCause.NOTHING
