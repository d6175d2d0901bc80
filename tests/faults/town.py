"""A tiny district on a running stack: schools whose ladder begins with letter 1, read and steered from outside."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg
from pydantic import SecretStr
from sqlalchemy import select

from api.security import Claims, DemoTokens
from gateways.keyring import MasterKeyRing
from models.people import Person, RoleAssignment, School
from models.session import Session, Sessions, engine_for
from rules.access.permissions import Role
from rules.breakers.limits import Limits
from rules.ids import PersonId, TenantId
from rules.rulesets.ruleset import dump_ruleset, load_pack
from services import rulesets, tenants
from services.attendance_import import OpenImport, district_feed, import_feed
from services.audit_keys import sessions_with
from services.context import Actor, system
from services.governed import MoveVersion
from services.rulesets import DraftRuleSet
from services.tenants import NewTenant
from settings import parse_keys
from tests.deploy.stacks import RunningStack, until
from tests.services import districts

T = TypeVar("T")
KEY, SCHOOL, RULES = "town", "S", "letters-first"
PAST_DAYS, COMING_DAYS, ABSENT_DAYS = 30, 200, 6
# What these tests begin with is out of the ordinary anywhere: everybody's letter waits on one day. The breakers judge
# no school of fewer students than the first limit, and hold no batch up to the second: both at their bounds.
USUAL = Limits(fewest_students=100, proposals=200)
PER_SCHOOL = 90
OFFICER, ADMIN = "officer", "admin"
API = "/api/v1"
CALM = """
select source_id, id from student s where not exists (select from instance i where i.student_id = s.id) order by id
"""
HELD = "select kind, school_id, facts from breaker where status = 'OPEN'"
WAITING = """
select p.id, i.id from proposal p join instance i on i.id = p.instance_id
where p.status = 'PENDING' and i.awaiting_approval order by p.id
"""


@dataclass(frozen=True)
class Reply:
    """One answer of the API."""

    status: int
    body: dict[str, Any]
    headers: Message


@dataclass(frozen=True)
class Waiting:
    """A step in the queue."""

    proposal_id: UUID
    instance_id: UUID


@dataclass(frozen=True)
class Size:
    """Students whose letter waits from the start, and students nobody worries about yet."""

    away: int
    calm: int


@dataclass
class Town:
    """The district, and the stack that serves it."""

    stack: RunningStack
    tenant_id: TenantId
    base: Path
    today: date
    taken: set[UUID] = field(default_factory=set)

    def rows(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        """What the database says to the application role of this tenant."""
        address = self.stack.settings()["HANDRAIL_DATABASE_URL"].replace("+psycopg", "")
        with psycopg.connect(address, connect_timeout=5) as connection:
            connection.execute("select set_config('app.current_tenant', %s, true)", [str(self.tenant_id)])
            return connection.execute(query.encode(), given).fetchall()

    def asks(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        """Call the API as the school's attendance officer; 0 when nobody answers."""
        secret = self.stack.settings()["HANDRAIL_TOKEN_SECRET"].encode()
        claims = Claims(KEY, OFFICER, Role.ATTENDANCE_OFFICER)
        token = DemoTokens(secret).issue(claims, now=datetime.now(UTC))
        sent = None if body is None else json.dumps(body).encode()
        told = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.stack.state()["api"] + API + path, sent, told, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Reply(answer.status, json.loads(answer.read() or b"null"), answer.headers)
        except urllib.error.HTTPError as refused:
            return Reply(refused.code, json.loads(refused.read() or b"null"), refused.headers)
        except OSError:
            return Reply(0, {}, Message())

    def commands(self, path: str, body: object, key: str | None = None) -> Reply:
        """Send a command under a key of its own, or under this one."""
        return self.asks("POST", path, body, **{"Idempotency-Key": key or uuid4().hex})

    def approve(self, step: Waiting, key: str | None = None) -> Reply:
        """Agree to a step."""
        path = f"/interventions/instances/{step.instance_id}/approve"
        return self.commands(path, {"proposal_id": str(step.proposal_id)}, key)

    def take(self, many: int) -> list[Waiting]:
        """Waiting steps that no other test has."""
        free = [Waiting(*row) for row in self.rows(WAITING) if row[1] not in self.taken][:many]
        assert len(free) == many, f"only {len(free)} steps wait"
        self.taken |= {step.instance_id for step in free}
        return free

    def calm(self, many: int) -> dict[str, UUID]:
        """Students on no ladder that no other test has: their names in the register, and their ids."""
        free = self.rows(CALM)
        kept = [row for row in free if row[1] not in self.taken][:many]
        assert len(kept) == many, f"only {len(kept)} students are left"
        self.taken |= {student_id for _, student_id in kept}
        return dict(kept)

    def bring_in(self, absent: Iterable[str]) -> None:
        """Import the news that these students have been away."""
        folder = write_absences(self.base / uuid4().hex, absent, self.today)
        actor = system(self.tenant_id, "cli", "bring-in")
        on_database(self.stack, lambda sessions: take_in(sessions, actor, folder, datetime.now(UTC)))

    def letters_wait(self, students: Iterable[UUID]) -> bool:
        """A letter about each of these students waits for approval."""
        wanted = set(students)
        waiting = "select i.student_id from proposal p join instance i on i.id = p.instance_id"
        waiting += " where p.status = 'PENDING' and i.awaiting_approval"
        return wanted <= {student_id for (student_id,) in self.rows(waiting)}

    def mails(self, steps: Iterable[Waiting]) -> dict[str, list[EmailMessage]]:
        """Caught mails to the guardians of these cases, by address."""
        ids = [step.instance_id for step in steps]
        wanted = self.rows(
            "select distinct g.email from instance i join guardian_link l on l.student_id = i.student_id"
            " join guardian g on g.id = l.guardian_id where i.id = any(%s)",
            ids,
        )
        found: dict[str, list[EmailMessage]] = {address: [] for (address,) in wanted}
        for file in sorted((self.stack.folder / "mail").glob("*.eml")):
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            assert isinstance(mail, EmailMessage)
            if mail["To"] in found:
                found[mail["To"]].append(mail)
        return found


