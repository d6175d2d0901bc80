"""Letter templates through the API: judged, approved by a second person, never changed afterwards."""

from typing import Any

import pytest

from rules.letters.templates import starter_template
from tests.api.district import District

pytestmark = pytest.mark.servers
WHY = {"reason": "For the autumn term."}
TEMPLATES = "/letters/templates"


def wording(body: str | None = None, **texts: Any) -> dict[str, Any]:
    starter = starter_template("LETTER_1_ATTENDANCE")
    source = {"title": starter.title, "subject": starter.subject, "body": body or starter.body, "state": "source"}
    return {"language": "en", "texts": {"en": source, **texts}}


def drafted(district: District, key: str, text: dict[str, Any] | None = None, **more: Any) -> Any:
    body = {"key": key, "purpose": "supportive", "text": text or wording(), **WHY, **more}
    return district.post(TEMPLATES, json=body)


def moved(district: District, version_id: str, *steps: tuple[str, str]) -> Any:
    for step, person in steps:
        answer = district.post(f"{TEMPLATES}/{version_id}/{step}", person, json=WHY)
        assert answer.status_code == 200, answer.text
    return answer.json()


APPROVED = (("submit", "district_admin"), ("approve", "district_admin-2"))


def test_a_wording_is_approved_by_a_second_person_and_replaces_the_one_before(district: District) -> None:
    first, second = drafted(district, "TWO_PEOPLE").json(), drafted(district, "TWO_PEOPLE").json()
    assert moved(district, first["version"]["id"], *APPROVED)["status"] == "APPROVED"
    assert moved(district, second["version"]["id"], *APPROVED)["version"] == 2
    states = {v["version"]: v["status"] for v in district.get(f"{TEMPLATES}?key=TWO_PEOPLE").json()["items"]}
    assert states == {1: "RETIRED", 2: "APPROVED"}
    assert moved(district, second["version"]["id"], ("retire", "district_admin"))["status"] == "RETIRED"


def test_the_author_cannot_approve(district: District) -> None:
    version_id = drafted(district, "OWN_WORK").json()["version"]["id"]
    moved(district, version_id, ("submit", "district_admin"))
    answer = district.post(f"{TEMPLATES}/{version_id}/approve", "district_admin", json=WHY)
    assert (answer.status_code, answer.json()["code"]) == (403, "four_eyes")


def test_harsh_words_keep_a_wording_from_approval(district: District) -> None:
    harsh = wording(wording()["texts"]["en"]["body"].replace("Kind regards", "This is a failure"))
    shown = drafted(district, "HARSH", harsh).json()
    assert "harsh_words" in {one["code"] for one in shown["findings"]}
    moved(district, shown["version"]["id"], APPROVED[0])
    answer = district.post(f"{TEMPLATES}/{shown['version']['id']}/approve", "district_admin-2", json=WHY)
    assert (answer.status_code, answer.json()["code"]) == (422, "template_refused")


def test_an_unknown_field_is_refused_with_its_place(district: District) -> None:
    answer = drafted(district, "UNKNOWN", wording("<p>{{ student_frist_name }}</p>"))
    assert (answer.status_code, answer.json()["code"]) == (422, "template_invalid")
    assert "student_frist_name" in str(answer.json()["fields"])


def test_a_subject_that_tells_too_much_is_refused(district: District) -> None:
    text = wording()
    text["texts"]["en"]["subject"] = "Attendance warning for {student_first_name}"
    answer = drafted(district, "TELLING", text)
    assert answer.status_code == 422
    assert "texts.en.subject" in answer.json()["fields"]


def test_a_machine_translation_carries_no_statutory_letter(district: District) -> None:
    irish = {"title": "Tinreamh", "body": wording()["texts"]["en"]["body"], "state": "machine"}
    shown = drafted(district, "LAW", wording(ga=irish), purpose="statutory").json()
    assert {one["code"] for one in shown["findings"] if one["blocking"]} == {"machine_translation"}
    supportive = drafted(district, "KIND", wording(ga=irish)).json()
    assert "machine_translation" not in {one["code"] for one in supportive["findings"] if one["blocking"]}


def test_a_draft_is_edited_and_a_submitted_wording_is_not(district: District) -> None:
    version_id = drafted(district, "EDITED").json()["version"]["id"]
    path = f"{TEMPLATES}/{version_id}"
    text = wording()
    text["texts"]["en"]["title"] = "A kinder title"
    answer = district.change(path, {"text": text, **WHY})
    assert answer.json()["text"]["texts"]["en"]["title"] == "A kinder title"
    moved(district, version_id, APPROVED[0])
    late = district.change(path, {"text": text, **WHY})
    assert (late.status_code, late.json()["code"]) == (409, "template_state")
    assert late.json()["present_status"] == "IN_REVIEW"


def test_a_school_has_its_own_wording_only_where_the_district_allows_it(district: District) -> None:
    drafted(district, "LOCKED")
    drafted(district, "OPEN", lock_scope="SCHOOL_OVERRIDE_ALLOWED")
    own = {"purpose": "supportive", "text": wording(), **WHY, "school_id": str(district.ours.schools["oak"])}
    refused = district.post(TEMPLATES, "school_leader", json={**own, "key": "LOCKED"})
    assert (refused.status_code, refused.json()["code"]) == (409, "template_locked")
    assert district.post(TEMPLATES, "school_leader", json={**own, "key": "OPEN"}).status_code == 201
    assert district.post(TEMPLATES, "school_leader-elm", json={**own, "key": "OPEN"}).status_code == 403
    district_text = {key: value for key, value in own.items() if key != "school_id"}
    assert district.post(TEMPLATES, "school_leader", json={**district_text, "key": "NEW"}).status_code == 403


def test_the_starters_can_be_copied(district: District) -> None:
    for starter in district.get(f"{TEMPLATES}/starters").json()["items"]:
        answer = drafted(district, starter["key"], starter["text"], purpose=starter["purpose"])
        assert answer.status_code == 201, answer.text
        assert not [one for one in answer.json()["findings"] if one["blocking"]]


def test_a_template_of_another_tenant_does_not_exist(district: District) -> None:
    version_id = drafted(district, "OURS").json()["version"]["id"]
    assert district.get(f"{TEMPLATES}/{version_id}", tenancy=district.theirs).status_code == 404
