"""Generates the demo district: an invented English district folder, realistic, repeatable, ending yesterday."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from deploy.local.demo.care import Staff, for_stories, make_care_flags, make_exemptions, make_staff
from deploy.local.demo.chance import Chance
from deploy.local.demo.families import Families, Guardian, Link, make_families
from deploy.local.demo.people import School, Span, Student, make_places, make_schools, make_students, school_contact
from deploy.local.demo.personas import Reach, grown_up, make_personas
from deploy.local.demo.register import Propensity, attend, family_holiday, holiday_chance, propensities
from deploy.local.demo.stories import SMALLEST_DISTRICT, Cast, Story, cast_stories, correction
from deploy.local.demo.term_dates import DistrictDates, district_dates
from deploy.local.demo.visits import enter_visits
from deploy.local.demo.writer import MARK_COLUMNS, Register, write_marks, write_table
from rules.errors import Invalid

DISTRICT_ID, DISTRICT_NAME = "D001", "Harrowby Schools Trust"
LETTERS_FIRST = "general-letters-first"
LARGEST_DISTRICT = 20_000
# Small on purpose: with published absence rates about a fifth of any roll is over the general threshold.
DEFAULT_STUDENTS = 300


@dataclass(frozen=True)
class DemoDistrict:
    """What was written, for the tour, the tests and `handrail demo --once`."""

    folder: Path
    today: date
    first_day: date
    last_school_day: date
    year_first_day: date
    schools: tuple[str, ...]
    letters_first_school: str
    stories: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int]
    correction_folder: Path


@dataclass(frozen=True)
class _People:
    schools: list[School]
    students: list[Student]
    cast: Cast
    families: Families
    staff: list[Staff]
    reaches: list[Reach]


def generate(out_dir: Path, *, today: date, students: int = DEFAULT_STUDENTS, seed: int = 1) -> DemoDistrict:
    """Write a canonical district folder; the same (seed, today, students) always gives the same bytes."""
    if not SMALLEST_DISTRICT <= students <= LARGEST_DISTRICT:
        raise Invalid("demo_size", f"students is {students}: choose {SMALLEST_DISTRICT} to {LARGEST_DISTRICT}")
    dates = district_dates(today)
    people = _people(seed, dates, students)
    registers, part_time = _registers(seed, dates, people)
    out_dir.mkdir(parents=True, exist_ok=True)
    rows = _write_schools(out_dir, people)
    rows |= _write_people(out_dir, people)
    rows |= _write_care(out_dir, seed, dates, (people, part_time))
    officers = {school: person.person_id for person in people.staff for school in person.schools if _is_officer(person)}
    rows["marks"] = write_marks(out_dir / "marks.csv", registers, officers)
    later = _write_correction(out_dir / "later", dates, people, officers)
    return DemoDistrict(
        folder=out_dir,
        today=today,
        first_day=dates.first_day,
        last_school_day=dates.last_school_day,
        year_first_day=dates.year_first_day,
        schools=tuple(school.school_id for school in people.schools),
        letters_first_school=people.schools[0].school_id,
        stories={story.value: tuple(s.student_id for s in cast) for story, cast in people.cast.students.items()},
        rows=rows,
        correction_folder=later,
    )


def _is_officer(person: Staff) -> bool:
    return person.role == "attendance_officer"


def _people(seed: int, dates: DistrictDates, count: int) -> _People:
    schools = make_schools(dates, count)
    students = make_students(Chance.stream(seed, "students"), dates, schools, make_places(schools, count))
    cast = cast_stories(students, schools[0])
    students = grown_up(students, cast, dates)
    families = make_families(Chance.stream(seed, "families"), students, cast.shapes())
    offices = make_staff(Chance.stream(seed, "staff"), schools)
    staff, reaches = make_personas((offices, schools[0]), students, cast, families, dates)
    return _People(schools, students, cast, families, staff, reaches)


def _registers(seed: int, dates: DistrictDates, people: _People) -> tuple[list[Register], frozenset[str]]:
    """One register per enrolment, and the students whose timetable is part-time."""
    scripts = people.cast.scripts(dates)
    away = _holidays(seed, people.students)
    rolls: dict[str, list[tuple[Student, Span]]] = {school.school_id: [] for school in people.schools}
    for student in people.students:
        for span in student.spans:
            rolls[span.school.school_id].append((student, span))
    registers: list[Register] = []
    part_time: set[str] = set()
    for school in people.schools:
        chance = Chance.stream(seed, "register", school.school_id)
        roll = rolls[school.school_id]
        own: list[Register] = []
        for (student, span), propensity in zip(roll, propensities(chance, school, len(roll)), strict=True):
            lived = attend(chance, school, student, propensity, away.get(student.household))
            own.append(Register(student, span, scripts.get(student.student_id, lived)))
            if _part_time(propensity, student, span, scripts):
                part_time.add(student.student_id)
        enter_visits(chance, school, [(r.student, r.attendance) for r in own if r.student.student_id not in scripts])
        registers += own
    return registers, frozenset(part_time)


def _part_time(propensity: Propensity, student: Student, span: Span, scripts: Mapping[str, object]) -> bool:
    return propensity.part_time and span is student.spans[-1] and student.student_id not in scripts


def _holidays(seed: int, students: Sequence[Student]) -> dict[int, tuple[date, date]]:
    """Families that went away in term; all their children were away."""
    chance = Chance.stream(seed, "holidays")
    away: dict[int, tuple[date, date]] = {}
    asked: set[int] = set()
    for student in students:
        if student.household in asked:
            continue
        asked.add(student.household)
        if chance.happens(holiday_chance(student.school)):
            away[student.household] = family_holiday(chance, student.school)
    return away


def _write_schools(folder: Path, people: _People) -> dict[str, int]:
    schools = people.schools
    classes = sorted({(s.class_id, s.school.school_id, s.year_group) for s in people.students})
    return {
        "districts": write_table(
            folder / "districts.csv", "district_id,name,country", [(DISTRICT_ID, DISTRICT_NAME, "UK")]
        ),
        "schools": write_table(
            folder / "schools.csv",
            "school_id,name,district_id,phase,timezone,code_set,missing_mark_policy,sessions_per_day,year_start,day_basis",
            [
                (s.school_id, s.name, DISTRICT_ID, s.phase, "Europe/London", "UK", "EXCLUDE", 2, "08-01", "")
                for s in schools
            ],
        ),
        "school_contacts": write_table(
            folder / "school_contacts.csv",
            "school_id,phone,address",
            [(s.school_id, *school_contact(number)) for number, s in enumerate(schools)],
        ),
        "calendar": write_table(
            folder / "calendar.csv",
            "school_id,date,session",
            [(s.school_id, day, session) for s in schools for day in s.dates.days for session in s.dates.sessions(day)],
        ),
        "classes": write_table(
            folder / "classes.csv",
            "class_id,school_id,year_group,name",
            [(c, school, year, c.partition("-")[2]) for c, school, year in classes],
        ),
        "rule_sets": write_table(
            folder / "rule_sets.csv",
            "school_id,rule_set,copy_of,without_stage_type",
            [
                (s.school_id, LETTERS_FIRST, "general", "CONTACT")
                if s is schools[0]
                else (s.school_id, "general", "", "")
                for s in schools
            ],
        ),
        "staff": write_table(
            folder / "staff.csv",
            "person_id,name,role,school_ids",
            [(p.person_id, p.name, p.role, "|".join(p.schools)) for p in people.staff],
        ),
        "persona_reaches": write_table(
            folder / "persona_reaches.csv",
            "person_id,kind,thing_id,until",
            [(r.person_id, r.kind, r.thing_id, r.until) for r in people.reaches],
        ),
    }


def _write_people(folder: Path, people: _People) -> dict[str, int]:
    students, families = people.students, people.families
    exempt = {s.student_id for s in people.cast.students[Story.EXEMPT]}
    return {
        "students": write_table(
            folder / "students.csv",
            "student_id,district_id,first_name,last_name,dob,year_group,class_id,home_language,exempt,deleted_at",
            [_student_row(s, exempt=s.student_id in exempt) for s in students],
        ),
        "enrolments": write_table(
            folder / "enrolments.csv",
            "student_id,school_id,start_date,end_date,attends,registration",
            [
                (s.student_id, span.school.school_id, span.first, span.last, "AM|PM", "MAIN")
                for s in students
                for span in s.spans
            ],
        ),
        "guardians": write_table(
            folder / "guardians.csv",
            "guardian_id,name,language,preferred_channel,email,phone,address,opted_out_channels,unreachable",
            map(_guardian_row, families.guardians),
        ),
        "student_guardians": write_table(
            folder / "student_guardians.csv",
            "student_id,guardian_id,relation,priority,legal_responsibility,lives_with,receives_letters,"
            "address_confidential,contact_via",
            map(_link_row, families.links),
        ),
    }


def _student_row(s: Student, *, exempt: bool) -> tuple[object, ...]:
    return (
        s.student_id, DISTRICT_ID, s.first_name, s.last_name, s.dob, s.year_group, s.class_id, s.language, exempt, "",
    )  # fmt: skip


def _guardian_row(g: Guardian) -> tuple[object, ...]:
    return (
        g.guardian_id, g.name, g.language, g.preferred_channel, g.email, g.phone, g.address, g.opted_out_channels,
        g.unreachable,
    )  # fmt: skip


def _link_row(link: Link) -> tuple[object, ...]:
    return (
        link.student_id, link.guardian_id, link.relation, link.priority, link.legal_responsibility, link.lives_with,
        link.receives_letters, link.address_confidential, link.contact_via,
    )  # fmt: skip


def _write_care(folder: Path, seed: int, dates: DistrictDates, who: tuple[_People, frozenset[str]]) -> dict[str, int]:
    people, part_time = who
    drawn = make_care_flags(Chance.stream(seed, "care"), dates, people.students, people.families, part_time)
    flags = for_stories(people.cast, drawn, dates)
    exemptions = make_exemptions(people.cast, flags, dates)
    return {
        "care_flags": write_table(
            folder / "care_flags.csv",
            "student_id,kind,from,to",
            [(f.student_id, f.kind, f.starts, f.ends) for f in flags],
        ),
        "exemptions": write_table(
            folder / "exemptions.csv",
            "student_id,scope,kind,reason,from,to,review_on",
            [(e.student_id, e.scope, e.kind, e.reason, e.starts, e.ends, e.review_on) for e in exemptions],
        ),
    }


def _write_correction(folder: Path, dates: DistrictDates, people: _People, officers: Mapping[str, str]) -> Path:
    """The correction that reaches Handrail only after the first morning, as a marks file of its own."""
    folder.mkdir(exist_ok=True)
    school = people.schools[0]
    past = school.dates.past
    [student] = people.cast.students[Story.CORRECTION_PENDING]
    recorded = f"{dates.today}T07:30:00Z"
    rows = [
        (
            f"C{number}", student.student_id, school.school_id, past[day], ("AM", "PM")[session], code, recorded, 0, "",
            officers[school.school_id], "Attendance officer", "Marked in the wrong class",
        )
        for number, (day, session, code) in enumerate(correction(school), start=1)
    ]  # fmt: skip
    write_table(folder / "marks.csv", MARK_COLUMNS, rows)
    return folder
