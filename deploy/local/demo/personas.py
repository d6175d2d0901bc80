"""Personas beside the offices: who teaches, supports, helps from outside, or is family; whom each of them reaches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from deploy.local.demo.care import Staff
from deploy.local.demo.families import Families, Guardian
from deploy.local.demo.people import Phase, School, Student
from deploy.local.demo.stories import Cast, Story
from deploy.local.demo.term_dates import DistrictDates

OF_AGE = 18
OUTSIDERS_STAY = timedelta(days=365)  # a named case always has an end
GROUP = (Story.NEAR_MISS, Story.CORRECTION_PENDING, Story.SEPARATED_PARENTS)


@dataclass(frozen=True)
class Reach:
    """Whom a persona reaches: a class, a student (GROUP; CASE until a day; SELF), or the GUARDIAN they are."""

    person_id: str
    kind: str
    thing_id: str
    until: date | None = None


def grown_up(students: Sequence[Student], cast: Cast, dates: DistrictDates) -> list[Student]:
    """The same students, but one of the special school's oldest is of age: only then does one speak for themself."""
    stories = {player.student_id for players in cast.students.values() for player in players}
    oldest = max(
        (one for one in students if one.school.phase is Phase.SPECIAL and one.student_id not in stories),
        key=lambda one: (one.year_group, one.student_id),
    )
    today = dates.today
    born = date(today.year - OF_AGE, today.month, min(today.day, 28)) - timedelta(days=60)
    return [replace(one, dob=born) if one is oldest else one for one in students]


def of_age(students: Sequence[Student], dates: DistrictDates) -> Student:
    """The one student who is."""
    limit = date(dates.today.year - OF_AGE, dates.today.month, min(dates.today.day, 28))
    return next(one for one in students if one.dob < limit)


def _parent(families: Families, student: Student) -> Guardian:
    """Whoever is reached first about the student."""
    first = min((one for one in families.links if one.student_id == student.student_id), key=lambda one: one.priority)
    return next(one for one in families.guardians if one.guardian_id == first.guardian_id)


def make_personas(
    at: tuple[Sequence[Staff], School],
    students: Sequence[Student],
    cast: Cast,
    families: Families,
    dates: DistrictDates,
) -> tuple[list[Staff], list[Reach]]:
    """The staff with everybody who is not of an office, and whom those reach."""
    hired, school = at
    first, here = cast.students[Story.CROSSING_TODAY][0], (school.school_id,)
    adult = of_age(students, dates)
    parent = _parent(families, first)
    numbers = iter(range(len(hired) + 101, len(hired) + 110))
    teacher, facilitator, machine, helper, learner, guardian = (f"T{next(numbers)}" for _ in range(6))
    added = [
        Staff(teacher, "Rowan Ashdown", "teacher", here),
        Staff(facilitator, "Imogen Farrar", "facilitator", here),
        Staff(machine, "School information system", "integration", ()),
        Staff(helper, "Casey Whitlock", "external", here),
        Staff(learner, f"{adult.first_name} {adult.last_name}", "student", (adult.school.school_id,)),
        Staff(guardian, parent.name, "guardian", here),
    ]
    reaches = [
        Reach(teacher, "CLASS", first.class_id),
        *(Reach(facilitator, "GROUP", cast.students[story][0].student_id) for story in GROUP),
        Reach(helper, "CASE", first.student_id, dates.today + OUTSIDERS_STAY),
        Reach(learner, "SELF", adult.student_id),
        Reach(guardian, "GUARDIAN", parent.guardian_id),
    ]
    return [*hired, *added], reaches
