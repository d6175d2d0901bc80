"""Whom a rule set is for: what is not known lies outside every limit set."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from rules.rulesets.model import Scope
from rules.rulesets.ruleset import parse_ruleset
from rules.rulesets.scope import (
    StudentAtSchool,
    governs,
    in_effect,
    limits_missed,
    place_problems,
    reaches,
    time_problems,
)

OAK, ELM = UUID(int=1), UUID(int=2)
DAY = date(2026, 9, 1)
SAM = StudentAtSchool(OAK, "5", date(2016, 9, 1))


@pytest.mark.parametrize(
    ("scope", "student", "missed"),
    [
        (Scope(), StudentAtSchool(OAK, None, None), ()),
        (Scope(schools=(OAK,), year_groups=("5",), ages=(10, 10)), SAM, ()),
        (Scope(schools=(ELM,)), SAM, ("schools",)),
        (Scope(year_groups=()), SAM, ("year_groups",)),
        (Scope(year_groups=("5",), ages=(6, 16)), StudentAtSchool(OAK, None, None), ("year_groups", "ages")),
        (Scope(ages=(11, 16)), SAM, ("ages",)),
        (Scope(ages=(0, 5)), StudentAtSchool(OAK, "5", date(2026, 12, 1)), ("ages",)),
    ],
)
def test_every_limit_that_leaves_a_student_out_is_named(
    scope: Scope, student: StudentAtSchool, missed: tuple[str, ...]
) -> None:
    assert limits_missed(scope, student, DAY) == missed
    assert reaches(scope, student, DAY) is not bool(missed)


SMALL: dict[str, Any] = {
    "key": "small",
    "title": "Small",
    "entry": {"type": "ConsecutiveAbsenceDays", "params": {"n": 3}},
    "stages": [{"key": "contact", "type": "CONTACT"}],
}


@pytest.mark.parametrize(
    ("dates", "day", "lawful", "place"),
    [
        ({}, "2026-09-01", True, None),
        ({"effective_from": "2025-09-30"}, "2025-09-29", False, "effective_from"),
        ({"effective_from": "2025-09-30"}, "2025-09-30", True, None),
        ({"effective_to": "2025-09-29"}, "2025-09-29", True, None),
        ({"effective_to": "2025-09-29"}, "2025-09-30", False, "effective_to"),
    ],
)
def test_a_rule_set_is_law_between_its_first_and_its_last_day(
    dates: dict[str, str],
    day: str,
    lawful: bool,  # noqa: FBT001
    place: str | None,
) -> None:
    ruleset = parse_ruleset({**SMALL, **dates})
    assert in_effect(ruleset, date.fromisoformat(day)) is lawful
    assert [one.place for one in time_problems(ruleset, date.fromisoformat(day))] == ([place] if place else [])


@pytest.mark.parametrize(
    ("jurisdiction", "place", "covered"),
    [
        (None, None, True),
        (None, "IE", True),
        ("IE", "IE", True),
        ("IE", None, False),
        ("US", "US-CA", True),
        ("US-CA", "US", False),
        ("US-CA", "US-CAX", False),
        ("GB-ENG", "GB-WLS", False),
    ],
)
def test_a_jurisdiction_covers_itself_and_its_parts(
    jurisdiction: str | None,
    place: str | None,
    covered: bool,  # noqa: FBT001
) -> None:
    assert governs(jurisdiction, place) is covered


def test_schools_elsewhere_are_named_in_the_refusal() -> None:
    ruleset = parse_ruleset({**SMALL, "jurisdiction": "GB-ENG"})
    assert list(place_problems(ruleset, [("Oak", "GB-ENG")])) == []
    (one,) = place_problems(ruleset, [("Oak", "GB-ENG"), ("Elm", "GB"), ("Ash", None)])
    assert one.wrong == "is the law of GB-ENG and would reach Elm (GB), Ash (no jurisdiction set)"
    (many,) = place_problems(ruleset, [(f"School {n}", "IE") for n in range(7)])
    assert many.wrong.endswith("School 4 (IE) and 2 more")
