"""The chronology holds every event in order, over as many pages as it needs."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from letters.chronology import Chronology, ChronologyEvent, Fact, render_chronology
from letters.errors import TextOverflow
from tests.letters.pages import in_order, texts

FIRST = date(2026, 9, 1)
EVENTS = [
    ChronologyEvent(FIRST + timedelta(days=n), f"Event number {n} of this case", "Aoife Byrne", "Delivered")
    for n in range(80)
]
CHRONOLOGY = Chronology(
    title="Chronology for the Educational Welfare Service",
    school_name="Gaelscoil Átha Cliath",
    reference="HR-2026-7K4Q2M",
    prepared_on=date(2026, 11, 21),
    facts=[Fact("Student", "Seán Ó'Brien"), Fact("Guardian", "فاطمة")],
    events=EVENTS[::-1],
    summary=["A start later in the day was tried for two weeks."],
)


def test_every_event_stands_in_order_with_headings_on_every_page() -> None:
    made = render_chronology(CHRONOLOGY)
    told = [f"Event number {n} of" for n in range(80)]
    assert made.pages == in_order(made.content, told, "What happened") > 2


def test_page_one_says_what_it_is_and_what_it_is_not() -> None:
    first = texts(render_chronology(CHRONOLOGY).content)[0]
    for words in ("Educational Welfare Service", "Seán Ó'Brien", "21 November 2026", "not the statutory register"):
        assert words in first


def test_the_same_record_is_the_same_bytes() -> None:
    assert render_chronology(CHRONOLOGY).sha256 == render_chronology(replace(CHRONOLOGY)).sha256


def test_a_record_without_events_says_so() -> None:
    assert "Nothing has been recorded." in texts(render_chronology(replace(CHRONOLOGY, events=[])).content)[0]


def test_a_head_that_does_not_fit_is_refused() -> None:
    with pytest.raises(TextOverflow):
        render_chronology(replace(CHRONOLOGY, title="Chronology " * 60))


def test_an_event_longer_than_a_page_is_refused() -> None:
    with pytest.raises(TextOverflow):
        render_chronology(replace(CHRONOLOGY, events=[replace(EVENTS[0], what="word " * 5000)]))
