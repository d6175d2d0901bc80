"""An authority's history of each guardian through the API: who reads, records and confirms, and what is refused."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.district import District
from tests.api.test_cases import audited
from tests.api.viewed import viewed

pytestmark = pytest.mark.servers
NOTICE = {"kind": "penalty_notice", "on": "2025-03-14", "reference": "PN-1", "withdrawn": False}
WHY = {"reason": "Asked before the referral."}


def path(district: District, name: str = "ann", whose: str = "ann") -> str:
    return f"/students/{district.ours.students[name]}/guardians/{district.ours.guardians[whose]}/prior-events"


def recorded(district: District, person: str, *events: dict[str, Any], **more: Any) -> httpx.Response:
    tag = district.get(path(district), "district_admin").headers["ETag"]
    body = {"events": list(events), "source": "The authority's letter", "checked_on": "2026-11-18", **WHY, **more}
    return district.put(path(district), person, json=body, headers={"If-Match": tag})


def confirmed(district: District, person: str) -> httpx.Response:
    return district.post(f"{path(district)}/confirm", person, json=WHY)


def test_it_counts_once_a_second_person_has_confirmed_it(district: District) -> None:
    answer = recorded(district, "school_leader", NOTICE, {**NOTICE, "reference": "PN-2", "withdrawn": True})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["confirmed"], answer.json()["penalty_notices"]) == (False, None), "unknown is not none"
    assert confirmed(district, "school_leader").json()["code"] == "four_eyes"
    done = confirmed(district, "school_leader-2")
    assert (done.status_code, done.json()["confirmed"], done.json()["penalty_notices"]) == (200, True, 1), done.text
    assert confirmed(district, "school_leader-2").json()["code"] == "nothing_to_confirm"
    listed = district.get(f"/students/{district.ours.students['ann']}/prior-events", "attendance_officer")
    mine = {one["guardian_id"]: one for one in listed.json()["items"]}[str(district.ours.guardians["ann"])]
    assert [one["reference"] for one in mine["events"]] == ["PN-1", "PN-2"]
    assert viewed(district, listed) == {district.ours.students["ann"]}
    for verb in ("record_guardian_history", "confirm_guardian_history"):
        assert [one.reason for one in audited(district, verb)] == [WHY["reason"]]
    again = recorded(district, "attendance_officer")
    assert (again.json()["confirmed"], again.json()["events"]) == (False, []), "a new history waits anew"


def test_who_may_not(district: District) -> None:
    for person in ("specialist", "dpo", "teacher", "guardian"):
        body = {"events": [], "source": "s", "checked_on": "2026-11-18", **WHY}
        answer = district.put(path(district), person, json=body, headers={"If-Match": "*"})
        assert answer.json()["code"] == "role_not_allowed", person
    assert confirmed(district, "attendance_officer").json()["code"] == "role_not_allowed"
    assert district.get(path(district), "teacher").json()["code"] == "role_not_allowed"
    assert district.get(path(district, "cat", "cat"), "school_leader").json()["code"] == "other_school"


def test_what_is_refused_says_where(district: District) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"events": [{**NOTICE, "on": "2026-11-19"}]}, "body.events[0].on"),
        ({"events": [], "checked_on": "2027-01-01"}, "body.checked_on"),
        ({"events": [{**NOTICE, "kind": "Penalty!"}]}, "body.events"),
        ({"events": [], "source": ""}, "body.source"),
    ]
    for body, place in wrong:
        answer = recorded(district, "school_leader", **body)
        assert answer.status_code == 422, answer.text
        assert place in "".join(answer.json()["fields"]), answer.text
    elsewhere = path(district, "ann", "cat")
    tag = district.get(elsewhere, "district_admin").headers["ETag"]
    body = {"events": [], "source": "s", "checked_on": "2026-11-18", **WHY}
    answer = district.put(elsewhere, "district_admin", json=body, headers={"If-Match": tag})
    assert answer.json()["code"] == "not_their_guardian"
    nobody = f"/students/{district.ours.students['ann']}/guardians/{uuid4()}/prior-events"
    assert district.get(nobody, "school_leader").json()["code"] == "guardian_not_found"
    assert district.put(path(district), "school_leader", json=body).status_code == 428
    stale = district.put(path(district), "school_leader", json=body, headers={"If-Match": '"old"'})
    assert stale.status_code == 412