def settle(stack: RunningStack, base: Path, size: Size) -> Town:
    """Found the district on a stack that is up; returns when a letter about everybody away waits for approval."""
    today = datetime.now(UTC).date()
    tenant_id = on_database(stack, lambda sessions: _found(sessions, base, size, today))
    town = Town(stack, tenant_id, base, today)
    until(lambda: len(town.rows(WAITING)) == size.away, f"{size.away} letters wait", 240)
    assert town.rows(HELD) == [], "a breaker holds what these tests are about"
    return town


def on_database(stack: RunningStack, work: Callable[[Sessions], Coroutine[Any, Any, T]]) -> T:
    """Do something with the product's own services on the stack's database."""

    async def opened() -> T:
        engine = engine_for(stack.settings()["HANDRAIL_DATABASE_URL"], pool_size=2)
        masters = parse_keys(SecretStr(stack.settings()["HANDRAIL_MASTER_KEYS"]))
        ring = MasterKeyRing(masters, next(iter(masters)))
        try:
            return await work(sessions_with(engine, ring))
        finally:
            await engine.dispose()

    return asyncio.run(opened())


async def _found(sessions: Sessions, base: Path, size: Size, today: date) -> TenantId:
    now = datetime.now(UTC)
    told = {"ladder": {"undo_seconds": 0}, "breakers": USUAL.model_dump(exclude_defaults=True)}
    wish = NewTenant(KEY, "A town", "GB", "Europe/London", told)
    async with sessions.untenanted() as session:
        tenant, _ = await tenants.establish(session, wish, "founding", now=now)
    actor = system(TenantId(tenant.id), "cli", "founding")
    await take_in(sessions, actor, write_people(base / "people", size.away + size.calm, today), now)
    async with sessions.tenant(tenant.id) as session:
        admin = await _staff(session, actor)
        await _rules(session, actor, admin, now)
    # the marks come last: the end of their import starts the evaluation, which must find the rules in force
    await take_in(sessions, actor, write_marks(base / "marks", size, today), now)
    return TenantId(tenant.id)


async def take_in(sessions: Sessions, actor: Actor, folder: Path, now: datetime) -> None:
    """The real import."""
    await import_feed(
        sessions, actor, OpenImport("district", folder.name), district_feed(folder, received_at=now), now=now
    )


