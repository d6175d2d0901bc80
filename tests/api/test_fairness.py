"""The fairness page through the API: for whom it is, what it refuses, and that no attribute is shown of a student."""

from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from models.students import Student, StudentAttribute
from rules.access.permissions import GRANTS, Permission, Role
from tests.api.district import District
from tests.api.test_attendance import sent
from tests.api.viewed import recorded, viewed

pytestmark = pytest.mark.servers
MONTHS = {"from": "2026-09-01", "to": "2026-10-31"}
SAID = "Traveller of somewhere"
HEADER = "student_id,kind,value\r\n"


def asked(district: District, person: str = "dpo", **query: Any) -> httpx.Response:
    return district.get("/analytics/fairness", person, params={**MONTHS, **query})


def declared(district: District, **fairness: Any) -> httpx.Response:
    place = f"/tenants/{district.ours.id}/settings"
    now = district.get(place)
    settings = {**now.json()["settings"], "fairness": fairness, "schools": {}}
    body = {"settings": settings, "reason": "Agreed with the DPO."}
    return district.put(place, json=body, headers={"If-Match": now.headers["ETag"]})


def held(district: District) -> int:
    async def count() -> int:
        async with district.sessions.tenant(district.ours.id) as session:
            return await session.scalar(select(func.count()).select_from(StudentAttribute)) or 0

    return district.run(count())


def source_id(district: District) -> str:
    async def find() -> str:
        async with district.sessions.tenant(district.ours.id) as session:
            wanted = select(Student.source_id).where(Student.id == district.ours.students["ann"])
            return str(await session.scalar(wanted))

    return district.run(find())


@pytest.fixture(scope="module")
def told(district: District) -> str:
    """A feed said something of Ann."""
    answer = declared(district, kinds=["ethnicity"], assessment="DPIA 12")
    assert answer.status_code == 200, answer.text
    report = sent(
        district, f"{HEADER}{source_id(district)},ethnicity,{SAID}\r\n".encode(), **{"as": "student_attributes"}
    )
    assert (report.status_code, report.json()["run"]["rows_accepted"]) == (201, 1), report.text
    assert SAID not in report.text
    assert held(district) == 1
    return SAID


def test_the_page_counts_and_names_nobody(district: District, told: str) -> None:
    answer = asked(district)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["from_date"], body["to_date"], body["school_id"]) == ("2026-09-01", "2026-10-31", None)
    hidden = dict.fromkeys(("students", "percent", "ratio", "low", "high"))
    assert body["everybody"]["students"] is None, "fewer than ten are on roll"
    assert set(body["everybody"]["shares"]) >= {"ENTERED", "PROPOSED", "VETOED", "LETTER", "EXITED"}
    for kind in body["kinds"]:
        for group in kind["groups"]:
            assert group["students"] is None
            assert all(share == hidden for share in group["shares"].values())
    assert viewed(district, answer) == set()


def test_who_looked_at_which_months_stands_in_the_audit(district: District) -> None:
    oak = district.ours.schools["oak"]
    answer = asked(district, "school_leader", school_id=str(oak))
    (entry,) = recorded(district, answer.headers["X-Request-Id"])
    assert (entry.verb, entry.subject_kind, entry.subject_id) == ("read_fairness", "school", oak)
    assert set(entry.fields) == {"first", "last"}


@pytest.mark.parametrize("role", sorted(GRANTS[Permission.FAIRNESS_READ]))
def test_it_is_for_those_who_can_put_it_right_and_those_who_answer_for_it(district: District, role: Role) -> None:
    oak = {"school_id": str(district.ours.schools["oak"])}
    assert asked(district, role.value, **oak).status_code == 200


@pytest.mark.parametrize(
    "person", ["attendance_officer", "teacher", "specialist", "safeguarding_lead", "integration", "guardian"]
)
def test_it_is_not_for_everybody(district: District, person: str) -> None:
    assert asked(district, person).json()["code"] == "role_not_allowed"


def test_people_of_one_school_see_their_own(district: District) -> None:
    oak = {"school_id": str(district.ours.schools["oak"])}
    assert asked(district, "school_leader-elm", **oak).json()["code"] == "other_school"
    assert asked(district, "school_leader").json()["code"] == "whole_tenant"
    assert asked(district, "inclusion_lead").json()["code"] == "whole_tenant"


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"from": "2026-09-02"}, "query.from"),
        ({"to": "2026-10-30"}, "query.to"),
        ({"to": "2026-11-30"}, "query.to"),
        ({"from": "2025-01-01"}, "query.to"),
    ],
)
def test_other_days_than_whole_months_are_refused(district: District, wrong: dict[str, str], place: str) -> None:
    answer = asked(district, **wrong)
    assert (answer.status_code, answer.json()["code"], list(answer.json()["fields"])) == (422, "bad_span", [place])


@pytest.mark.parametrize("fairness", [{"kinds": ["sex"]}, {"kinds": ["star_sign"], "assessment": "DPIA 12"}])
def test_kinds_need_an_assessment_and_to_be_known(district: District, fairness: dict[str, Any]) -> None:
    assert declared(district, **fairness).status_code == 422


def test_an_attribute_is_shown_of_no_student(district: District, told: str) -> None:
    ann = district.ours.students["ann"]
    record = [
        f"/students/{ann}",
        f"/students/{ann}/record",
        "/students",
        "/attendance/imports",
        "/attendance/quarantine",
    ]
    for path in record:
        for role in Role:
            answer = district.get(path, role.value)
            assert told not in answer.text, (path, role)
    assert district.get(f"/students/{ann}").status_code == 200


def test_what_it_was_held_for_ended_and_it_is_gone(district: District, told: str) -> None:
    assert declared(district).status_code == 200
    assert held(district) == 0
