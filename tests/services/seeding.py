"""A small family at a small school: builders for tests of what a case does."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select

from gateways.mailer import SmtpAddress, SmtpMailer
from gateways.object_store import S3ObjectStore, StoreAddress
from models.attendance import CalendarSession, Enrolment, SessionFact
from models.guardians import ContactStop, Guardian, GuardianLink
from models.instances import CaseFile, Instance, Task
from models.letters import LetterTemplate, LetterTemplateVersion
from models.people import Person, RoleAssignment, School, SchoolScope
from models.rulesets import RuleSet, RuleSetVersion
from models.session import Session, Sessions, engine_for
from models.students import Student
from models.tenants import Tenant
from rules.ids import InstanceId, SchoolId, StudentId, TenantId
from rules.ladder.stages import Stage, StageType
from rules.ladder.state import Basis
from rules.letters.templates import starter_templates
from rules.rulesets.ruleset import digest, dump_ruleset, load_pack
from services.context import CaseRef
from services.means import Means, Sender, Threads
from tests.keys import RING, opened_on
from tests.servers.kinds import Database, MailServer, Store

T = TypeVar("T")
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # a Friday
TODAY = date(2026, 11, 20)
YEAR = (date(2026, 9, 1), date(2027, 7, 16))
LETTER_1 = Stage(
    key="letter-1",
    type=StageType.LETTER,
    stage_type="LETTER_1",
    template="LETTER_1_ATTENDANCE",
    channels=("email", "post"),
    wait_school_days=10,
)
ABSENT_DAYS = (date(2026, 11, 9), date(2026, 11, 11), date(2026, 11, 16))
PACK = load_pack("general")
DIGEST = digest(PACK)
METRIC = "absent_half_days/calendar:30/all"
BASIS = Basis(on=date(2026, 11, 19), known_at=NOW, values={METRIC: 6}, sentence="3 of 3 days")


@dataclass(frozen=True)
class Family:
    """Ids of one seeded case; guardians by the name they were given."""

    tenant_id: TenantId
    school_id: SchoolId
    student_id: StudentId
    instance_id: InstanceId
    officer_id: UUID
    guardians: dict[str, UUID]

    def case(self, key: str = "w/1", now: datetime = NOW) -> CaseRef:
        return CaseRef(self.tenant_id, self.school_id, self.student_id, self.instance_id, key=f"{key}", now=now)


@dataclass(frozen=True)
class Parent:
    """One guardian as a test wants them; each has canary words that no one else's output may hold."""

    name: str
    email: str | None = None
    address: str | None = "1 High Street, Dublin 8"
    link: dict[str, Any] = field(default_factory=dict)


def grace(**link: Any) -> Parent:
    return Parent("Grace Canaryone", "grace.canaryone@example.org", "17 Harbour Lane, Galway", link)


def henry(**link: Any) -> Parent:
    return Parent("Henry Canarytwo", "henry.canarytwo@example.org", "99 Hidden Road, Cork", link)


class World:
    """Real database, store and mail for one test, on one event loop."""

    def __init__(self, database: Database, store: Store | None = None, mail: MailServer | None = None) -> None:
        self.runner = asyncio.Runner()
        self.engine = engine_for(database.app_url)
        self.sessions = opened_on(self.engine)
        self._opened: list[S3ObjectStore] = []
        self._threads = Threads(2)
        self.means = self._means(store, mail)

    def _means(self, store: Store | None, mail: MailServer | None) -> Means:
        place = (
            StoreAddress(
                endpoint=store.endpoint,
                bucket=store.bucket,
                access_key=store.access_key,
                secret_key=store.secret_key,
                region=store.region,
            )
            if store
            else StoreAddress(endpoint="http://127.0.0.1:9", bucket="none", access_key="none", secret_key="none")
        )
        self._opened.append(S3ObjectStore(place, threads=2))
        server = SmtpAddress(mail.host, mail.port) if mail else SmtpAddress("127.0.0.1", 9)
        return Means(
            sessions=self.sessions,
            store=self._opened[-1],
            mailer=SmtpMailer(server),
            keyring=RING,
            threads=self._threads,
            sender=Sender("attendance@oak.example.org"),
        )

    def with_mail(self, mail: MailServer) -> Means:
        return replace(self.means, mailer=SmtpMailer(SmtpAddress(mail.host, mail.port)))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def close(self) -> None:
        for store in self._opened:
            self.run(store.close())
        self.run(self._threads.close())
        self.run(self.engine.dispose())
        self.runner.close()

    def family(self, *parents: Parent, tenant_id: TenantId | None = None) -> Family:
        return self.run(seed(self.sessions, parents or (grace(),), tenant_id))

    def rows(self, family: Family, table: type[T], *where: Any) -> list[T]:
        async def read() -> list[T]:
            async with self.sessions.tenant(family.tenant_id) as session:
                key: Any = table
                return list((await session.scalars(select(table).where(*where).order_by(key.id))).all())

        return self.run(read())

    def change(self, family: Family, statement: Any) -> None:
        async def write() -> None:
            async with self.sessions.tenant(family.tenant_id) as session:
                await session.execute(statement)

        self.run(write())

    def stop_contact(self, family: Family, kind: str, subject_id: UUID) -> None:
        async def write() -> None:
            async with self.sessions.tenant(family.tenant_id) as session:
                session.add(
                    ContactStop(subject_kind=kind, subject_id=subject_id, reason_code="SAFEGUARDING", set_at=NOW)
                )

        self.run(write())

    def task_kinds(self, family: Family, status: str = "OPEN") -> list[str]:
        return [task.kind for task in self.rows(family, Task, Task.status == status)]


