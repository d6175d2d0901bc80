"""Staff through the API: added, given roles and reach, refused where a provider or the person themself would decide."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from models.guardians import GuardianLink
from tests.api.district import District

pytestmark = pytest.mark.servers


def newcomer(district: District, **fields: Any) -> dict[str, Any]:
    subject = f"attendance_officer-{uuid4().hex[:8]}"
    answer = district.post("/people", json={"subject": subject, "display_name": "New Person", **fields})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def give(district: District, person_id: str, **held: Any) -> Any:
    wanted = {"roles": [{"role": "attendance_officer"}], "reason": "Joined the office.", **held}
    answer = district.get(f"/people/{person_id}/roles")
    headers = {"If-Match": answer.headers["ETag"]}
    return district.put(f"/people/{person_id}/roles", json=wanted, headers=headers)


def test_a_person_reaches_nothing_until_they_are_given_roles_and_loses_what_is_taken(district: District) -> None:
    person = newcomer(district)
    assert district.get("/students", person["subject"]).json()["code"] == "person_unknown"
    given = give(district, person["id"], school_ids=[str(district.ours.schools["oak"])])
    assert given.status_code == 200
    names = {one["source_id"] for one in district.get("/students", person["subject"]).json()["items"]}
    assert {"ann", "bob"} <= names
    assert "cat" not in names
    assert give(district, person["id"], roles=[]).status_code == 200
    assert district.get("/students", person["subject"]).status_code == 401


def test_the_same_subject_is_one_person(district: District) -> None:
    person = newcomer(district)
    again = district.post("/people", json={"subject": person["subject"], "display_name": "Another"})
    assert (again.status_code, again.json()["code"]) == (409, "person_exists")


def test_nobody_changes_their_own_roles(district: District) -> None:
    mine = str(district.ours.people["district_admin"])
    answer = give(district, mine, roles=[{"role": "district_admin", "all_schools": True}])
    assert (answer.status_code, answer.json()["code"]) == (403, "own_roles")


def test_kin_declared_by_an_administrator_close_the_record(district: District) -> None:
    person = newcomer(district)
    ann = str(district.ours.students["ann"])
    held = {"school_ids": [str(district.ours.schools["oak"])]}
    assert give(district, person["id"], **held).status_code == 200
    assert district.get(f"/students/{ann}", person["subject"]).status_code == 200
    assert give(district, person["id"], **held, kin=[{"student_id": ann, "relation": "RELATIVE"}]).status_code == 200
    refused = district.get(f"/students/{ann}", person["subject"])
    assert (refused.status_code, refused.json()["code"]) == (403, "relative")


def test_an_outside_helper_reaches_the_named_child_until_the_end(district: District) -> None:
    subject = f"external-{uuid4().hex[:8]}"
    person = district.post("/people", json={"subject": subject, "display_name": "Helper"}).json()
    ann, bob = (str(district.ours.students[name]) for name in ("ann", "bob"))
    case = {"student_id": ann, "kind": "CASE", "starts_on": "2026-11-01", "ends_on": "2026-12-01"}
    role = {"role": "external", "ends_on": "2026-12-01"}
    assert give(district, person["id"], roles=[role], students=[case]).status_code == 200
    assert district.get(f"/students/{ann}", subject).status_code == 200
    assert district.get(f"/students/{bob}", subject).status_code == 403
    over = {**case, "ends_on": "2026-11-19"}
    assert give(district, person["id"], roles=[role], students=[over]).status_code == 200
    assert district.get(f"/students/{ann}", subject).status_code == 403


def test_a_guardian_who_signs_in_reaches_the_own_child_and_no_other(district: District) -> None:
    subject = f"guardian-{uuid4().hex[:8]}"
    person = district.post("/people", json={"subject": subject, "display_name": "A parent"}).json()
    ann, bob = (str(district.ours.students[name]) for name in ("ann", "bob"))
    parent = district.ours.guardians["ann"]

    async def portal_opened() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            links = update(GuardianLink).where(GuardianLink.guardian_id == parent)
            await session.execute(links.values(may_use_portal=True))

    district.run(portal_opened())
    held: dict[str, Any] = {"roles": [{"role": "guardian"}], "guardian_id": str(parent)}
    given = give(district, person["id"], **held)
    assert (given.status_code, given.json()["guardian_id"]) == (200, str(parent))
    assert district.get(f"/students/{ann}/record", subject).status_code == 200
    assert district.get(f"/students/{bob}/record", subject).status_code == 403
    assert give(district, person["id"], roles=[]).json()["guardian_id"] is None
    assert district.get(f"/students/{ann}/record", subject).status_code == 401


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"roles": [{"role": "guardian"}]}, "guardian_id is missing"),
        ({"guardian_id": str(UUID(int=7))}, "goes with the role guardian"),
        ({"roles": [{"role": "guardian"}], "guardian_id": str(UUID(int=7))}, "not here"),
        ({"roles": [{"role": "external"}]}, "ends_on is missing"),
        ({"roles": [{"role": "teacher", "starts_on": "2026-12-01", "ends_on": "2026-11-01"}]}, "ends_on is before"),
        ({"roles": [{"role": "teacher"}, {"role": "teacher"}]}, "listed twice"),
        ({"school_ids": [str(UUID(int=7))]}, "not here"),
        ({"kin": [{"student_id": str(UUID(int=7)), "relation": "GUARDIAN"}]}, "not here"),
    ],
)
def test_what_cannot_be_held_is_refused_by_name(district: District, held: dict[str, Any], said: str) -> None:
    person = newcomer(district)
    answer = give(district, person["id"], **held)
    assert answer.status_code == 422
    assert said in answer.text
    assert district.get(f"/people/{person['id']}/roles").json()["roles"] == []


def test_roles_that_a_provider_gives_are_not_given_by_hand(district: District) -> None:
    person = newcomer(district)
    path = f"/tenants/{district.ours.id}/settings"
    before = district.get(path).json()["settings"]

    def settle(roles_from: str) -> int:
        settings = {**before, "auth": {**before.get("auth", {}), "roles_from": roles_from}}
        return district.change(path, {"settings": settings, "reason": "Groups decide."}).status_code

    assert settle("claims") == 200
    refused = give(district, person["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "roles_from_claims")
    kin = [{"student_id": str(district.ours.students["ann"]), "relation": "GUARDIAN"}]
    assert give(district, person["id"], roles=[], kin=kin).status_code == 200
    assert settle("handrail") == 200


def test_colleagues_see_who_works_at_their_school_and_no_account(district: District) -> None:
    answer = district.get("/people?limit=200", "attendance_officer")
    ids = {one["id"] for one in answer.json()["items"]}
    assert str(district.ours.people["attendance_officer-2"]) in ids
    assert str(district.ours.people["attendance_officer-elm"]) not in ids
    assert "subject" not in answer.json()["items"][0]
    everywhere = {one["id"] for one in district.get("/people?limit=200").json()["items"]}
    assert str(district.ours.people["attendance_officer-elm"]) in everywhere
    leaders = district.get("/people?role=school_leader&limit=200").json()["items"]
    assert leaders
    assert all("school_leader" in {held["role"] for held in one["roles"]} for one in leaders)
