"""The planted students: each has, by construction, one property that a tour of the demo wants to show."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from deploy.local.demo.families import Shape
from deploy.local.demo.people import School, Student
from deploy.local.demo.register import AM, PM, PRESENT_CODES, Attendance
from deploy.local.demo.term_dates import DistrictDates
from rules.errors import Invalid


class Story(StrEnum):
    """What the student of a story shows on the first morning, under the entry of the `general` pack."""

    CROSSING_TODAY = "crossing_today"
    NEAR_MISS = "near_miss"
    CORRECTION_PENDING = "correction_pending"
    SEPARATED_PARENTS = "separated_parents"
    CARE_FLAGGED = "care_flagged"
    NO_EMAIL = "no_email"
    SHARED_EMAIL = "shared_email"
    UNREACHABLE = "unreachable"
    EXEMPT = "exempt"
    NO_RESPONSIBILITY = "no_responsibility"
    SIBLINGS = "siblings"


SHAPES = {
    Story.CROSSING_TODAY: Shape.TOGETHER,
    Story.NEAR_MISS: Shape.TOGETHER,
    Story.CORRECTION_PENDING: Shape.TOGETHER,
    Story.SEPARATED_PARENTS: Shape.CONFIDENTIAL,
    Story.CARE_FLAGGED: Shape.ONE_PARENT,
    Story.NO_EMAIL: Shape.NO_EMAIL,
    Story.SHARED_EMAIL: Shape.SHARED_EMAIL,
    Story.UNREACHABLE: Shape.UNREACHABLE,
    Story.EXEMPT: Shape.TOGETHER,
    Story.NO_RESPONSIBILITY: Shape.STEP_PARENT,
    Story.SIBLINGS: Shape.TOGETHER,
}
SMALLEST_DISTRICT = 250
PAIR = 2
# Five days among the last eight, never three together, none on the last school day: over the threshold the evening
# before too, whatever holidays lie between.
STEADY = (-2, -3, -5, -6, -8)
FIVE_IN_THIRTY = (-1, -2, -4, -5, -7)
ENOUGH_DAYS = 50


@dataclass(frozen=True)
class Cast:
    """Who plays which story."""

    students: dict[Story, tuple[Student, ...]]

    def shapes(self) -> dict[int, Shape]:
        return {student.household: SHAPES[story] for story, cast in self.students.items() for student in cast}

    def scripts(self, dates: DistrictDates) -> dict[str, Attendance]:
        return {
            student.student_id: _script(story, student.school, dates)
            for story, cast in self.students.items()
            for student in cast
        }


def cast_stories(students: Sequence[Student], school: School) -> Cast:
    """Choose the players among the long-enrolled students of the school that begins with letters."""
    families: dict[int, list[Student]] = {}
    for student in students:
        if _settled(student, school):
            families.setdefault(student.household, []).append(student)
    stories = [story for story in Story if story is not Story.SIBLINGS]
    pair = max(families.values(), key=len)
    others = [family[0] for family in families.values() if family is not pair]
    if len(pair) < PAIR or len(others) < len(stories):
        raise Invalid(
            "demo_cast", "This seed leaves too few families for the stories: choose another, or more students"
        )
    # Evenly over the roll, so that the stories are not all in one class.
    chosen = others[:: len(others) // len(stories)]
    players: dict[Story, tuple[Student, ...]] = {
        story: (student,) for story, student in zip(stories, chosen, strict=False)
    }
    return Cast(players | {Story.SIBLINGS: tuple(pair[:PAIR])})


def _settled(student: Student, school: School) -> bool:
    span = student.spans[0]
    return (
        len(student.spans) == 1 and span.school is school and span.last is None and span.first <= school.dates.past[0]
    )


def correction(story_school: School) -> list[tuple[int, int, str]]:
    """The late correction of CORRECTION_PENDING: two of the three days were a mistake; (day index, session, code)."""
    last = len(story_school.dates.past) - 1
    return [(last - back, session, PRESENT_CODES[session]) for back in (2, 1) for session in (AM, PM)]


def _script(story: Story, school: School, dates: DistrictDates) -> Attendance:
    past = school.dates.past
    elapsed = sum(day >= dates.year_first_day for day in past)
    if story is Story.CROSSING_TODAY:
        return _half_days(past, _crossing(elapsed))
    if story is Story.NEAR_MISS:
        return _half_days(past, _near_miss(elapsed))
    if story is Story.CORRECTION_PENDING:
        script = _half_days(past, [(back, session) for back in (-3, -2, -1) for session in (AM, PM)])
        script.first_codes = dict.fromkeys(script.codes, "N")
        return script
    return _half_days(past, [(back, session) for back in STEADY for session in (AM, PM)])


def _half_days(past: Sequence[object], absences: Sequence[tuple[int, int]]) -> Attendance:
    return Attendance(codes={(len(past) + back, session): "I" for back, session in absences})


def _crossing(elapsed: int) -> list[tuple[int, int]]:
    """False on the day before, true on the last day: by the leaf that the age of the school year lets through."""
    if elapsed >= ENOUGH_DAYS:
        days: Sequence[int] = FIVE_IN_THIRTY
        return [(back, session) for back in days for session in (AM, PM)]
    if elapsed < 10:
        return [(back, session) for back in (-3, -2, -1) for session in (AM, PM)]
    return [*_spread(elapsed - 1, 1), (-1, AM), (-1, PM)]


def _near_miss(elapsed: int) -> list[tuple[int, int]]:
    """As near as it gets without crossing: four and a half days in thirty, or exactly at ninety per cent."""
    if elapsed >= ENOUGH_DAYS:
        return [(back, session) for back in FIVE_IN_THIRTY[1:] for session in (AM, PM)] + [(-1, AM)]
    if elapsed < 10:
        return [(back, session) for back in (-2, -1) for session in (AM, PM)]
    return _spread(elapsed, 0)


def _spread(days: int, behind: int) -> list[tuple[int, int]]:
    """A tenth of the half days of the last `days` days, on every fifth day so that nothing else fires."""
    sessions = days // 5
    return [(-(behind + 3 + 5 * (i // 2)), i % 2) for i in range(sessions)]
