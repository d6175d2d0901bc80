"""Educational visits and work experience: present elsewhere, a class at a time."""

from collections.abc import Sequence

from deploy.local.demo.chance import Chance
from deploy.local.demo.people import Phase, School, Student
from deploy.local.demo.register import AM, PM, Attendance

# Code V is 0.73 % of sessions (DfE 2025/26): about two days a year, less those absent or late that day.
DAYS_BETWEEN_VISITS = 90
WORK_EXPERIENCE_YEAR, WORK_EXPERIENCE_DAYS = 10, 5


def enter_visits(chance: Chance, school: School, roll: Sequence[tuple[Student, Attendance]]) -> None:
    """Code V for a class on its visits and W for year 10's week at work, wherever the student was there to go."""
    classes: dict[str, list[tuple[Student, Attendance]]] = {}
    for student, attendance in roll:
        classes.setdefault(student.class_id, []).append((student, attendance))
    past = school.dates.past
    summer = [i for i, day in enumerate(past) if (day.month, day.day) >= (7, 1) and day.month == 7]
    for members in classes.values():
        days = chance.sample(range(len(past)), max(1, len(past) // DAYS_BETWEEN_VISITS))
        for _, attendance in members:
            _away(attendance, days, "V")
        if members[0][0].year_group == WORK_EXPERIENCE_YEAR and school.phase is Phase.SECONDARY:
            for _, attendance in members:
                _away(attendance, summer[:WORK_EXPERIENCE_DAYS], "W")


def _away(attendance: Attendance, days: Sequence[int], code: str) -> None:
    for day in days:
        if (day, AM) not in attendance.codes and (day, PM) not in attendance.codes:
            attendance.put(day, AM, code)
            attendance.put(day, PM, code)
