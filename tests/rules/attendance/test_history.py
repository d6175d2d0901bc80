"""A student's sessions at one school and at the tenant's others."""

from dataclasses import replace
from datetime import date

from tests.rules.rulesets.test_measuring import register


def test_anywhere_finds_the_sessions_of_every_school_in_the_order_of_days() -> None:
    monday = date(2026, 11, 16)
    here, there = register("// // O/", first=monday), register("// OO II", first=monday)
    both = replace(here, elsewhere=there.sessions)
    found = both.anywhere(date(2026, 11, 17), date(2026, 11, 18))
    assert [(s.day.day, s.code) for s in found] == [(17, "/"), (17, "/"), (17, "O"), (17, "O")] + [
        (18, code) for code in "O/II"
    ]
    assert both.between(date(2026, 11, 17), date(2026, 11, 18)) == here.sessions[2:]
