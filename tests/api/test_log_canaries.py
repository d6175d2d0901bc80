"""Requests full of names, addresses, tokens and secrets, good ones and bad ones: none of it is found in the logs."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
import structlog

from api.console import COOKIE, CSRF_HEADER
from tests.api.browser import Browser
from tests.api.console import Town, answered, asked, settled_town
from tests.api.district import District
from tests.api.issuers import Issuer
from tests.logged import Written

pytestmark = pytest.mark.servers
NAME, ADDRESS, PHONE = "Canaryfinch", "canaryfinch@example.org", "+44 20 5550 0177"


@pytest.fixture(scope="module")
def ours(district: District, issuer: Issuer) -> Iterator[Town]:
    with settled_town(district, issuer) as made:
        yield made


def test_no_canary_reaches_the_logs(ours: Town, issuer: Issuer, written: Written) -> None:
    browser, secrets = ours.browser(), []
    sent = asked(browser.location("/auth/sign-in", params={"tenant": ours.district.ours.key, "next": f"/x?q={NAME}"}))
    back = answered(issuer, sent)
    secrets += [sent["state"], sent["nonce"], back.split("code=")[1].split("&")[0], *browser.jar.values()]
    browser.get(back)
    secrets += [str(browser.cookie), browser.csrf()]
    asked_with_names(ours.district, browser)
    secrets += asked_with_tokens(ours, issuer)
    failed_with_names(ours.district)
    said = written.getvalue()
    assert said.count('"event": "answered"') > 10, "the logs were not written where the test looks"
    leaked = [one for one in (NAME, NAME.lower(), ADDRESS, PHONE, *secrets) if one and one in said]
    assert not leaked


def asked_with_names(district: District, browser: Browser) -> None:
    """Searches, writes that are taken, writes that are refused, a file."""
    token = {CSRF_HEADER: browser.csrf()}
    browser.get("/api/v1/students", params={"search": NAME})
    browser.get(f"/api/v1/students/{NAME}/{ADDRESS}")
    for body in (
        {"kind": "CALL_BACK", "title": f"Ring {NAME} on {PHONE}", "student_id": str(district.ours.students["ann"])},
        {"kind": NAME, "title": ADDRESS},
        {"kind": "CALL_BACK", "title": f"Ring {NAME}", "student_id": str(uuid4())},
    ):
        browser.post("/api/v1/tasks", json=body, headers={"Idempotency-Key": str(uuid4()), **token})
    browser.post("/api/v1/tasks", content=NAME.encode(), headers={"Idempotency-Key": str(uuid4()), **token})
    file = {"file": (f"{NAME}.csv", f"id,first_name\n1,{NAME}\n".encode())}
    bearer = {"Authorization": f"Bearer {NAME}"}
    browser.post("/api/v1/attendance/imports", files=file, data={"as": "students"}, headers={**token})
    browser.post("/api/v1/attendance/imports", files=file, data={"as": "students"}, headers=bearer)
    browser.get("/auth/sign-in", params={"tenant": NAME.lower(), "next": f"/{ADDRESS}"})


def asked_with_tokens(ours: Town, issuer: Issuer) -> list[str]:
    """Bearers good and bad, cookies of nobody; what must not be found."""
    good, bad = issuer.token(), issuer.token(aud=NAME)
    for token in (good, bad):
        ours.browser().get("/api/v1/schools", headers={"Authorization": f"Bearer {token}"})
    cookie = f"{ours.district.ours.id.hex}.{'c' * 43}"
    ours.browser().get("/api/v1/schools", headers={"Cookie": f"{COOKIE}={cookie}"})
    return [good, bad, cookie]


def failed_with_names(district: District) -> None:
    """A fault whose words hold a name, as a database's do."""

    def broken() -> datetime:
        raise RuntimeError(f"Key (name)=({NAME}) of {ADDRESS} already exists")

    parts = district.app.state.parts
    district.app.state.parts = replace(parts, clock=broken)
    answer: Any = Browser(district).get("/auth/session", headers={"Cookie": f"{COOKIE}=x"})
    district.app.state.parts = parts
    assert answer.status_code == 500


def test_the_control_finds_a_name_that_somebody_logs(written: Written) -> None:
    structlog.get_logger("ours").info("the mistake this net cannot catch", student=NAME)
    assert NAME in written.getvalue()
