"""One school of a district as the register's files tell it: terms, children, families, and the staff who decide."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import select

from gateways.district_folder import read_feed
from gateways.source_declaration import CANONICAL
from models.people import Person, RoleAssignment, School, SchoolScope
from models.rulesets import RuleSet, RuleSetVersion
from models.session import Session, Sessions
from rules.ids import PersonId, TenantId
from services import rulesets, tenants
from services.attendance_import import OpenImport, district_feed, import_feed
from services.context import Actor, system
from services.governed import MoveVersion
from services.tenants import NewTenant

ZONE = "Europe/London"
TERMS = (
    (date(2031, 9, 1), date(2031, 10, 24)),
    (date(2031, 11, 3), date(2031, 12, 19)),
    (date(2032, 1, 5), date(2032, 2, 13)),
    (date(2032, 2, 23), date(2032, 3, 25)),
    (date(2032, 4, 12), date(2032, 5, 28)),
    (date(2032, 6, 7), date(2032, 7, 23)),
)
FIRST_DAY, LAST_DAY = TERMS[0][0], TERMS[-1][1]
HALVES = {"AM": time(9, 10), "PM": time(13, 10)}
PRESENT, ABSENT, ILL = "/", "O", "I"


@dataclass(frozen=True)
class Parent:
    """A guardian as the office typed them in; without an e-mail address letters go by post."""

    name: str
    email: str | None = None
    address: str = "1 High Street, Leeds, LS1 1AA"


GRACE = Parent("Grace Green", "grace.green@example.org")
FRED = Parent("Fred Green", "fred.green@example.org", "7 Mill Lane, York, YO1 7AA")


@dataclass(frozen=True)
class Child:
    """One student and who looks after them."""

    name: str = "Sam"
    parents: tuple[Parent, ...] = (GRACE,)


@dataclass(frozen=True)
class Staff:
    """The people of the school, as actors."""

    officer: Actor
    leader: Actor


@dataclass
class Register:
    """Marks as the school takes them: everybody is present but for what the story says."""

    children: Sequence[Child]
    holidays: Sequence[date] = ()
    away: dict[tuple[str, date], str] = field(default_factory=dict)
    corrections: list[list[object]] = field(default_factory=list)
    gone: dict[str, date] = field(default_factory=dict)
    taken_through: date = FIRST_DAY - timedelta(days=1)
    rows: int = 0

    def is_open(self, day: date) -> bool:
        return day.weekday() < 5 and day not in self.holidays and any(a <= day <= z for a, z in TERMS)

    def open_days(self, first: date, last: date) -> list[date]:
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return [day for day in days if self.is_open(day)]

    def due(self, through: date) -> list[list[object]]:
        """The rows not yet handed over, the corrections last: a correction is a new row."""
        days = self.open_days(self.taken_through + timedelta(days=1), through)
        rows = [
            self.row(child.name, day, half, self.away.get((child.name, day), PRESENT), datetime.combine(day, at, UTC))
            for day in days
            for child in self.children
            if day <= self.gone.get(child.name, day)
            for half, at in HALVES.items()
        ]
        rows, self.corrections = [*rows, *self.corrections], []
        self.taken_through = max(through, self.taken_through)
        return rows

    def row(self, name: str, day: date, half: str, code: str, recorded: datetime) -> list[object]:
        self.rows += 1
        return [self.rows, name, "oak", day, half, code, f"{recorded:%Y-%m-%dT%H:%M:%SZ}"]


class District:
    """A tenant with one school, made through the services that `handrail tenant` and `handrail import` use."""

    def __init__(self, sessions: Sessions, folder: Path, register: Register) -> None:
        self.sessions, self.folder, self.register = sessions, folder, register
        self.files = 0
        self.actor: Actor
        self.staff: Staff

    async def establish(self, rules: Sequence[str] = ("general",), *, undo_seconds: int, now: datetime) -> None:
        async with self.sessions.untenanted() as session:
            settings = {"ladder": {"undo_seconds": undo_seconds}}
            wish = NewTenant(f"d{uuid4().hex[:12]}", "A district", "GB", ZONE, settings)
            tenant, _ = await tenants.establish(session, wish, "setup", now=now)
        self.actor = system(TenantId(tenant.id), "cli", "setup")
        await self._take_in_families(now)
        async with self.sessions.tenant(tenant.id) as session:
            self.staff = await _staff(session, TenantId(tenant.id))
            for key in rules:
                await self._activate(session, key, now)

    async def _take_in_families(self, now: datetime) -> None:
        register, children = self.register, self.register.children
        parents = [(child.name, parent) for child in children for parent in child.parents]
        write(self.folder, "schools", SCHOOLS, [["oak", "Oak School", ZONE, "UK", "EXCLUDE", 2, "08-01"]])
        write(self.folder, "calendar", CALENDAR, _sessions(register.open_days(FIRST_DAY, LAST_DAY)))
        write(self.folder, "students", STUDENTS, [[child.name, child.name, "Green", "5"] for child in children])
        write(self.folder, "guardians", GUARDIANS, [[p.name, p.name, "en", p.email, p.address] for _, p in parents])
        write(self.folder, "student_guardians", LINKS, [[c, p.name, "parent", 1, 1, 1] for c, p in parents])
        write(self.folder, "enrolments", ENROLMENTS, [[child.name, "oak", FIRST_DAY, "", ""] for child in children])
        order = OpenImport("district", self.folder.name)
        await import_feed(self.sessions, self.actor, order, district_feed(self.folder, received_at=now), now=now)

    async def take_marks(self, through: date, now: datetime) -> None:
        """The evening's delivery: what the register gained since the last one."""
        self.files += 1
        file = write(self.folder, f"marks-{self.files}", MARKS, self.register.due(through))
        feed = read_feed(file, "marks", CANONICAL, received_at=now)
        await import_feed(self.sessions, self.actor, OpenImport("marks", file.name), feed, now=now)

    async def take_enrolments(self, rows: Sequence[Sequence[object]], now: datetime) -> None:
        self.files += 1
        file = write(self.folder, f"enrolments-{self.files}", ENROLMENTS, rows)
        feed = read_feed(file, "enrolments", CANONICAL, received_at=now)
        await import_feed(self.sessions, self.actor, OpenImport("enrolments", file.name), feed, now=now)

    async def take(self, table: str, header: str, rows: Sequence[Sequence[object]], now: datetime) -> None:
        """Another file of the district."""
        self.files += 1
        feed = read_feed(write(self.folder, f"{table}-{self.files}", header, rows), table, CANONICAL, received_at=now)
        await import_feed(self.sessions, self.actor, OpenImport(table, table), feed, now=now)

    async def _activate(self, session: Session, key: str, now: datetime) -> None:
        wanted = select(RuleSetVersion.id).join(RuleSet, RuleSet.id == RuleSetVersion.rule_set_id)
        version_id = (await session.scalars(wanted.where(RuleSet.key == key))).one()
        await self.put_in_force(session, version_id, now)

    async def put_in_force(self, session: Session, version_id: UUID, now: datetime) -> None:
        move = MoveVersion(version_id, "agreed by the governors")
        await rulesets.submit(session, self.staff.officer, move, now=now)
        await rulesets.approve(session, self.staff.leader, move, now=now)
        await rulesets.activate(session, self.staff.leader, move, now=now)


