"""Whom a rule set is for: the reference that the nightly pass's SQL must agree with."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from rules.rulesets.facts import age_on
from rules.rulesets.model import RuleSet, Scope
from rules.rulesets.problems import Flaw, Problem

NAMED: Final = 5
"""How many schools a refusal names."""


@dataclass(frozen=True, slots=True)
class StudentAtSchool:
    """What a scope asks of a student at a school; None is not known."""

    school_id: UUID
    year_group: str | None
    birth_date: date | None


def in_effect(ruleset: RuleSet, day: date) -> bool:
    """Whether a day lies between the first and the last day of a rule set; a case that runs keeps its version."""
    begun = ruleset.effective_from is None or ruleset.effective_from <= day
    return begun and (ruleset.effective_to is None or day <= ruleset.effective_to)


def governs(jurisdiction: str | None, place: str | None) -> bool:
    """Whether a rule set's jurisdiction covers a school's: the same, or the country of its part (`US` and `US-CA`)."""
    if jurisdiction is None:
        return True
    return place is not None and (place == jurisdiction or place.startswith(f"{jurisdiction}-"))


def time_problems(ruleset: RuleSet, today: date) -> Iterator[Problem]:
    """Why a rule set is not law today."""
    first, last = ruleset.effective_from, ruleset.effective_to
    if first is not None and today < first:
        wrong = f"is not law yet: it begins on {first}"
        yield Problem.at("effective_from", Flaw.ELSEWHERE, wrong, "activate it on that day or later")
    if last is not None and last < today:
        wrong = f"is no longer law: its last day was {last}"
        yield Problem.at(
            "effective_to", Flaw.ELSEWHERE, wrong, "use the pack that follows it; cases that run keep theirs"
        )


def place_problems(ruleset: RuleSet, places: Iterable[tuple[str, str | None]]) -> Iterator[Problem]:
    """Why a rule set is not law at some of the places (name and jurisdiction) it would reach."""
    others = [
        f"{name} ({place or 'no jurisdiction set'})"
        for name, place in places
        if not governs(ruleset.jurisdiction, place)
    ]
    if others:
        named = ", ".join(others[:NAMED]) + (f" and {len(others) - NAMED} more" if len(others) > NAMED else "")
        wrong = f"is the law of {ruleset.jurisdiction} and would reach {named}"
        remedy = "name the schools there in scope.schools, or set each school's jurisdiction (tenant settings)"
        yield Problem.at("jurisdiction", Flaw.ELSEWHERE, wrong, remedy)


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
