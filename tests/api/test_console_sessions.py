"""What a browser's session opens, what its writes must carry, when it ends, and the demo's personas."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from api.console import COOKIE, CSRF_HEADER, Console
from api.security import DemoTokens
from gateways.rate_limits import RateLimits
from gateways.sign_in_attempts import Attempts
from models.audit import AuditEntry
from models.people import Person, RoleAssignment, SchoolScope
from models.sign_in import ConsoleSession
from models.tenants import Tenant
from rules.access.sessions import fingerprint
from services import sign_in
from services.context import system
from tests.api.browser import HOME, Browser
from tests.api.console import CLIENT, Town, settled_town, signed_in
from tests.api.district import KEY, NOW, District
from tests.api.issuers import Issuer
from tests.api.viewed import recorded

pytestmark = pytest.mark.servers
STOP = "/api/v1/contact-stops"


@pytest.fixture(scope="module")
def ours(district: District, issuer: Issuer) -> Iterator[Town]:
    with settled_town(district, issuer) as made:
        yield made


@pytest.fixture
def browser(ours: Town, issuer: Issuer) -> Browser:
    made = ours.browser()
    signed_in(made, issuer, ours.district.ours.key)
    return made


@pytest.fixture
def later(ours: Town) -> Iterator[Any]:
    def move(**ahead: int) -> None:
        ours.now = NOW + timedelta(**ahead)

    yield move
    ours.now = NOW


def stopping(ours: Town, browser: Browser, **headers: str) -> Any:
    """A write: a contact stop for Ann."""
    body = {"subject_kind": "STUDENT", "subject_id": str(ours.district.ours.students["ann"]), "reason_code": "OTHER"}
    return browser.post(STOP, json=body, headers={"Idempotency-Key": str(uuid4()), **headers})


async def stored(district: District, browser: Browser) -> ConsoleSession:
    assert browser.cookie
    async with district.sessions.tenant(district.ours.id) as session:
        wanted = select(ConsoleSession).where(ConsoleSession.token_hash == fingerprint(browser.cookie))
        return (await session.scalars(wanted)).one()


def test_only_a_fingerprint_of_the_cookie_is_stored(ours: Town, browser: Browser) -> None:
    row = ours.district.run(stored(ours.district, browser))
    assert str(browser.cookie) not in str(vars(row))
    assert len(row.token_hash) == 64


def test_a_write_needs_the_token_of_this_very_session(ours: Town, issuer: Issuer, browser: Browser) -> None:
    another = ours.browser()
    signed_in(another, issuer, ours.district.ours.key)
    for token in ({}, {CSRF_HEADER: ""}, {CSRF_HEADER: "x"}, {CSRF_HEADER: another.csrf()}):
        answer = stopping(ours, browser, **token)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf_refused")
    assert stopping(ours, browser, **{CSRF_HEADER: browser.csrf()}).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:8000.evil.example.org"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_write_from_another_site_is_refused_whatever_it_carries(
    ours: Town, browser: Browser, headers: dict[str, str]
) -> None:
    answer = stopping(ours, browser, **{CSRF_HEADER: browser.csrf(), **headers})
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_refused")


def test_a_bearer_beside_a_cookie_counts_alone(ours: Town, issuer: Issuer, browser: Browser) -> None:
    answer = stopping(ours, browser, Authorization="Bearer nothing")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")
    bearer = {"Authorization": f"Bearer {issuer.token(sub='school_leader')}"}
    assert stopping(ours, browser, **bearer).status_code == 201  # no CSRF token: no other site can send this header


@pytest.mark.parametrize("form", [{}, {"csrf": "x"}])
def test_forms_of_sign_in_need_the_token_too(browser: Browser, form: dict[str, str]) -> None:
    for path in ("/auth/sign-out", "/auth/role"):
        assert browser.post(path, data={"role": "attendance_officer", **form}).status_code == 403
    assert browser.get("/api/v1/schools").status_code == 200


def test_a_session_ends_when_nothing_is_done(browser: Browser, later: Any) -> None:
    later(minutes=29)
    assert browser.get("/api/v1/schools").status_code == 200
    later(minutes=29 + 29)
    assert browser.get("/api/v1/schools").status_code == 200
    later(minutes=29 + 29 + 30)
    answer = browser.get("/api/v1/schools")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
    later(minutes=29 + 29 + 1)
    assert browser.get("/api/v1/schools").status_code == 401, "what is over stays over"


def test_a_session_ends_in_any_case(browser: Browser, later: Any) -> None:
    for minutes in range(20, 600, 20):
        later(minutes=minutes)
        assert browser.get("/auth/session").status_code == 200, minutes
    later(hours=10)
    assert browser.get("/api/v1/schools").status_code == 401


def test_the_tenants_own_limits_count_at_once(ours: Town, issuer: Issuer, browser: Browser, later: Any) -> None:
    later(minutes=10)
    auth = {"issuer": issuer.address, "client_id": CLIENT}
    ours.settle({**auth, "idle_minutes": 5})
    answer = browser.get("/api/v1/schools")
    ours.settle(auth)
    assert answer.status_code == 401


def test_signing_out_ends_it_here_and_for_whoever_kept_the_cookie(ours: Town, browser: Browser) -> None:
    kept = browser.cookie
    assert kept
    page = browser.post("/auth/sign-out", data={"csrf": browser.csrf()})
    assert page.status_code == 200
    assert "signed out" in page.text
    assert browser.cookie is None
    thief = ours.browser()
    thief.put_cookie(kept)
    assert thief.get("/api/v1/schools").status_code == 401


def test_sign_in_and_sign_out_stand_in_the_audit(ours: Town, browser: Browser) -> None:
    session_id = ours.district.run(stored(ours.district, browser)).id
    browser.post("/auth/sign-out", data={"csrf": browser.csrf()})

    async def verbs() -> list[str]:
        async with ours.district.sessions.tenant(ours.district.ours.id) as session:
            person = ours.district.ours.people["attendance_officer"]
            wanted = select(AuditEntry.verb).where(AuditEntry.subject_id == person).order_by(AuditEntry.id)
            return list((await session.scalars(wanted)).all())

    assert session_id
    assert ours.district.run(verbs())[-2:] == ["sign_in", "sign_out"]


@pytest.mark.parametrize("value", ["x", "..", "a" * 5000, f"{'0' * 32}.{'a' * 43}", "é.é"])
def test_a_cookie_of_no_session_opens_nothing(ours: Town, value: str) -> None:
    answer = ours.browser().get("/api/v1/schools", headers={"Cookie": f"{COOKIE}={value}".encode()})
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


def test_the_secret_of_one_tenant_finds_nothing_at_another(ours: Town, browser: Browser) -> None:
    assert browser.cookie
    elsewhere = ours.browser()
    elsewhere.put_cookie(ours.district.theirs.id.hex + browser.cookie[32:])
    assert elsewhere.get("/api/v1/schools").status_code == 401
    asked = browser.get("/api/v1/schools", headers={"Handrail-Tenant": ours.district.theirs.key})
    assert (asked.status_code, asked.json()["code"]) == (403, "session_speaks_otherwise")


def test_a_person_who_was_switched_off_is_out_at_once(ours: Town, issuer: Issuer) -> None:
    browser = hired(ours, issuer, "teacher")

    async def off() -> None:
        async with ours.district.sessions.tenant(ours.district.ours.id) as session:
            await session.execute(update(Person).where(Person.subject == NAMES[id(browser)]).values(active=False))

    assert browser.get("/api/v1/schools").status_code == 200
    ours.district.run(off())
    assert browser.get("/api/v1/schools").status_code == 401


def test_releasing_an_account_ends_its_sessions(ours: Town, issuer: Issuer) -> None:
    browser = hired(ours, issuer, "teacher")

    async def released() -> None:
        async with ours.district.sessions.tenant(ours.district.ours.id) as session:
            actor = system(ours.district.ours.id, "cli", "r")  # type: ignore[arg-type]  # ids of rows are plain UUIDs
            await sign_in.release(session, actor, NAMES[id(browser)], "left the school", now=NOW)

    ours.district.run(released())
    assert browser.get("/api/v1/schools").status_code == 401


def test_a_suspended_tenant_answers_no_session(ours: Town, browser: Browser) -> None:
    async def standing(status: str) -> None:
        async with ours.district.sessions.untenanted() as session:
            (await session.get_one(Tenant, ours.district.ours.id)).status = status

    ours.district.run(standing("SUSPENDED"))
    answer = browser.get("/api/v1/schools")
    ours.district.run(standing("ACTIVE"))
    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_suspended")


def test_of_several_roles_one_is_chosen_and_the_cookie_changes(ours: Town, issuer: Issuer) -> None:
    browser = hired(ours, issuer, "teacher", "attendance_officer", lead_to="/auth/account?next=%2F")
    undecided = browser.get("/api/v1/tasks")
    assert (undecided.status_code, undecided.json()["code"]) == (403, "role_not_chosen")
    named = {"Handrail-Role": "attendance_officer"}
    assert browser.get("/api/v1/imports", headers=named).status_code in {200, 404}
    before = browser.cookie
    page = browser.get("/auth/account?next=/queue")
    assert "attendance officer" in page.text
    chosen = browser.post("/auth/role", data={"csrf": browser.csrf(), "role": "teacher", "next": "/queue"})
    assert (chosen.status_code, chosen.headers["Location"]) == (303, "/queue")
    (entry,) = recorded(ours.district, chosen.headers["X-Request-Id"])
    assert (entry.verb, entry.subject_kind) == ("choose_role", "person")
    assert browser.cookie != before
    assert browser.get("/auth/session").json()["role"] == "teacher"
    assert browser.get("/api/v1/interventions/queue").json()["code"] == "role_not_allowed"
    never = browser.post("/auth/role", data={"csrf": browser.csrf(), "role": "district_admin"})
    assert never.status_code == 403
    old = ours.browser()
    assert before
    old.put_cookie(before)
    assert old.get("/auth/session").status_code == 401


NAMES: dict[int, str] = {}


def hired(ours: Town, issuer: Issuer, *roles: str, lead_to: str = "/") -> Browser:
    """Somebody new with these roles, signed in."""
    name = f"person-{uuid4().hex[:8]}"

    async def made() -> None:
        async with ours.district.sessions.tenant(ours.district.ours.id) as session:
            person = Person(subject=name, display_name="<b>Somebody</b>")
            session.add(person)
            await session.flush()
            session.add_all(RoleAssignment(person_id=person.id, role=role) for role in roles)
            session.add(SchoolScope(person_id=person.id, school_id=ours.district.ours.schools["oak"]))

    ours.district.run(made())
    browser = ours.browser()
    assert signed_in(browser, issuer, ours.district.ours.key, sub=name).headers["Location"] == lead_to
    NAMES[id(browser)] = name
    return browser


def test_pages_escape_and_run_nothing_of_others(ours: Town, issuer: Issuer) -> None:
    page = hired(ours, issuer, "teacher").get("/auth/account")
    assert "&lt;b&gt;Somebody" in page.text
    assert "<b>" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


@pytest.fixture
def demo(district: District) -> Iterator[District]:
    before = district.app.state.parts
    district.app.state.parts = replace(
        before, tokens=DemoTokens(KEY), console=Console(HOME, Attempts([b"k" * 32]), RateLimits())
    )
    yield district
    district.app.state.parts = before


def test_the_demo_lets_anybody_at_this_machine_be_anybody(demo: District) -> None:
    browser = Browser(demo)
    page = browser.get("/auth/sign-in", params={"next": "/queue"})
    assert 'value="attendance_officer"' in page.text
    fields = {"tenant": demo.ours.key, "subject": "attendance_officer", "role": "attendance_officer", "next": "/queue"}
    answer = browser.post("/auth/demo", data=fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue")
    assert [entry.verb for entry in recorded(demo, answer.headers["X-Request-Id"])] == ["sign_in"]
    assert browser.get("/api/v1/schools").json()["items"][0]["name"] == "Oak School"
    assert browser.post("/auth/demo", data={**fields, "role": "district_admin"}).status_code == 404
    assert browser.post("/auth/demo", data={**fields, "tenant": "nowhere"}).status_code == 404
    assert browser.post("/auth/demo", data=fields, headers={"Origin": "https://evil.example.org"}).status_code == 403


@pytest.mark.parametrize("base", ["https://school.example.org", "https://10.0.0.5:8000"])
def test_there_are_no_personas_from_elsewhere(demo: District, base: str) -> None:
    browser = Browser(demo, base=base)
    assert browser.get("/auth/sign-in").status_code == 401
    fields = {"tenant": demo.ours.key, "subject": "attendance_officer", "role": "attendance_officer"}
    assert browser.post("/auth/demo", data=fields).status_code == 401


def test_there_are_no_personas_where_people_sign_in(ours: Town) -> None:
    fields = {"tenant": ours.district.ours.key, "subject": "attendance_officer", "role": "attendance_officer"}
    assert ours.browser().post("/auth/demo", data=fields).status_code == 404