def write_people(folder: Path, students: int, today: date) -> Path:
    """Schools that opened some weeks ago, and students of whom every second one has two guardians."""
    schools = sorted({school_of(n) for n in range(students)})
    days = past_days(today) + coming_days(today)
    year_start = (today.replace(day=1) - timedelta(days=100)).strftime("%m-01")
    parents = [(n, which) for n in range(students) for which in ("a", "b")[: 1 + n % 2]]
    return districts.write(
        folder,
        schools=[districts.school(school, year_start=year_start) for school in schools],
        calendar=[row for school in schools for row in districts.calendar(days, school)],
        students=[[f"T{n}", "Student", f"Number{n}"] for n in range(students)],
        guardians=[[f"G{n}{w}", f"Guardian {n}{w}", "en", f"g{n}{w}@example.org"] for n, w in parents],
        student_guardians=[[f"T{n}", f"G{n}{w}", "parent", 1, 1, 1] for n, w in parents],
        enrolments=[[f"T{n}", school_of(n), days[0], "", "AM|PM"] for n in range(students)],
    )


def school_of(number: int) -> str:
    """The school of a student: each is small enough to be no share of anything (`USUAL`)."""
    return f"{SCHOOL}{number // PER_SCHOOL}"


def write_marks(folder: Path, size: Size, today: date) -> Path:
    """The first students have been away for the last days, the calm ones never."""
    days = past_days(today)
    marks = [
        [f"{n}-{day}-{half}", f"T{n}", school_of(n), day, half, code, f"{day}T15:00:00Z", "", 0]
        for n in range(size.away + size.calm)
        for day in days
        for half in ("AM", "PM")
        for code in ("O" if n < size.away and day in days[-ABSENT_DAYS:] else "/",)
    ]
    return districts.write(folder, marks=marks)


def write_absences(folder: Path, students: Iterable[str], today: date) -> Path:
    """The register is corrected a second ago: these students have been away, too."""
    told = (datetime.now(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    marks = [
        [f"late-{student}-{day}-{half}", student, school_of(int(student[1:])), day, half, "O", told, "", 0]
        for student in students
        for day in past_days(today)[-ABSENT_DAYS:]
        for half in ("AM", "PM")
    ]
    return districts.write(folder, marks=marks)


def past_days(today: date) -> list[date]:
    """The weekdays behind us."""
    days = [today - timedelta(days=n) for n in range(1, 2 * PAST_DAYS)]
    return sorted([day for day in days if day.weekday() < 5][:PAST_DAYS])


def coming_days(today: date) -> list[date]:
    """Today and the weekdays to come, so that waits and replies have days to count."""
    return [day for n in range(COMING_DAYS) if (day := today + timedelta(days=n)).weekday() < 5]


async def _staff(session: Session, actor: Actor) -> Actor:
    for school in await session.scalars(select(School)):
        school.settings = {"phone": "020 7946 0100", "address": "1 School Road, London"}
    people = {ADMIN: Role.DISTRICT_ADMIN, OFFICER: Role.ATTENDANCE_OFFICER}
    for subject, role in people.items():
        person = Person(subject=subject, display_name=subject.title())
        session.add(person)
        await session.flush()
        session.add(RoleAssignment(person_id=person.id, role=role.value, all_schools=True))
    admin = (await session.scalars(select(Person).where(Person.subject == ADMIN))).one()
    return Actor(actor.tenant_id, PersonId(admin.id), Role.DISTRICT_ADMIN.value, ADMIN, actor.request_id, "cli")


async def _rules(session: Session, author: Actor, approver: Actor, now: datetime) -> None:
    """A copy of the shipped rules without their first contact, in force."""
    document = {**dump_ruleset(load_pack("general")), "key": RULES, "title": "Letters first", "tests": []}
    document["stages"] = [stage for stage in document["stages"] if stage["type"] != "CONTACT"]
    drafted = await rulesets.draft(session, author, DraftRuleSet(document, "founding"), now=now)
    step = MoveVersion(drafted.row.id, "founding")
    await rulesets.submit(session, author, step, now=now)
    await rulesets.approve(session, approver, step, now=now)
    await rulesets.activate(session, approver, step, now=now)
