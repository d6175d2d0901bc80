"""Whom a rule set is for: the reference that the nightly pass's SQL must agree with."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from rules.rulesets.facts import age_on
from rules.rulesets.model import Scope


@dataclass(frozen=True, slots=True)
class StudentAtSchool:
    """What a scope asks of a student at a school; None is not known."""

    school_id: UUID
    year_group: str | None
    birth_date: date | None


def reaches_school(scope: Scope, school_id: UUID) -> bool:
    """Whether anybody at the school can be in the scope."""
    return scope.schools is None or school_id in scope.schools


def reaches(scope: Scope, student: StudentAtSchool, day: date) -> bool:
    """Whether the student is in the scope on a day; what is not known lies outside every limit set."""
    return not limits_missed(scope, student, day)


def limits_missed(scope: Scope, student: StudentAtSchool, day: date) -> tuple[str, ...]:
    """The scope's limits (`schools`, `year_groups`, `ages`) that leave the student out on a day."""
    found = {
        "schools": not reaches_school(scope, student.school_id),
        "year_groups": scope.year_groups is not None and student.year_group not in scope.year_groups,
        "ages": scope.ages is not None and not _of_age(scope.ages, student.birth_date, day),
    }
    return tuple(limit for limit, missed in found.items() if missed)


def _of_age(ages: tuple[int, int], birth_date: date | None, day: date) -> bool:
    return birth_date is not None and ages[0] <= age_on(birth_date, day) <= ages[1]