SCHOOLS = "school_id,name,timezone,code_set,missing_mark_policy,sessions_per_day,year_start"
CALENDAR = "school_id,date,session"
STUDENTS = "student_id,first_name,last_name,year_group"
GUARDIANS = "guardian_id,name,language,email,address"
LINKS = "student_id,guardian_id,relation,legal_responsibility,lives_with,receives_letters"
ENROLMENTS = "student_id,school_id,start_date,end_date,attends"
MARKS = "mark_id,student_id,school_id,date,session,code,recorded_at"


def write(folder: Path, name: str, header: str, rows: Sequence[Sequence[object]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header.split(","))
        writer.writerows(rows)
    return file


def _sessions(days: Sequence[date]) -> list[list[object]]:
    return [["oak", day, half] for day in days for half in HALVES]


async def _staff(session: Session, tenant_id: TenantId) -> Staff:
    school = (await session.scalars(select(School))).one()
    school.settings = {"phone": "0113 496 0100", "address": ["Oak School", "2 School Road", "Leeds", "LS1 2BB"]}
    people = {}
    for role, name in (("attendance_officer", "Olive Officer"), ("school_leader", "Lena Leader")):
        person = Person(subject=role, display_name=name, title=name, phone="0113 496 0134")
        person.email = f"{role}@oak.example.org"
        session.add(person)
        await session.flush()
        session.add_all(
            [RoleAssignment(person_id=person.id, role=role), SchoolScope(person_id=person.id, school_id=school.id)]
        )
        people[role] = Actor(tenant_id, PersonId(person.id), role, name, "journey", "api")
    await session.flush()
    return Staff(people["attendance_officer"], people["school_leader"])
