"""Snow day, strike, mis-mapped feed: the day is suspect and its cause is named; an ordinary day is not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.breakers.days import DayCause, Judging, SchoolDay, Suspicion, another, judged, sentence
from rules.breakers.limits import Limits, median

DAY = date(2026, 11, 19)
PUPILS = 100
SESSIONS = 2 * PUPILS


def a_day(absent: Mapping[str, int], classes: Sequence[tuple[int, int]] = (), on: date = DAY) -> SchoolDay:
    """A hundred students, two sessions each, of which these are absences; the rest are `/`."""
    away = sum(absent.values())
    present = SESSIONS - away
    return SchoolDay(
        on, PUPILS, SESSIONS, SESSIONS, SESSIONS, away, absent, {"/": present} if present else {}, {}, classes
    )


USUAL = [a_day({"I": 6, "N": 4}, on=DAY - timedelta(days=n)) for n in range(20, 0, -1)]


def suspicion(day: SchoolDay, before: Sequence[SchoolDay] = USUAL, *, unproven: bool = False) -> Suspicion:
    found = judged(day, Judging(Limits(), before, unproven))
    assert found
    return found


@pytest.mark.parametrize(("absent", "held"), [(50, False), (51, True)])
def test_a_quarter_absent_passes_and_one_session_more_does_not(absent: int, *, held: bool) -> None:
    assert (judged(a_day({"I": absent}), Judging(Limits(), USUAL)) is not None) is held


@pytest.mark.parametrize(("absent", "held"), [(60, False), (61, True)])
def test_where_many_are_always_absent_three_times_the_median_is_the_limit(absent: int, *, held: bool) -> None:
    before = [a_day({"N": 20}, on=one.day) for one in USUAL]
    assert (judged(a_day({"N": absent}), Judging(Limits(), before)) is not None) is held


def test_what_nobody_has_let_pass_yet_is_no_witness() -> None:
    before = [a_day({"X": 200}, on=one.day) for one in USUAL]
    assert judged(a_day({"X": 200}), Judging(Limits(), before)) is None
    assert suspicion(a_day({"X": 200}), before, unproven=True).cause is DayCause.WHOLE_SCHOOL


@pytest.mark.parametrize(("taken", "held"), [(190, False), (189, True)])
def test_a_register_is_complete_with_nineteen_sessions_of_twenty(taken: int, *, held: bool) -> None:
    day = replace(a_day({"I": 5}), taken=taken)
    found = judged(day, Judging(Limits(), USUAL))
    assert (found is not None) is held
    assert judged(day, Judging(Limits(), USUAL, wants_complete=False)) is None
    if found:
        assert found.cause is DayCause.REGISTERS_MISSING
        assert sentence(found, codes=False) == (
            "The register is 94.5 % complete. Registers are missing. It clears by itself when they arrive."
        )


def test_a_handful_of_students_is_no_share_of_anything() -> None:
    tiny = replace(a_day({"N": 200}), students=19)
    assert judged(tiny, Judging(Limits())) is None
    assert judged(tiny, Judging(Limits(fewest_students=19))) is not None


def test_a_day_on_which_nobody_was_due_is_complete() -> None:
    nobody = SchoolDay(DAY, PUPILS, 0, 0, 0, 0)
    assert judged(nobody, Judging(Limits(), USUAL)) is None


def test_a_snow_day_entered_as_absence_is_named() -> None:
    found = suspicion(a_day({"N": 186, "I": 4}))
    assert found.cause is DayCause.WHOLE_SCHOOL
    assert sentence(found, codes=True) == (
        "95.0 % of the sessions are absences; usual is 5.0 %, the limit 25.0 %. Nearly everybody is absent (code N): a "
        "closure (a snow day) entered as absence, or a feed that sends presence as absence."
    )
    assert "code N" not in sentence(found, codes=False)


def test_a_strike_is_named_by_the_classes_that_stayed_away() -> None:
    found = suspicion(a_day({"N": 90, "I": 6}, classes=[(40, 40), (40, 36), (60, 6), (60, 4), (0, 0)]))
    assert (found.cause, found.classes) == (DayCause.WHOLE_CLASSES, 2)
    assert "2 classes are absent as a whole (code N): a strike" in sentence(found, codes=True)


def test_a_code_that_meant_attendance_until_now_is_a_mis_mapped_feed() -> None:
    found = suspicion(a_day({"/": 180, "I": 6}))
    assert (found.cause, found.code) == (DayCause.CODE_CHANGED, "/")
    assert "one code (code /) that meant attendance on the days before: a mis-mapped feed" in sentence(
        found, codes=True
    )


def test_a_code_never_seen_before_is_a_mis_mapped_feed() -> None:
    found = suspicion(a_day({"X9": 180, "I": 6}))
    assert (found.cause, found.code) == (DayCause.NEW_CODE, "X9")
    assert sentence(found, codes=True).startswith("93.0 % of the sessions are absences")


def test_codes_without_a_meaning_leave_a_register_incomplete() -> None:
    day = replace(a_day({"I": 4}), taken=40, possible=40, unmapped={"PRES": 150, "Z9": 10})
    found = suspicion(day)
    assert (found.cause, found.code) == (DayCause.UNMAPPED_CODES, "PRES")
    assert sentence(found, codes=True) == (
        "The register is 20.0 % complete. 80.0 % of the sessions carry codes that are in no code map (code PRES): a "
        "mis-mapped feed. Map the codes; nothing was counted as absence."
    )


def test_an_illness_going_round_is_spread_over_the_school() -> None:
    found = suspicion(a_day({"I": 40, "M": 35, "N": 10}, classes=[(50, 20), (50, 22), (50, 21), (50, 22)]))
    assert (found.cause, found.code) == (DayCause.SPREAD_OUT, "")
    assert sentence(found, codes=True).endswith("spread over the school: an illness going round, weather, transport.")


def test_codes_that_come_and_go_still_have_a_leading_one() -> None:
    """Each code is on more than half of the days, all of them on the same few: their own medians hide the jump."""
    codes = [f"C{n}" for n in range(10)]
    full = [a_day(dict.fromkeys(codes, 10), on=DAY - timedelta(days=n)) for n in range(1, 10)]
    thin = [a_day({codes[n]: 10}, on=DAY - timedelta(days=20 + n)) for n in range(10)]
    found = judged(a_day(dict.fromkeys(codes[:6], 9)), Judging(Limits(), [*thin, *full]))
    assert found
    assert found.cause is DayCause.SPREAD_OUT


def test_a_day_that_was_let_pass_is_looked_at_again_only_if_it_became_another() -> None:
    day = a_day({"N": 100})
    assert not another(day, day.absent_share, day.complete)
    assert not another(day, day.absent_share - Fraction(5, 100), day.complete)
    assert another(day, day.absent_share - Fraction(6, 100), day.complete)
    assert another(replace(day, taken=100), day.absent_share, Fraction(1))
    assert not another(replace(day, taken=190), day.absent_share, Fraction(1))


COUNTS = st.dictionaries(st.sampled_from("INOCX/"), st.integers(1, 30), max_size=6)
DAYS = st.lists(COUNTS, max_size=20).map(
    lambda many: [a_day(one, on=DAY - timedelta(days=n)) for n, one in enumerate(many, 1)]
)


@given(absent=COUNTS, before=DAYS, unproven=st.booleans())
def test_the_formula_alone_decides_and_every_suspicion_has_words(
    *, absent: dict[str, int], before: list[SchoolDay], unproven: bool
) -> None:
    day = a_day(absent)
    found = judged(day, Judging(Limits(), before, unproven))
    usual = [] if unproven else [one.absent_share for one in before]
    assert (found is not None) == (day.absent_share > max(Fraction(25, 100), 3 * median(usual)))
    if found:
        assert sentence(found, codes=False) != ""
        assert all(f"code {code}" not in sentence(found, codes=False) for code in absent)
