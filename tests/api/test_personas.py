"""The demo has somebody of every role: each gets a token, can do something of their own, and is refused beyond it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from typer import Typer
from typer.testing import CliRunner

from api.app import create_app
from api.dependencies import ApiDependencies
from api.security import DemoTokens
from cli.token import command
from deploy.local.demo.stories import SMALLEST_DISTRICT
from deploy.local.demo_district import generate
from models.access import StudentScope
from models.people import RoleAssignment
from models.session import engine_for
from models.students import Student
from rules.access.permissions import Role
from services import console_sign_in, demo
from services.demo import LoadDemo
from services.sign_in import Deployment
from tests.api.district import KEY
from tests.keys import opened_on
from tests.servers.kinds import Database

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("personas")]
CHECK: Final = "/analytics/compliance?from=2026-09-01&to=2026-11-20&verify=false"
# what each is there for, and what is not theirs, with the code of the refusal
CAN: Final[dict[Role, tuple[str, str, str]]] = {
    Role.DISTRICT_ADMIN: ("/people", "/audit", "role_not_allowed"),
    Role.SCHOOL_LEADER: (CHECK, "/students/{grown_up}", "other_school"),
    Role.ATTENDANCE_OFFICER: ("/interventions/queue", CHECK, "role_not_allowed"),
    Role.SPECIALIST: ("/students/{crossing}/guardians", "/audit", "role_not_allowed"),
    Role.FACILITATOR: ("/students/{near_miss}", "/students/{crossing}", "not_own_student"),
    Role.TEACHER: ("/students/{crossing}", "/students/{grown_up}", "other_school"),
    Role.SAFEGUARDING_LEAD: ("/incidents", "/audit", "role_not_allowed"),
    Role.INCLUSION_LEAD: ("/interventions/queue", "/incidents", "role_not_allowed"),
    Role.LIAISON: ("/cases", "/interventions/queue", "role_not_allowed"),
    Role.DPO: ("/audit", "/interventions/queue", "role_not_allowed"),
    Role.AUDITOR: ("/audit", "/students", "role_not_allowed"),
    Role.INTEGRATION: ("/events", "/students", "role_not_allowed"),
    Role.EXTERNAL: ("/students/{crossing}", "/students/{near_miss}", "not_own_student"),
    Role.STUDENT: ("/students/{grown_up}", "/students/{crossing}", "not_own_student"),
    Role.GUARDIAN: ("/students/{crossing}", "/students/{near_miss}", "not_own_student"),
}


@dataclass(frozen=True)
class Demo:
    """The loaded demo, an application over it, and the students the table names."""

    app: FastAPI
    runner: asyncio.Runner
    parts: ApiDependencies
    students: dict[str, str]

    def get(self, path: str, token: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
                headers = {"Authorization": f"Bearer {token}"}
                return await client.get(f"/api/v1{path.format(**self.students)}", headers=headers)

        return self.runner.run(asked())


@pytest.fixture(scope="module")
def loaded(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    now = datetime.now(UTC)  # a token is good from now on, and so are the roles
    written = generate(tmp_path_factory.mktemp("demo") / "d", today=now.date(), students=SMALLEST_DISTRICT, seed=3)
    with asyncio.Runner() as runner:
        engine = engine_for(database.app_url)
        sessions = opened_on(engine)
        tenant_id = runner.run(demo.load(sessions, LoadDemo(written.folder), now=now))

        async def named() -> dict[str, str]:
            async with sessions.tenant(tenant_id) as session:
                found = (await session.execute(select(Student.source_id, Student.id, Student.dob))).all()
            ids = {source: str(student_id) for source, student_id, _ in found}
            (oldest,) = [str(one) for _, one, dob in found if dob and (now.date() - dob).days >= 18 * 365.25]
            stories = {"crossing": "crossing_today", "near_miss": "near_miss"}
            return {"grown_up": oldest} | {name: ids[written.stories[of][0]] for name, of in stories.items()}

        parts = ApiDependencies(sessions=sessions, tokens=DemoTokens(KEY), clock=lambda: datetime.now(UTC))
        yield Demo(create_app(parts), runner, parts, runner.run(named()))
        runner.run(engine.dispose())


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch, database: Database, loaded: Demo) -> Any:
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", database.app_url)
    monkeypatch.setenv("HANDRAIL_TOKEN_SECRET", KEY.decode())
    application = Typer()
    application.command()(command)

    def of(role: Role) -> str:
        printed = CliRunner().invoke(application, ["--as", role.value])
        assert printed.exit_code == 0, printed.stderr
        return printed.stdout.strip()

    return of


def test_every_role_is_in_the_table() -> None:
    assert set(CAN) == set(Role)


@pytest.mark.parametrize("role", list(CAN))
def test_a_token_opens_what_the_role_is_for_and_nothing_beyond(loaded: Demo, tokens: Any, role: Role) -> None:
    token, (own, beyond, code) = tokens(role), CAN[role]
    answer = loaded.get(own, token)
    assert answer.status_code == 200, answer.text
    refused = loaded.get(beyond, token)
    assert (refused.status_code, refused.json()["code"]) == (403, code)


def test_the_narrow_ones_see_whom_they_are_there_for(loaded: Demo, tokens: Any) -> None:
    def listed(role: Role) -> set[str]:
        return {one["id"] for one in loaded.get("/students?limit=200", tokens(role)).json()["items"]}

    crossing, grown_up = loaded.students["crossing"], loaded.students["grown_up"]
    assert (listed(Role.EXTERNAL), listed(Role.STUDENT)) == ({crossing}, {grown_up})
    assert len(listed(Role.FACILITATOR)) == 3
    for role in (Role.TEACHER, Role.GUARDIAN):
        assert crossing in listed(role)
        assert len(listed(role)) < 31, role


def test_the_picker_shows_somebody_of_every_role(loaded: Demo) -> None:
    shown = loaded.runner.run(console_sign_in.personas(loaded.parts.sessions, Deployment(None, "handrail-api")))
    assert {one.role for one in shown} == set(Role)
    assert len({(one.subject, one.role) for one in shown}) == len(shown)


def test_whoever_helps_from_outside_is_named_for_a_time(loaded: Demo) -> None:
    async def ends() -> list[Any]:
        tenant = await demo.find(loaded.parts.sessions)
        assert tenant is not None
        async with loaded.parts.sessions.tenant(tenant.id) as session:
            held = select(RoleAssignment.ends_on, StudentScope.ends_on).join(
                StudentScope, StudentScope.person_id == RoleAssignment.person_id
            )
            return list((await session.execute(held.where(RoleAssignment.role == Role.EXTERNAL.value))).all())

    ((role_ends, case_ends),) = loaded.runner.run(ends())
    assert role_ends == case_ends > datetime.now(UTC).date()
