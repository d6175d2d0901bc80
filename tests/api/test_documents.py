"""Letters and meetings through the API, with the real store behind them."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from rules.letters.templates import starter_template
from tests.api.district import District
from tests.api.papers import stored
from tests.servers.kinds import Store

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def papers(district: District, s3: Store) -> Iterator[District]:
    """The district with a store, and one approved template."""
    with stored(district, s3):
        approve_letter(district)
        yield district


def approve_letter(district: District, key: str = "LETTER_1_ATTENDANCE") -> str:
    starter = starter_template(key)
    source = {"title": starter.title, "subject": starter.subject, "body": starter.body, "state": "source"}
    why = {"reason": "For the autumn term."}
    body = {"key": starter.key, "purpose": "supportive", "text": {"language": "en", "texts": {"en": source}}, **why}
    version_id: str = district.post("/letters/templates", json=body).json()["version"]["id"]
    for step, person in (("submit", "district_admin"), ("approve", "district_admin-2")):
        assert district.post(f"/letters/templates/{version_id}/{step}", person, json=why).status_code == 200
    return version_id


def generated(papers: District, person: str = "attendance_officer", **changes: Any) -> Any:
    body = {
        "student_id": str(papers.ours.students["ann"]),
        "school_id": str(papers.ours.schools["oak"]),
        "guardian_id": str(papers.ours.guardians["ann"]),
        "template": "LETTER_1_ATTENDANCE",
        "values": VALUES,
    }
    return papers.post("/letters/generate", person, json={**body, **changes})


VALUES = {
    "absence_days": "5 days",
    "absence_dates": ["2026-11-03"],
    "period_start": "2026-10-20",
    "period_end": "2026-11-18",
}


def test_a_letter_is_stored_downloaded_and_verified(papers: District) -> None:
    answer = generated(papers)
    assert answer.status_code == 201, answer.text
    stored = answer.json()
    path = f"/letters/artifacts/{stored['id']}"
    document = papers.get(path, "attendance_officer")
    assert document.headers["content-type"] == "application/pdf"
    assert sha256(document.content).hexdigest() == stored["sha256"]
    assert stored["id"] in document.headers["Content-Disposition"]
    assert papers.get(f"{path}/verification", "dpo").json()["verified"] is True
    listed = papers.get(f"/letters/artifacts?student_id={papers.ours.students['ann']}").json()["items"]
    assert [one["id"] for one in listed] == [stored["id"]]


def test_a_letter_of_another_school_or_tenant_is_out_of_reach(papers: District) -> None:
    path = f"/letters/artifacts/{generated(papers).json()['id']}"
    assert papers.get(path, "attendance_officer-elm").status_code == 403
    assert papers.get(path, tenancy=papers.theirs).status_code == 404
    assert papers.get(f"{path}/verification", tenancy=papers.theirs).status_code == 404
    assert papers.get(path, "teacher").status_code == 403


def test_a_guardian_without_a_link_gets_no_letter(papers: District) -> None:
    answer = generated(papers, guardian_id=str(papers.ours.guardians["cat"]))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_entitled")


def test_a_template_is_drawn_for_a_look_and_nothing_is_stored(papers: District) -> None:
    version_id = approve_letter(papers)
    before = len(papers.get("/letters/artifacts").json()["items"])
    answer = papers.post(f"/letters/templates/{version_id}/preview", json={})
    assert answer.content.startswith(b"%PDF")
    assert len(papers.get("/letters/artifacts").json()["items"]) == before
    missing = papers.post(f"/letters/templates/{version_id}/preview", json={"language": "ga"})
    assert (missing.status_code, missing.json()["code"]) == (422, "no_translation")
    wrong = papers.post(f"/letters/templates/{version_id}/preview", json={"values": {"period_start": "soon"}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "merge_data_invalid")


def test_without_a_store_letters_say_so(papers: District) -> None:
    parts = papers.app.state.parts
    papers.app.state.parts = replace(parts, means=None)
    answer = generated(papers)
    papers.app.state.parts = parts
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")


def booking(district: District, hour: int, **changes: Any) -> dict[str, Any]:
    return {
        "student_id": str(district.ours.students["ann"]),
        "school_id": str(district.ours.schools["oak"]),
        "starts_at": f"2026-12-01T{hour:02d}:00:00Z",
        "ends_at": f"2026-12-01T{hour:02d}:30:00Z",
        **changes,
    }


def test_a_meeting_is_booked_moved_and_never_twice_at_one_time(district: District) -> None:
    made = district.post("/meetings", "attendance_officer", json=booking(district, 10)).json()
    assert made["status"] == "SCHEDULED"
    other = booking(district, 10, student_id=str(district.ours.students["bob"]))
    taken = district.post("/meetings", "attendance_officer", json=other)
    assert (taken.status_code, taken.json()["code"]) == (409, "double_booking")
    path = f"/meetings/{made['id']}"
    later = {"starts_at": "2026-12-01T12:00:00Z", "ends_at": "2026-12-01T12:30:00Z"}
    tag = district.get(path, "attendance_officer").headers["ETag"]
    headers = {"If-Match": tag, "Idempotency-Key": str(uuid4())}
    silent = district.put(path, "attendance_officer", json=later, headers=headers)
    assert (silent.status_code, silent.json()["code"]) == (422, "reason_missing")
    assert district.get(path, "attendance_officer").headers["ETag"] == tag, "nothing was changed"
    later["reason"] = "The family works mornings."
    moved = district.put(path, "attendance_officer", json=later, headers=headers).json()
    assert moved["meeting"]["starts_at"].startswith("2026-12-01T12:00")
    stale = {"If-Match": tag, "Idempotency-Key": str(uuid4())}
    assert district.put(path, "attendance_officer", json=later, headers=stale).status_code == 412
    assert district.post("/meetings", "attendance_officer", json=other).status_code == 201


def test_free_times_leave_out_what_is_taken(district: District) -> None:
    path = f"/meetings/slots?school_id={district.ours.schools['oak']}&student_id={district.ours.students['ann']}"
    spans = district.get(f"{path}&from=2026-12-03&to=2026-12-04", "attendance_officer").json()["items"]
    assert spans
    body = booking(district, 9, starts_at=spans[0]["starts_at"], ends_at=spans[0]["ends_at"])
    assert district.post("/meetings", "attendance_officer", json=body).status_code == 201
    again = district.get(f"{path}&from=2026-12-03&to=2026-12-04", "attendance_officer").json()["items"]
    assert spans[0] not in again
    too_long = district.get(f"{path}&from=2026-01-01&to=2026-12-04", "attendance_officer")
    assert (too_long.status_code, too_long.json()["code"]) == (422, "bad_span")


def test_a_meeting_of_another_school_or_tenant_is_out_of_reach(district: District) -> None:
    made = district.post("/meetings", json=booking(district, 16)).json()
    assert district.get(f"/meetings/{made['id']}", "attendance_officer-elm").status_code == 403
    assert district.get(f"/meetings/{made['id']}", tenancy=district.theirs).status_code == 404
    assert district.post("/meetings", "attendance_officer-elm", json=booking(district, 17)).status_code == 403


def test_a_meeting_of_no_walk_has_no_outcome(district: District) -> None:
    made = district.post("/meetings", json=booking(district, 18)).json()
    path = f"/meetings/{made['id']}"
    headers = {"If-Match": district.get(path).headers["ETag"], "Idempotency-Key": str(uuid4())}
    answer = district.put(path, json={"outcome": {"code": "RESOLVED"}}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "meeting_without_case")
    empty = district.put(path, json={}, headers=headers)
    assert (empty.status_code, empty.json()["code"]) == (422, "nothing_to_change")
