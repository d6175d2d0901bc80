"""Whom a rule set is for: what is not known lies outside every limit set."""

from datetime import date
from uuid import UUID

import pytest

from rules.rulesets.model import Scope
from rules.rulesets.scope import StudentAtSchool, limits_missed, reaches

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
