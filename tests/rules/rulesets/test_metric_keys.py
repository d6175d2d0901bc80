"""Metric keys have one canonical text and read it back."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.rulesets.metrics import (
    OF_THE_DAY,
    RUN,
    SINCE_STEP,
    WITH_KINDS,
    YTD,
    At,
    Kinds,
    Measure,
    MetricKey,
    Window,
    WindowKind,
    codes_key,
)

WINDOWS = st.one_of(
    st.sampled_from([YTD, RUN, SINCE_STEP]),
    st.builds(
        Window,
        st.sampled_from([WindowKind.CALENDAR, WindowKind.SCHOOL, WindowKind.WEEKS]),
        st.integers(1, 400),
    ),
    st.just(Window(WindowKind.DATES, 0, date(2026, 9, 1), date(2026, 12, 18))),
)
CODES = st.lists(st.text(min_size=1, max_size=5), max_size=3).map(codes_key)


@st.composite
def keys(draw: st.DrawFn) -> MetricKey:
    measure = draw(st.sampled_from(Measure))
    if measure in OF_THE_DAY:
        return MetricKey(measure, at=draw(st.sampled_from(At)))
    return MetricKey(
        measure,
        RUN if measure is Measure.CONSECUTIVE_DAYS else draw(WINDOWS),
        draw(st.sampled_from(Kinds)) if measure in WITH_KINDS else Kinds.ALL,
        draw(CODES),
        draw(CODES),
        draw(st.integers(0, 300)) if measure is Measure.OCCASIONS else 0,
        at=draw(st.sampled_from(At)),
    )


@given(keys())
def test_every_key_reads_back_from_its_text(key: MetricKey) -> None:
    assert MetricKey.parse(str(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "absent_half_days/calendar:30/all",
        "absent_half_days/calendar:30/all/exclude=CODE_SET",
        "attended_sessions/ytd",
        "consecutive_days/all",
        "late_sessions/school:20",
        "unauthorised_sessions/weeks:10",
        "occasions:30/ytd",
        "absent_sessions/2026-09-01..2026-12-18/unauthorised/codes=G,N,%2F",
        "possible_sessions/school:20@before_step",
        "absent_sessions/step/all",
        "evaluation_day",
    ],
)
def test_canonical_texts(text: str) -> None:
    assert str(MetricKey.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "absences/ytd",
        "absent_half_days",
        "late_sessions/school:x",
        "late_sessions/ytd:3",
        "late_sessions/ytd/x",
        "consecutive_days/all/ytd",
    ],
)
def test_other_texts_are_refused_and_named(text: str) -> None:
    with pytest.raises(ValueError, match="metric key"):
        MetricKey.parse(text)


def test_a_text_that_is_not_canonical_names_the_canonical_one() -> None:
    with pytest.raises(ValueError, match="canonical: 'late_sessions/ytd/codes=L'"):
        MetricKey.parse("late_sessions/ytd/codes=%4C")


def test_keys_sort_by_their_text() -> None:
    low, high = MetricKey.parse("attended_sessions/ytd"), MetricKey.parse("late_sessions/ytd")
    assert sorted([high, low]) == [low, high]
