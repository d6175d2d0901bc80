"""Schools, students and guardians through the API."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.district import District

pytestmark = pytest.mark.servers


def link(district: District, name: str) -> str:
    return f"/students/{district.ours.students[name]}/guardians/{district.ours.guardians[name]}"


def put_link(district: District, name: str, **fields: Any) -> Any:
    shown = district.get(link(district, name)).json()["link"]
    wanted = {**shown, "reason": "Seen the papers.", **fields}
    return district.change(link(district, name), wanted, "attendance_officer")


def test_a_school_bound_person_sees_their_own_schools_only(district: District) -> None:
    assert [s["name"] for s in district.get("/schools", "attendance_officer").json()["items"]] == ["Oak School"]
    assert [s["name"] for s in district.get("/schools").json()["items"]] == ["Elm School", "Oak School"]


def test_students_come_in_pages_by_name(district: District) -> None:
    first = district.get("/students?limit=3").json()
    rest = district.get(f"/students?limit=3&cursor={first['next_cursor']}").json()
    assert [s["first_name"] for s in first["items"] + rest["items"]] == ["Ann", "Bob", "Cat", "Dan"]
    assert rest["next_cursor"] is None


def test_students_are_found_by_the_beginning_of_a_name(district: District) -> None:
    assert [s["source_id"] for s in district.get("/students?search=CA").json()["items"]] == ["cat"]
    assert district.get("/students", params={"search": "%"}).json()["items"] == []


@pytest.mark.parametrize("cursor", ["@@@", "bm90IGpzb24=", "WyJhIl0=", "WyJhIiwiYiIsIm5vdC1hbi1pZCJd", "eyJhIjoxfQ=="])
def test_a_cursor_of_another_list_is_refused(district: District, cursor: str) -> None:
    answer = district.get(f"/students?cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


@pytest.mark.parametrize("limit", ["0", "201", "many"])
def test_a_page_size_outside_the_limits_is_refused(district: District, limit: str) -> None:
    answer = district.get(f"/students?limit={limit}")
    assert answer.status_code == 422
    assert "query.limit" in answer.json()["fields"]


def test_a_teacher_without_a_class_sees_no_student(district: District) -> None:
    assert district.get("/students", "teacher").json()["items"] == []
    answer = district.get(f"/students/{district.ours.students['ann']}", "teacher")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_own_student")


def test_a_care_flag_shows_as_a_second_look_and_never_by_its_kind(district: District) -> None:
    answer = district.get(f"/students/{district.ours.students['dan']}", "attendance_officer")
    assert answer.json()["second_look"] is True
    assert "SOCIAL_WORKER" not in answer.text


def test_another_schools_student_is_out_of_reach(district: District) -> None:
    answer = district.get(f"/students/{district.ours.students['cat']}", "attendance_officer")
    assert (answer.status_code, answer.json()["code"]) == (403, "other_school")
    listed = district.get("/students", "attendance_officer").json()["items"]
    assert "cat" not in {student["source_id"] for student in listed}


@pytest.mark.parametrize("path", ["/students/{0}", "/students/{0}/guardians", "/students/{0}/exemptions"])
def test_another_tenants_student_does_not_exist(district: District, path: str) -> None:
    foreign = district.theirs.students["ann"]
    assert district.get(path.format(foreign)).status_code == 404
    assert district.get(path.format(foreign), tenancy=district.theirs).status_code == 200


def test_a_narrower_link_holds_at_once(district: District) -> None:
    answer = put_link(district, "ann", may_receive_letters=False)
    assert answer.status_code == 200
    assert answer.json()["link"]["may_receive_letters"] is False
    assert answer.json()["waiting"] is None


def test_a_wider_link_waits_for_a_second_person(district: District) -> None:
    proposed = put_link(district, "bob", may_use_portal=True, priority=2).json()
    assert proposed["link"]["may_use_portal"] is None
    assert proposed["link"]["priority"] == 2
    assert proposed["widens"] == ["may_use_portal"]
    confirm = f"{link(district, 'bob')}/confirm"
    reason = {"reason": "Form checked."}
    assert district.post(confirm, "attendance_officer", json=reason).status_code == 403
    agreed = district.post(confirm, "school_leader", json=reason).json()
    assert agreed["link"]["may_use_portal"] is True
    assert agreed["waiting"] is None
    again = district.post(confirm, "school_leader", json=reason)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_confirm")


def test_whoever_proposed_a_widening_cannot_confirm_it(district: District) -> None:
    path = link(district, "dan")
    shown = district.get(path).json()["link"]
    district.change(path, {**shown, "may_attend_meetings": True, "reason": "Asked for it."}, "school_leader")
    answer = district.post(f"{path}/confirm", "school_leader", json={"reason": "ok"})
    assert (answer.status_code, answer.json()["code"]) == (403, "four_eyes")
    assert district.post(f"{path}/confirm", "school_leader-2", json={"reason": "ok"}).status_code == 200


def test_a_new_link_reveals_nothing_until_it_is_confirmed(district: District) -> None:
    path = f"/students/{district.ours.students['ann']}/guardians/{district.ours.guardians['bob']}"
    answer = district.change(path, {"relationship": "AUNT", "may_receive_letters": True, "reason": "New carer."})
    assert answer.json()["link"]["may_receive_letters"] is None
    assert answer.json()["waiting"]["may_receive_letters"] is True


def test_a_confidential_address_is_hidden_from_most(district: District) -> None:
    path = f"/students/{district.ours.students['cat']}/guardians/{district.ours.guardians['cat']}"
    shown = district.get(path).json()["link"]
    district.change(path, {**shown, "address_confidential": True, "reason": "Refuge."})
    assert district.get(path, "attendance_officer-elm").json()["address"] is None


def test_an_edit_says_which_state_it_rests_on(district: District) -> None:
    body = {"relationship": "MOTHER", "reason": "x"}
    missing = district.put(link(district, "ann"), json=body)
    assert (missing.status_code, missing.json()["code"]) == (428, "if_match_missing")
    stale = district.put(link(district, "ann"), json=body, headers={"If-Match": '"0"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    assert "link" in stale.json()["current"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": "x", "may_recieve_letters": True}, "body.may_recieve_letters"),
        ({"reason": "   "}, "body.reason"),
        ({}, "body.reason"),
        ({"reason": "x", "priority": 0}, "body.priority"),
        ({"reason": "x", "contact_via": "pigeon"}, "body.contact_via"),
        ({"reason": "x", "order_from": "yesterday"}, "body.order_from"),
    ],
)
def test_a_wrong_field_is_named(district: District, body: dict[str, Any], field: str) -> None:
    answer = district.put(link(district, "ann"), json=body, headers={"If-Match": '"0"'})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert field in answer.json()["fields"]


def test_a_guardian_nobody_knows_is_not_found(district: District) -> None:
    answer = district.get(f"/students/{district.ours.students['ann']}/guardians/{uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "guardian_not_found")
