"""Tenants over HTTP: the operator makes, suspends and resumes them; nobody else does, and both trails say so."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.people import Person
from tests.api.district import District, Tenancy

pytestmark = pytest.mark.servers
REASON = {"reason": "Their contract."}


@pytest.fixture(autouse=True)
def operated(district: District) -> Iterator[None]:
    """This installation is run by our tenant."""
    before = district.app.state.parts
    district.app.state.parts = replace(before, operator_tenant=district.ours.key)
    yield
    district.app.state.parts = before


def trail(district: District, tenant_id: UUID) -> list[tuple[str, str, UUID | None]]:
    async def read() -> list[tuple[str, str, UUID | None]]:
        async with district.sessions.tenant(tenant_id) as session:
            rows = await session.scalars(select(AuditEntry).order_by(AuditEntry.seq))
            return [(row.verb, row.actor_role, row.actor_id) for row in rows if row.subject_kind == "tenant"]

    return district.run(read())


def made(district: District, **more: Any) -> dict[str, Any]:
    body = {"key": f"t-{uuid4().hex[:8]}", "name": "Harrowby", **more}
    answer = district.post("/tenants", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_new_tenant_has_an_administrator_who_signs_in_and_both_trails_say_who_made_it(district: District) -> None:
    first = {"subject": "district_admin", "display_name": "Amy"}
    tenant = made(district, administrator=first)
    own = Tenancy(tenant["key"], UUID(tenant["id"]))
    assert district.get("/schools", tenancy=own).status_code == 200
    assert district.get("/letters/templates", tenancy=own).json()["items"], "with its starter content"
    ours = [entry for entry in trail(district, district.ours.id) if entry[0] == "create_tenant"]
    assert ours == [("create_tenant", "district_admin", district.ours.people["district_admin"])]
    assert ("create_tenant", "operator", None) in trail(district, own.id)
    again = district.post("/tenants", json={"key": tenant["key"], "name": "Another"})
    assert (again.status_code, again.json()["code"]) == (409, "tenant_exists")


def test_a_suspended_tenant_answers_nobody_until_it_is_resumed(district: District) -> None:
    theirs = district.theirs
    assert district.get("/schools", tenancy=theirs).status_code == 200
    path = f"/tenants/{theirs.id}"
    assert district.post(f"{path}/suspend", json=REASON).json()["status"] == "SUSPENDED"
    refused = district.get("/schools", tenancy=theirs)
    assert (refused.status_code, refused.json()["code"]) == (403, "tenant_suspended")
    assert district.post(f"{path}/suspend", json=REASON).json()["status"] == "SUSPENDED"
    assert district.post(f"{path}/resume", json=REASON).json()["status"] == "ACTIVE"
    assert district.get("/schools", tenancy=theirs).status_code == 200
    told = [entry[:2] for entry in trail(district, theirs.id)]
    assert told == [("suspend_tenant", "operator"), ("resume_tenant", "operator")], "once each, however often asked"


def test_nobody_but_the_operator_manages_tenants(district: District) -> None:
    path = f"/tenants/{district.ours.id}/suspend"
    stranger = district.post(path, json=REASON, tenancy=district.theirs)
    assert (stranger.status_code, stranger.json()["code"]) == (403, "not_operator")
    for person in ("school_leader", "integration", "dpo", "auditor"):
        assert district.post(path, person, json=REASON).status_code == 403
    district.app.state.parts = replace(district.app.state.parts, operator_tenant=None)
    unnamed = district.post("/tenants", json={"key": "nobody", "name": "N"})
    assert (unnamed.status_code, unnamed.json()["code"]) == (403, "not_operator")


def test_the_operator_does_not_lock_themself_out(district: District) -> None:
    own = district.post(f"/tenants/{district.ours.id}/suspend", json=REASON)
    assert (own.status_code, own.json()["code"]) == (409, "own_tenant")
    assert district.post(f"/tenants/{uuid4()}/suspend", json=REASON).status_code == 404


def test_an_operator_reads_no_row_of_another_tenant(district: District) -> None:
    tenant = made(district, administrator={"subject": "somebody", "display_name": "Canary Person"})
    district.post(f"/tenants/{tenant['id']}/suspend", json=REASON)

    async def people() -> list[str]:
        async with district.sessions.tenant(district.ours.id) as session:
            return list(await session.scalars(select(Person.display_name)))

    assert "Canary Person" not in district.run(people())


@pytest.mark.parametrize("wrong", [{"key": "No Spaces"}, {"country": "GBR"}, {"timezone": "Europe/Londom"}])
def test_a_wrong_value_is_named(district: District, wrong: dict[str, str]) -> None:
    answer = district.post("/tenants", json={"key": "fine", "name": "N", **wrong})
    assert answer.status_code == 422
    assert any(next(iter(wrong)) in place for place in answer.json()["fields"])
