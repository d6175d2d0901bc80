"""A small district and a client that speaks for each of its people."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from sqlalchemy import func, select

from api.security import Claims, DemoTokens
from models.attendance import CalendarSession, Enrolment
from models.guardians import Guardian, GuardianLink
from models.people import Person, RoleAssignment, School, SchoolScope
from models.session import Session, Sessions
from models.students import CareFlag, Student
from models.tenants import Tenant
from rules.access.permissions import Role
from rules.ids import TenantId
from services import starter_content
from services.context import system

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
TODAY = date(2026, 11, 20)
KEY = b"a key of the embedded stack, made for tests"
OUTSIDE_THE_BASE = ("/healthz", "/readyz", "/metrics", "/openapi", "/docs")
Result = TypeVar("Result")


class Runs(Protocol):
    """Runs work to its end: an `asyncio.Runner`, or a loop that goes on by itself (tests/live)."""

    def run(self, work: Coroutine[Any, Any, Result], /) -> Result:
        """The work's result."""


@dataclass
class Tenancy:
    """Ids of one tenant by the names the tests use."""

    key: str
    id: UUID
    today: date = TODAY
    enrolled_on: date = date(2026, 9, 1)
    schools: dict[str, UUID] = field(default_factory=dict)
    people: dict[str, UUID] = field(default_factory=dict)
    students: dict[str, UUID] = field(default_factory=dict)
    guardians: dict[str, UUID] = field(default_factory=dict)


@dataclass
class District:
    """The application, its database and two tenants: `ours`, which the tests act in, and `theirs`."""

    app: FastAPI
    sessions: Sessions
    runner: Runs
    ours: Tenancy
    theirs: Tenancy

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    def token(self, person: str, role: Role | None = None, tenancy: Tenancy | None = None) -> str:
        claims = Claims((tenancy or self.ours).key, person, role or Role(person.split("-", maxsplit=1)[0]))
        return DemoTokens(KEY).issue(claims, now=datetime.now(UTC))

    def call(
        self,
        method: str,
        path: str,
        person: str | None = "district_admin",
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        tenancy: Tenancy | None = None,
        base: str = "http://127.0.0.1:8000",
        **more: Any,
    ) -> httpx.Response:
        """One request; a POST gets a fresh Idempotency-Key unless the test brings its own."""
        sent = {} if person is None else {"Authorization": f"Bearer {self.token(person, tenancy=tenancy)}"}
        if method == "POST":
            sent["Idempotency-Key"] = str(uuid4())
        sent |= headers or {}
        address = (
            path if path.startswith(("/healthz", "/readyz", "/metrics", "/openapi", "/docs")) else f"/api/v1{path}"
        )

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                return await client.request(method, address, json=json, headers=sent, **more)

        return self.runner.run(asked())

    async def newcomer(self, where: str = "oak", *, flagged: bool = False) -> UUID:
        """A student of their own for one test, with one guardian."""
        async with self.sessions.tenant(self.ours.id) as session:
            name = f"new-{uuid4().hex[:8]}"
            student_id, _ = await _student(session, self.ours, name, where)
            if flagged:
                session.add(CareFlag(student_id=student_id, kind="SOCIAL_WORKER", starts_on=date(2026, 9, 1)))
        return student_id

    def get(self, path: str, person: str | None = "district_admin", **more: Any) -> httpx.Response:
        return self.call("GET", path, person, **more)

    def post(self, path: str, person: str | None = "district_admin", **more: Any) -> httpx.Response:
        return self.call("POST", path, person, **more)

    def put(self, path: str, person: str | None = "district_admin", **more: Any) -> httpx.Response:
        return self.call("PUT", path, person, **more)

    def change(self, path: str, json: Any, person: str = "district_admin") -> httpx.Response:
        """Read, then edit what was read."""
        return self.put(path, person, json=json, headers={"If-Match": self.get(path, person).headers["ETag"]})


async def settle(sessions: Sessions, key: str, today: date = TODAY, enrolled_on: date = date(2026, 9, 1)) -> Tenancy:
    """Two schools, one person per role (named like it; `-elm` ones at the other school), four students."""
    async with sessions.untenanted() as session:
        tenant = Tenant(key=key, name="A district")
        session.add(tenant)
        await session.flush()
    settled = Tenancy(key, tenant.id, today, enrolled_on)
    async with sessions.tenant(tenant.id) as session:
        await _schools(session, settled)
        await _people(session, settled)
        await _students(session, settled)
        # a rule set is put in force only when the letters it writes have an approved wording
        shipped = system(TenantId(tenant.id), "cli", "settle")
        await starter_content.letters(session, shipped, now=datetime.combine(today, time(9), UTC))
    return settled


async def _schools(session: Session, settled: Tenancy) -> None:
    for name in ("oak", "elm"):
        school = School(
            source_id=name, name=f"{name.title()} School", code_set="UK", settings={"phone": "+44 20 5550 0100"}
        )
        session.add(school)
        await session.flush()
        settled.schools[name] = school.id
        days = [settled.today + timedelta(days=away) for away in range(-100, 100)]
        session.add_all(
            CalendarSession(school_id=school.id, date=day, session=half)
            for day in days
            if day.weekday() < 5
            for half in ("AM", "PM")
        )
    # as every way of entering a calendar does
    await session.execute(select(func.ensure_year_partitions(settled.today)))


async def _people(session: Session, settled: Tenancy) -> None:
    for role in Role:
        for where in ("", "-elm", "-2"):
            name = f"{role.value}{where}"
            person = Person(subject=name, display_name=name.replace("_", " ").title())
            session.add(person)
            await session.flush()
            settled.people[name] = person.id
            everywhere = role in {Role.DISTRICT_ADMIN, Role.AUDITOR, Role.DPO, Role.INTEGRATION}
            # people from outside hold their role for a time, or not at all
            ends = settled.today + timedelta(days=60) if role is Role.EXTERNAL else None
            session.add(RoleAssignment(person_id=person.id, role=role.value, all_schools=everywhere, ends_on=ends))
            school = settled.schools["elm" if where == "-elm" else "oak"]
            session.add(SchoolScope(person_id=person.id, school_id=school))


async def _students(session: Session, settled: Tenancy) -> None:
    for name, where in (("ann", "oak"), ("bob", "oak"), ("cat", "elm"), ("dan", "oak")):
        settled.students[name], settled.guardians[name] = await _student(session, settled, name, where)
    session.add(CareFlag(student_id=settled.students["dan"], kind="SOCIAL_WORKER", starts_on=date(2026, 9, 1)))


async def _student(session: Session, settled: Tenancy, name: str, where: str) -> tuple[UUID, UUID]:
    student = Student(source_id=name, first_name=name.title(), last_name="Example", year_group="5")
    guardian = Guardian(source_id=f"g-{name}", name=f"Parent of {name.title()}", email=f"{name}@example.org")
    session.add_all([student, guardian])
    await session.flush()
    session.add(Enrolment(student_id=student.id, school_id=settled.schools[where], start_date=settled.enrolled_on))
    session.add(
        GuardianLink(
            student_id=student.id,
            guardian_id=guardian.id,
            relationship="MOTHER",
            parental_responsibility=True,
            may_receive_letters=True,
        )
    )
    return student.id, guardian.id
