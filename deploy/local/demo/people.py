"""Schools, classes and students of the demo district, grouped into the households that siblings share."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from deploy.local.demo.chance import Chance
from deploy.local.demo.names import CHINESE_IN_HAN, ORIGINS, PLACES, STREETS, TOWN, Origin
from deploy.local.demo.term_dates import DistrictDates, SchoolDates, school_dates, school_year

CLUSTER_STUDENTS = 2_000
HAN_STUDENTS = 2
PRIMARIES = 3


class Phase(StrEnum):
    PRIMARY = "primary"
    SECONDARY = "secondary"
    SPECIAL = "special"


# Shares of a district: national rolls are 53 : 45 : 2 (DfE 2025/26); special is a little larger here to be seen.
SHARES = {Phase.PRIMARY: 0.18, Phase.SECONDARY: 0.42, Phase.SPECIAL: 0.04}
YEAR_GROUPS = {Phase.PRIMARY: range(7), Phase.SECONDARY: range(7, 12), Phase.SPECIAL: range(12)}
CLASS_SIZE = {Phase.PRIMARY: 30, Phase.SECONDARY: 28, Phase.SPECIAL: 8}
TITLES = {Phase.PRIMARY: "Primary School", Phase.SECONDARY: "High School", Phase.SPECIAL: "Special School"}


@dataclass(frozen=True)
class School:
    school_id: str
    name: str
    phase: Phase
    cluster: int
    dates: SchoolDates


@dataclass(frozen=True)
class Span:
    """One enrolment, both ends inclusive; `last` is None while it is open."""

    school: School
    first: date
    last: date | None


@dataclass(frozen=True)
class Student:
    student_id: str
    household: int
    first_name: str
    last_name: str
    origin: Origin
    language: str
    dob: date
    year_group: int
    class_id: str
    spans: tuple[Span, ...]

    @property
    def school(self) -> School:
        return self.spans[-1].school


@dataclass(frozen=True)
class Place:
    """A seat in a school before somebody sits on it."""

    school: School
    year_group: int
    class_id: str


def make_schools(dates: DistrictDates, students: int) -> list[School]:
    """Three primary schools, one secondary and one special school for every 2,000 students."""
    schools: list[School] = []
    for cluster in range(max(1, -(-students // CLUSTER_STUDENTS))):
        for phase in (*[Phase.PRIMARY] * PRIMARIES, Phase.SECONDARY, Phase.SPECIAL):
            number = len(schools)
            name = f"{PLACES[number % len(PLACES)].replace('_', ' ')} {TITLES[phase]}"
            schools.append(School(f"S{number + 1:03d}", name, phase, cluster, school_dates(dates, number)))
    return schools


def school_contact(number: int) -> tuple[str, str]:
    """Telephone (the landline range kept for drama: 01632 960000 to 960999) and address of a school's office."""
    street = STREETS[number % len(STREETS)]
    return f"01632 {960_010 + number}", f"{street} Lane, {TOWN}, HB1 1{chr(ord('A') + number % 8)}B"


def _sizes(schools: list[School], students: int) -> list[int]:
    weights = [SHARES[school.phase] for school in schools]
    total, shared, sizes = sum(weights), 0.0, []
    for weight in weights:
        before = round(shared)
        shared += weight / total * students
        sizes.append(round(shared) - before)
    return sizes


