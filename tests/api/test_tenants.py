"""A tenant's settings over HTTP: read, replaced by one at a time, audited, closed to everybody else."""

from typing import Any

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.people import School
from tests.api.district import District

pytestmark = pytest.mark.servers


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
