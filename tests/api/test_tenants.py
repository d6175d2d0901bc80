"""A tenant's settings over HTTP: read, replaced by one at a time, audited, closed to everybody else."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from gateways.identity_provider import IdentityProviders
from models.audit import AuditEntry
from models.people import School
from models.tenants import Tenant
from services.sign_in import Deployment
from tests.api.district import District

pytestmark = pytest.mark.servers
GOOGLE = "https://accounts.google.com"


@pytest.fixture(scope="module", autouse=True)
def _operated(district: District) -> Iterator[None]:
    """The operator allows Google and every Entra directory, and holds the secret of one client."""
    providers = IdentityProviders([GOOGLE, "https://login.microsoftonline.com/*/v2.0"])
    deployment = Deployment(None, "handrail-api", client_secrets={"console-of-theirs": "hidden"})
    before = district.app.state.parts
    district.app.state.parts = replace(before, providers=providers, deployment=deployment)
    yield
    district.app.state.parts = before
    district.run(providers.close())


def path(district: District) -> str:
    return f"/tenants/{district.ours.id}/settings"


def edited(district: District, **sections: Any) -> Any:
    now = district.get(path(district)).json()["settings"]
    body = {"settings": {**now, **sections}, "reason": "Agreed with the trust."}
    return district.change(path(district), body)


def test_a_school_gets_its_telephone_number_and_keeps_what_else_it_has(district: District) -> None:
    oak = district.ours.schools["oak"]

    async def with_hours() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            (await session.get_one(School, oak)).settings = {"meeting_hours": {"first": "08:00"}}

    async def stored() -> tuple[dict[str, Any], list[AuditEntry]]:
        async with district.sessions.tenant(district.ours.id) as session:
            acts = select(AuditEntry).where(AuditEntry.verb == "change_settings", AuditEntry.subject_id == oak)
            return (await session.get_one(School, oak)).settings, list((await session.scalars(acts)).all())

    district.run(with_hours())
    answer = edited(district, schools={str(oak): {"phone": "+44 20 5550 0199"}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["settings"]["schools"][str(oak)]["phone"] == "+44 20 5550 0199"
    settings, acts = district.run(stored())
    assert settings == {"meeting_hours": {"first": "08:00"}, "phone": "+44 20 5550 0199"}
    assert [(act.reason, list(act.fields)) for act in acts] == [("Agreed with the trust.", ["phone"])]


def test_sections_are_read_as_they_were_written(district: District) -> None:
    auth = {"issuer": "https://accounts.google.com", "require": {"hd": "ours.example.org"}}
    assert edited(district, auth=auth, ladder={"undo_seconds": 30}).status_code == 200
    settings = district.get(path(district)).json()["settings"]
    assert settings["auth"]["require"] == {"hd": "ours.example.org"}
    assert settings["auth"]["idle_minutes"] == 30
    assert settings["ladder"] == {"undo_seconds": 30, "remind_school_days": [3, 5, 10]}


@pytest.mark.parametrize(
    "issuer",
    [
        "https://evil.example.org",
        "http://accounts.google.com",
        "https://accounts.google.com.evil.example.org",
        "https://login.microsoftonline.com/a/b/v2.0",
        "http://169.254.169.254/latest",
    ],
)
def test_an_issuer_that_the_operator_does_not_allow_is_refused(district: District, issuer: str) -> None:
    answer = edited(district, auth={"issuer": issuer})
    assert (answer.status_code, answer.json()["code"]) == (422, "issuer_not_allowed")
    assert "body.settings.auth.issuer" in answer.json()["fields"]
    assert edited(district, auth={"issuer": "https://login.microsoftonline.com/ours/v2.0"}).status_code == 200


def test_an_issuer_agreed_to_before_does_not_stop_other_edits(district: District) -> None:
    settle(district, district.ours.id, {"issuer": "https://once-allowed.example.org"})
    assert edited(district, ladder={"undo_seconds": 33}).status_code == 200
    assert edited(district, auth={"issuer": "https://never-allowed.example.org"}).status_code == 422


def test_a_client_whose_secret_is_kept_for_another_tenant_is_refused(district: District) -> None:
    settle(district, district.theirs.id, {"issuer": GOOGLE, "client_id": "console-of-theirs"})
    elsewhere = {"issuer": "https://login.microsoftonline.com/ours/v2.0", "client_id": "console-of-theirs"}
    answer = edited(district, auth=elsewhere)
    assert (answer.status_code, answer.json()["code"]) == (422, "client_taken")
    assert edited(district, auth={**elsewhere, "client_id": "console-of-ours"}).status_code == 200
    assert edited(district, auth={"issuer": GOOGLE, "client_id": "console-of-theirs"}).status_code == 200


def settle(district: District, tenant_id: Any, auth: dict[str, Any]) -> None:
    async def stored() -> None:
        async with district.sessions.untenanted() as session:
            tenant = await session.get_one(Tenant, tenant_id)
            tenant.settings = {**tenant.settings, "auth": auth}

    district.run(stored())


def test_an_edit_that_rests_on_an_old_state_is_refused(district: District) -> None:
    tag = district.get(path(district)).headers["ETag"]
    body = {"settings": {"ladder": {"undo_seconds": 45}}, "reason": "First."}
    assert district.put(path(district), json=body, headers={"If-Match": tag}).status_code == 200
    assert district.put(path(district), json=body, headers={"If-Match": tag}).status_code == 412
    assert district.put(path(district), json=body).status_code == 428


@pytest.mark.parametrize(
    "sections",
    [
        {"auth": {"issuer": "file:///etc/passwd"}},
        {"auth": {"provision": True}},
        {"auth": {"rules": [{"claim": "groups", "value": "x", "role": "integration", "schools": ["*"]}]}},
        {"auth": {"rules": [{"claim": "groups", "value": "x", "role": "external", "schools": ["*"]}]}},
        {"auth": {"rules": [{"claim": "groups", "value": "x", "role": "teacher"}]}},
        {"auth": {"service_accounts": [{"subject": "m", "name": "M", "scopes": ["steps:approve"]}]}},
        {"schools": {"0f8fad5b-d9cb-469f-a165-70867728950e": {"phone": "+44 20 5550 0199"}}},
        {"ladder": {"undo_secnds": 5}},
    ],
)
def test_settings_that_cannot_be_are_refused_with_the_place(district: District, sections: dict[str, Any]) -> None:
    before = district.get(path(district)).json()
    answer = edited(district, **sections)
    assert answer.status_code == 422
    assert answer.json()["fields"]
    assert district.get(path(district)).json() == before


def test_only_the_tenants_own_administrator_sees_or_changes_them(district: District) -> None:
    theirs = f"/tenants/{district.theirs.id}/settings"
    body = {"settings": {}, "reason": "Curious."}
    for method, json in (("GET", None), ("PUT", body)):
        assert district.call(method, theirs, json=json).status_code == 404
        assert district.call(method, path(district), "school_leader", json=json).status_code == 403
        assert district.call(method, path(district), None, json=json).status_code == 401