async def seed(sessions: Sessions, parents: tuple[Parent, ...], tenant_id: TenantId | None = None) -> Family:
    """Tenant, school with calendar and officer, rule set, approved templates, student, guardians, instance."""
    if tenant_id is None:
        async with sessions.untenanted() as session:
            tenant = Tenant(key=str(uuid4()), name="A district")
            session.add(tenant)
        tenant_id = TenantId(tenant.id)
        async with sessions.tenant(tenant_id) as session:
            await _school(session)
    async with sessions.tenant(tenant_id) as session:
        school = (await session.scalars(select(School))).one()
        officer = (await session.scalars(select(Person).where(Person.subject == "officer"))).one()
        student = await _student(session, school)
        guardians = {parent.name.split()[0].lower(): await _guardian(session, student, parent) for parent in parents}
        instance_id = await _instance(session, school, student, officer)
    return Family(tenant_id, SchoolId(school.id), StudentId(student.id), InstanceId(instance_id), officer.id, guardians)


async def _school(session: Session) -> None:
    school = School(
        source_id="oak",
        name="Oak School",
        code_set="UK",
        timezone="Europe/Dublin",
        settings={"phone": "01 555 0100", "address": ["Oak School", "2 School Road", "Dublin 8"]},
    )
    officer = Person(subject="officer", display_name="Olive Officer", title="Attendance officer", phone="01 555 0134")
    officer.email = "olive@oak.example.org"
    author = Person(subject="author", display_name="A. Author")
    session.add_all([school, officer])
    await session.flush()
    session.add(author)
    await session.flush()
    session.add(RoleAssignment(person_id=officer.id, role="attendance_officer"))
    session.add(SchoolScope(person_id=officer.id, school_id=school.id))
    session.add_all(
        CalendarSession(school_id=school.id, date=day, session=half)
        for day in school_days_until(YEAR[1])
        for half in ("AM", "PM")
    )
    for starter in starter_templates():
        template = LetterTemplate(key=starter.key, title=starter.title, purpose=starter.purpose)
        session.add(template)
        await session.flush()
        session.add(
            LetterTemplateVersion(
                template_id=template.id,
                version=1,
                status="APPROVED",
                body=starter.body,
                merge_field_schema=starter.merge_field_schema,
                author_id=author.id,
                approved_by=officer.id,
                approved_at=NOW,
            )
        )
    await _rules(session)


async def _rules(session: Session) -> None:
    rule_set = RuleSet(key=PACK.key, title=PACK.title)
    session.add(rule_set)
    await session.flush()
    session.add(
        RuleSetVersion(rule_set_id=rule_set.id, version=1, digest=DIGEST, content=dump_ruleset(PACK), status="ACTIVE")
    )


async def _student(session: Session, school: School) -> Student:
    student = Student(source_id=str(uuid4()), first_name="Sam", last_name="Surname", year_group="5")
    session.add(student)
    await session.flush()
    session.add(Enrolment(student_id=student.id, school_id=school.id, start_date=YEAR[0]))
    await session.execute(select(func.ensure_year_partitions(YEAR[0])))
    facts = [_fact(student, school, day, half) for day in school_days_until(TODAY) for half in ("AM", "PM")]
    await session.execute(insert(SessionFact), facts)
    await session.flush()
    return student


def school_days_until(last: date) -> list[date]:
    days = [YEAR[0] + timedelta(days=n) for n in range((last - YEAR[0]).days + 1)]
    return [day for day in days if day.weekday() < 5]


def _fact(student: Student, school: School, day: date, half: str) -> dict[str, Any]:
    absent = day in ABSENT_DAYS
    return {
        "student_id": student.id,
        "school_id": school.id,
        "date": day,
        "session": half,
        "known_from": datetime(day.year, day.month, day.day, 8, tzinfo=UTC),
        "status": "UNAUTHORISED_ABSENT" if absent else "PRESENT",
        "code": "O" if absent else "/",
    }


async def _guardian(session: Session, student: Student, parent: Parent) -> UUID:
    guardian = Guardian(
        source_id=str(uuid4()), name=parent.name, email=parent.email, address=parent.address, language="en"
    )
    session.add(guardian)
    await session.flush()
    granted = {"may_receive_letters": True, "may_attend_meetings": True, "may_receive_calls": True}
    session.add(
        GuardianLink(
            student_id=student.id,
            guardian_id=guardian.id,
            relationship="parent",
            parental_responsibility=True,
            **(granted | parent.link),
        )
    )
    await session.flush()
    return guardian.id


async def _instance(session: Session, school: School, student: Student, officer: Person) -> UUID:
    version = (await session.scalars(select(RuleSetVersion))).one()
    case = CaseFile(student_id=student.id, school_id=school.id)
    session.add(case)
    await session.flush()
    instance = Instance(
        school_year="2026-27",
        student_id=student.id,
        lead_school_id=school.id,
        case_id=case.id,
        rule_set_key="general",
        rule_set_version_id=version.id,
        digest=version.digest,
        status="ACTIVE",
        assignee_id=officer.id,
        entry_date=TODAY,
        started_at=NOW,
    )
    session.add(instance)
    await session.flush()
    return instance.id
