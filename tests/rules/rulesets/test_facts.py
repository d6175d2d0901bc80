"""Facts about a case: integers on a day, or unknown."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from rules.rulesets.comparisons import FactKey
from rules.rulesets.facts import NO_FACTS, CaseFacts, Progress, age_on, fact_values, of_compulsory_age

DAY = date(2026, 11, 20)
KNOWN = CaseFacts(
    day=DAY,
    stage_age=7,
    birth_date=date(2014, 11, 21),
    year_group="7",
    care_flags=frozenset({"bereaved"}),
    exemption_active=False,
    reason_accepted=True,
    case_resolved=False,
    artifacts=frozenset({"support_offered"}),
    prior_events={"notice": (date(2025, 11, 20), date(2025, 11, 21), date(2026, 8, 1), date(2026, 11, 21))},
    guardian_events={
        "first": {"penalty_notice": (date(2023, 11, 20), date(2023, 11, 21), date(2026, 9, 1))},
        "second": {"penalty_notice": (date(2026, 10, 1),)},
        "third": {},
    },
    progress=Progress(
        scores={"oral_reading": Decimal("42.505"), "dip": Decimal("-0.001")},
        consecutive_proficient=3,
        goal_checks=2,
        recommended=False,
        points_below_aimline=4,
        measured_points=9,
    ),
    school_year_start=date(2026, 8, 1),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("stage_age", 7),
        ("age", 11),
        ("compulsory_age/GB-ENG", 1),
        ("year_group/7/8", 1),
        ("year_group/8", 0),
        ("protected/bereaved/homeless", 1),
        ("protected/homeless", 0),
        ("exemption", 0),
        ("reason_accepted", 1),
        ("case_resolved", 0),
        ("artifact/support_offered", 1),
        ("artifact/conference_attempted", 0),
        ("prior_events/notice/1:year", 2),
        ("prior_events/notice/3:month", 0),
        ("prior_events/notice/16:week", 1),
        ("prior_events/notice/365:day", 2),
        ("prior_events/notice/school_year", 1),
        ("prior_events/warning/1:year", 0),
        ("guardian_events/penalty_notice/3:year", 2),
        ("guardian_events/penalty_notice/school_year", 1),
        ("guardian_events/warning/3:year", 0),
        ("score/oral_reading", 4250),
        ("score/dip", -1),
        ("consecutive_proficient", 3),
        ("goal_checks", 2),
        ("facilitator_recommends", 0),
        ("points_below_aimline", 4),
        ("measured_points", 9),
    ],
)
def test_what_is_known_is_an_integer_and_what_is_not_is_unknown(text: str, value: int) -> None:
    assert KNOWN.get(FactKey.parse(text)) == value
    assert NO_FACTS.get(FactKey.parse(text)) is None


def test_events_of_the_year_are_unknown_without_its_start() -> None:
    facts = CaseFacts(day=DAY, prior_events={})
    assert facts.get(FactKey.parse("prior_events/notice/school_year")) is None


@pytest.mark.parametrize("history", [{"first": {}, "second": None}, {}, None], ids=["one unrecorded", "nobody", "none"])
def test_a_guardians_counter_is_unknown_until_every_history_is_recorded(history: Any) -> None:
    facts = CaseFacts(day=DAY, guardian_events=history)
    assert facts.get(FactKey.parse("guardian_events/penalty_notice/3:year")) is None


def test_a_measure_without_a_score_is_unknown() -> None:
    assert KNOWN.get(FactKey.parse("score/spelling")) is None


def test_facts_can_be_given_directly_and_stored() -> None:
    key, other = FactKey.parse("age"), FactKey.parse("stage_age")
    assert fact_values(CaseFacts(day=DAY, known={key: 9}), (key, other)) == {key: 9, other: None}


def test_a_leap_day_child_is_a_year_older_on_the_first_of_march() -> None:
    assert [age_on(date(2016, 2, 29), date(2027, 2, 28)), age_on(date(2016, 2, 29), date(2027, 3, 1))] == [10, 11]


@pytest.mark.parametrize(
    ("birth", "known"),
    [
        (None, (None, None)),
        (DAY + timedelta(days=1), (None, None)),
        (DAY, (0, False)),
        (date(2016, 11, 20), (10, True)),
    ],
)
def test_a_birth_date_still_to_come_is_no_age(birth: date | None, known: tuple[int | None, bool | None]) -> None:
    facts = CaseFacts(day=DAY, birth_date=birth)
    assert (facts.get(FactKey.parse("age")), facts.get(FactKey.parse("compulsory_age/GB-ENG"))) == known


@pytest.mark.parametrize(
    ("jurisdiction", "birth", "day", "answer"),
    [
        ("GB-ENG", date(2021, 9, 1), date(2026, 9, 1), True),
        ("GB-ENG", date(2021, 9, 2), date(2026, 12, 31), False),
        ("GB-ENG", date(2021, 9, 2), date(2027, 1, 1), True),
        ("GB-ENG", date(2021, 1, 1), date(2026, 1, 1), True),
        ("GB-ENG", date(2011, 8, 31), date(2027, 6, 25), True),
        ("GB-ENG", date(2011, 8, 31), date(2027, 6, 26), False),
        ("GB-ENG", date(2011, 9, 1), date(2028, 6, 30), True),
        ("IE", date(2020, 11, 20), DAY, True),
        ("IE", date(2020, 11, 21), DAY, False),
        ("IE", date(2010, 11, 20), DAY, None),
        ("IE", date(2008, 11, 20), DAY, False),
        ("US-TX", date(2008, 1, 1), DAY, True),
        ("US-CA", date(2008, 1, 1), DAY, False),
    ],
)
def test_compulsory_school_age(jurisdiction: str, birth: date, day: date, answer: bool | None) -> None:  # noqa: FBT001
    assert of_compulsory_age(jurisdiction, birth, day) is answer