def make_places(schools: list[School], students: int) -> list[Place]:
    """Every seat of the district, year groups of a school filled evenly."""
    places: list[Place] = []
    for school, size in zip(schools, _sizes(schools, students), strict=True):
        years = list(YEAR_GROUPS[school.phase])
        places += [Place(school, years[index * len(years) // size], "") for index in range(size)]
    return _with_classes(places)


def _with_classes(places: list[Place]) -> list[Place]:
    rolls: dict[tuple[str, int], int] = {}
    for place in places:
        key = (place.school.school_id, place.year_group)
        rolls[key] = rolls.get(key, 0) + 1
    seen: dict[tuple[str, int], int] = {}
    seated = []
    for place in places:
        key = (place.school.school_id, place.year_group)
        position = seen[key] = seen.get(key, -1) + 1
        classes = max(1, -(-rolls[key] // CLASS_SIZE[place.school.phase]))
        letter = chr(ord("A") + position * classes // rolls[key])
        seated.append(replace(place, class_id=f"{place.school.school_id}-{place.year_group}{letter}"))
    return seated


def make_students(chance: Chance, dates: DistrictDates, schools: list[School], places: list[Place]) -> list[Student]:
    """Students in school order; siblings share a household, a surname, a language and a primary school."""
    households = _households(chance, schools, places)
    students: dict[int, Student] = {}
    han_left = HAN_STUDENTS
    letters_school = schools[0]
    for household, members in enumerate(households):
        origin = chance.weighted(ORIGINS)
        if han_left and len(members) == 1 and places[members[0]].school is not letters_school and household % 7 == 3:
            origin, han_left = CHINESE_IN_HAN, han_left - 1
        surname = chance.choice(origin.surnames)
        language = origin.language if chance.happens(origin.spoken) else "en"
        for index in members:
            students[index] = _student(chance, dates, places[index], (household, index, origin, surname, language))
    ordered = [students[index] for index in range(len(places))]
    return _with_primary_years(dates, schools, ordered)


def _student(
    chance: Chance, dates: DistrictDates, place: Place, family: tuple[int, int, Origin, tuple[str, str], str]
) -> Student:
    household, index, origin, surname, language = family
    girl = chance.happens(0.49)
    first = chance.choice(origin.girls if girl else origin.boys).replace("_", " ")
    born = date(school_year(dates.last_school_day) - 5 - place.year_group, 9, 1) + timedelta(days=chance.randrange(365))
    span = _span(chance, dates, place)
    return Student(
        f"P{index + 10_001}",
        household,
        first,
        surname[girl],
        origin,
        language,
        born,
        place.year_group,
        place.class_id,
        (span,),
    )


def _span(chance: Chance, dates: DistrictDates, place: Place) -> Span:
    """Most have been there since their first September; a few joined or left in the year."""
    past = place.school.dates.past
    this_year = [day for day in past if day >= dates.year_first_day]
    entry_years = {Phase.PRIMARY: 0, Phase.SECONDARY: 7, Phase.SPECIAL: 0}
    years_ago = place.year_group - entry_years[place.school.phase]
    first = this_year[0] if years_ago == 0 else date(dates.year_first_day.year - years_ago, 9, 3)
    if chance.happens(0.02) and len(this_year) > 25:
        return Span(place.school, chance.choice(this_year[5:-12]), None)
    if chance.happens(0.015) and len(this_year) > 25:
        return Span(place.school, first, chance.choice(this_year[10:-5]))
    return Span(place.school, first, None)


def _with_primary_years(dates: DistrictDates, schools: list[School], students: list[Student]) -> list[Student]:
    """Year 7 spent the summer term before in a primary school: two schools, two histories."""
    if not dates.spans_years:
        return students
    told = []
    for number, student in enumerate(students):
        span = student.spans[0]
        if (
            student.year_group == 7
            and span.school.phase is Phase.SECONDARY
            and span.first <= dates.year_first_day + timedelta(days=7)
        ):
            primaries = [s for s in schools if s.phase is Phase.PRIMARY and s.cluster == span.school.cluster]
            primary = primaries[number % len(primaries)]
            left = max(day for day in primary.dates.past if day < dates.year_first_day)
            before = Span(primary, date(dates.year_first_day.year - 7, 9, 3), left)
            told.append(replace(student, spans=(before, span)))
        else:
            told.append(student)
    return told


def _households(chance: Chance, schools: list[School], places: list[Place]) -> list[list[int]]:
    """Indexes of places per household: siblings differ in year group and live in one primary catchment."""
    catchments: dict[str, list[int]] = {}
    for index, place in enumerate(places):
        near = [s for s in schools if s.cluster == place.school.cluster and s.phase is Phase.PRIMARY]
        home = place.school if place.school.phase is Phase.PRIMARY else chance.choice(near)
        catchments.setdefault(home.school_id, []).append(index)
    households: list[list[int]] = []
    for indexes in catchments.values():
        chance.shuffle(indexes)
        while indexes:
            wanted = chance.weighted(((1, 0.7), (2, 0.25), (3, 0.05)))
            members = [indexes.pop()]
            for candidate in indexes[-8:]:
                if len(members) < wanted and places[candidate].year_group not in {
                    places[m].year_group for m in members
                }:
                    members.append(candidate)
            for member in members[1:]:
                indexes.remove(member)
            households.append(members)
    return households
