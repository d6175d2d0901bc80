"""A condition is told as it is written."""

from typing import Any

import pytest

from rules.rulesets.conditions import LEAF_TYPES, parse_condition
from rules.rulesets.describing import described
from tests.rules.rulesets.test_conditions import LEAVES

DAYS: dict[str, Any] = {"type": "ConsecutiveAbsenceDays", "params": {"n": 3}}
RESOLVED: dict[str, Any] = {"type": "CaseResolved"}


@pytest.mark.parametrize("name", LEAF_TYPES)
def test_every_leaf_has_words_with_its_numbers(name: str) -> None:
    params, _ = LEAVES[name]
    said = described(parse_condition({"type": name, "params": params} if params else {"type": name}))
    numbers = [value for value in params.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    assert all(f"{number:g}" in said for number in numbers)
    assert "{" not in said


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"all": [DAYS]}, "3 absence days or more in a row"),
        ({"all": [DAYS, {"not": RESOLVED}]}, "3 absence days or more in a row, and not (the case is resolved)"),
        (
            {"any": [RESOLVED, {"all": [DAYS, RESOLVED]}]},
            "the case is resolved, or (3 absence days or more in a row, and the case is resolved)",
        ),
        (
            {
                "type": "AbsenceCountThreshold",
                "params": {"count": 2.5, "window": "YTD", "codes": ["I"], "exclude_codes": ["S"], "across": "TENANT"},
            },
            "2.5 absence days or more in the school year so far, codes I only, without codes S, at all schools here",
        ),
        (
            {"type": "HoursMissedThreshold", "params": {"hours": 30, "kinds": "UNAUTHORISED", "window": "CONSECUTIVE"}},
            "30 unauthorised hours missed or more in the present run of absence",
        ),
        (
            {
                "type": "TardyCountThreshold",
                "params": {"count": 5, "window": {"from": "2026-09-01", "to": "2026-10-01"}},
            },
            "5 late arrivals or more from 2026-09-01 to 2026-10-01",
        ),
        (
            {
                "type": "PriorEvents",
                "params": {"kind": "penalty_notice", "at_least": 2, "within": "school_year", "per": "guardian"},
            },
            "2 earlier penalty notice or more in the school year per guardian",
        ),
        (
            {"type": "AttendancePercentThreshold", "params": {"below": 90, "min_school_days": 0, "inclusive": True}},
            "attendance at or below 90 % in the school year so far",
        ),
        ({"type": "ConsecutiveAbsenceDays", "params": {"n": 3, "exclude_codes": "CODE_SET"}}, "the school caused"),
    ],
)
def test_a_tree_reads_as_it_is_written(tree: Any, said: str) -> None:
    assert said in described(parse_condition(tree))
