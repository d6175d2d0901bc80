"""Care flags, exemptions and staff: who needs a second look, and who gives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from deploy.local.demo.chance import Chance
from deploy.local.demo.families import Families, Shape
from deploy.local.demo.names import ENGLISH, IRISH, POLISH, PUNJABI
from deploy.local.demo.people import Phase, School, Student
from deploy.local.demo.stories import Cast, Story
from deploy.local.demo.term_dates import DistrictDates

# Invented shares, smaller than any published prevalence: the queue should show a few flags, not be made of them.
FLAG_SHARES = (
    ("EDUCATION_PLAN", 0.03),
    ("LONG_TERM_CONDITION", 0.012),
    ("SOCIAL_WORKER", 0.01),
    ("YOUNG_CARER", 0.008),
    ("BEREAVED", 0.005),
    ("HOMELESS", 0.003),
    ("NEW_ARRIVAL", 0.005),
    ("SAFEGUARDING", 0.005),
    ("STAFF_CHILD", 0.008),
)


@dataclass(frozen=True)
class CareFlag:
    student_id: str
    kind: str
    starts: date
    ends: date | None


@dataclass(frozen=True)
class Exemption:
    student_id: str
    scope: str
    kind: str
    reason: str
    starts: date
    ends: date | None
    review_on: date


@dataclass(frozen=True)
class Staff:
    person_id: str
    name: str
    role: str
    schools: tuple[str, ...]


def make_care_flags(
    chance: Chance, dates: DistrictDates, students: Sequence[Student], families: Families, part_time: frozenset[str]
) -> list[CareFlag]:
    """Dated flags; some have ended. Part-time timetables follow the register, looked-after children their household."""
    flags: list[CareFlag] = []
    since = dates.first_day
    for student in students:
        if families.shapes[student.household] is Shape.LOOKED_AFTER:
            flags.append(CareFlag(student.student_id, "LOOKED_AFTER", since, None))
        if student.student_id in part_time:
            flags.append(CareFlag(student.student_id, "PART_TIME_TIMETABLE", since, None))
        if student.school.phase is Phase.SPECIAL:
            flags.append(CareFlag(student.student_id, "EDUCATION_PLAN", since, None))
            continue
        draw = chance.random()
        for kind, share in FLAG_SHARES:
            draw -= share
            if draw < 0:
                ended = chance.happens(0.15)
                ends = dates.last_school_day - timedelta(days=chance.randint(10, 60)) if ended else None
                flags.append(CareFlag(student.student_id, kind, since, ends))
                break
    return flags


def for_stories(cast: Cast, flags: Sequence[CareFlag], dates: DistrictDates) -> list[CareFlag]:
    """No chance flag on a story but the one it tells."""
    players = {student.student_id for group in cast.students.values() for student in group}
    told = [
        CareFlag(student.student_id, "SOCIAL_WORKER", dates.first_day, None)
        for student in cast.students[Story.CARE_FLAGGED]
    ]
    return [flag for flag in flags if flag.student_id not in players] + told


def make_exemptions(cast: Cast, flags: Sequence[CareFlag], dates: DistrictDates) -> list[Exemption]:
    """The exempt story, and a hold for a few children with a long-term condition."""
    today = dates.today
    review = today + timedelta(days=60)
    stop = [
        Exemption(
            s.student_id, "stop", "MEDICAL", "Hospital treatment agreed with the family", dates.first_day, None, review
        )
        for s in cast.students[Story.EXEMPT]
    ]
    conditions = [f.student_id for f in flags if f.kind == "LONG_TERM_CONDITION" and f.ends is None]
    hold = [
        Exemption(s, "hold", "MEDICAL", "Care plan under review", dates.first_day, today + timedelta(days=90), review)
        for s in conditions[::4]
    ]
    return stop + hold


def make_staff(chance: Chance, schools: Sequence[School]) -> list[Staff]:
    """The personas of the demo; an empty list of schools means all of them."""
    staff: list[Staff] = []
    taken: set[str] = set()

    def hire(role: str, where: tuple[str, ...]) -> None:
        name = _new_name(chance, taken)
        staff.append(Staff(f"T{len(staff) + 101}", name, role, where))

    hire("district_admin", ())
    for school in schools:
        hire("school_leader", (school.school_id,))
    clusters: Mapping[int, list[School]] = {s.cluster: [x for x in schools if x.cluster == s.cluster] for s in schools}
    for cluster in clusters.values():
        hire("attendance_officer", tuple(s.school_id for s in cluster if s.phase is Phase.PRIMARY))
        hire("attendance_officer", tuple(s.school_id for s in cluster if s.phase is not Phase.PRIMARY))
    hire("safeguarding_lead", ())
    hire("specialist", ())
    hire("auditor", ())
    hire("dpo", ())
    hire("liaison", ())
    hire("inclusion_lead", ())
    return staff


def _new_name(chance: Chance, taken: set[str]) -> str:
    while True:
        origin = chance.choice((ENGLISH, ENGLISH, ENGLISH, IRISH, POLISH, PUNJABI))
        woman = chance.happens(0.6)
        given = chance.choice(origin.girls if woman else origin.boys)
        name = f"{given} {chance.choice(origin.surnames)[woman]}"
        if name not in taken:
            taken.add(name)
            return name
