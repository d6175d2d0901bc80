"""The clocks of inspection and amendment under each law, on the days that are easy to get wrong."""

from datetime import date, timedelta

import pytest

from rules.privacy.regimes import due, limits_for, month_after, regime_of, regimes

ASKED = date(2026, 12, 10)
SCHOOL_DAYS = [
    day
    for day in (ASKED + timedelta(days=n) for n in range(1, 60))
    if day.weekday() < 5 and not date(2026, 12, 19) <= day <= date(2027, 1, 3)
]


@pytest.mark.parametrize(
    ("jurisdiction", "key"),
    [("US-CA", "FERPA"), ("US-WY", "FERPA"), ("GB-ENG", "UK-GDPR"), ("IE", "GDPR"), ("FR", "GDPR"), (None, "GDPR")],
)
def test_a_jurisdiction_has_its_regime_and_an_unknown_one_the_strict_one(jurisdiction: str | None, key: str) -> None:
    assert regime_of(jurisdiction).key == key


@pytest.mark.parametrize(
    ("jurisdiction", "maintained", "ends"),
    [
        ("US-TX", None, date(2027, 1, 24)),  # 45 days
        ("IE", None, date(2027, 1, 10)),  # a month
        ("GB-ENG", False, date(2027, 1, 10)),  # an academy: a month
        ("GB-ENG", True, date(2027, 1, 10)),  # 15 school days end on 15 January: the month ends first
        ("GB-ENG", None, date(2027, 1, 10)),
    ],
)
def test_the_clock_over_a_winter_break(jurisdiction: str, maintained: bool | None, ends: date) -> None:  # noqa: FBT001
    assert due(limits_for(regime_of(jurisdiction), maintained=maintained), ASKED, SCHOOL_DAYS) == ends


def test_fifteen_school_days_without_a_break_end_before_the_month() -> None:
    asked = date(2026, 11, 2)
    days = [day for day in (asked + timedelta(days=n) for n in range(1, 40)) if day.weekday() < 5]
    assert due(limits_for(regime_of("GB-ENG"), maintained=True), asked, days) == date(2026, 11, 23)
    assert due(limits_for(regime_of("GB-ENG"), maintained=False), asked, days) == date(2026, 12, 2)


def test_a_calendar_that_ends_does_not_stretch_the_clock() -> None:
    assert due(limits_for(regime_of("GB-ENG"), maintained=True), date(2026, 11, 2), []) == date(2026, 11, 17)


@pytest.mark.parametrize(
    ("day", "later"), [(date(2027, 1, 31), date(2027, 2, 28)), (date(2026, 12, 15), date(2027, 1, 15))]
)
def test_a_month_later(day: date, later: date) -> None:
    assert month_after(day, 1) == later


def test_every_regime_says_where_it_is_written_and_what_a_refused_family_may_do() -> None:
    for regime in regimes():
        assert regime.source
        assert all(limit.cite for limit in (*regime.inspection, regime.amendment_within))
        assert "statement" in regime.hearing


def test_what_nobody_compared_with_the_law_is_marked() -> None:
    limits = limits_for(regime_of("GB-ENG"), maintained=True)
    assert [limit.checked_on is None for limit in limits] == [False, True]
    assert all(regime.hearing_checked_on is None for regime in regimes())
