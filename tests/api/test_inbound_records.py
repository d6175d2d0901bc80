"""What other systems told of students and schools is read by those who may, and whoever reads it saw the child."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from models.students import Student
from rules.access.permissions import GRANTS, Permission, Role
from tests.api.district import District
from tests.api.test_inbound import event
from tests.api.viewed import viewed

pytestmark = pytest.mark.servers
MAY_PREDICT = {"district_admin", "school_leader", "specialist", "safeguarding_lead", "inclusion_lead", "dpo"}


@pytest.fixture
def child(district: District) -> tuple[UUID, str]:
    """A student of Oak School and the source's id of them."""
    student_id = district.run(district.newcomer())

    async def named() -> str:
        async with district.sessions.tenant(district.ours.id) as session:
            return (await session.get_one(Student, student_id)).source_id

    return student_id, district.run(named())


def told(district: District, kind: str, *data: dict[str, Any]) -> None:
    sent = [event(type=f"org.handrail.inbound.{kind}.v1", data=one) for one in data]
    results = district.post("/events/inbound", "integration", json=sent).json()["results"]
    assert [one["result"] for one in results] == ["applied"] * len(sent), results


def behaviour(source: str, hour: int, **more: Any) -> dict[str, Any]:
    at = f"2026-11-20T{hour:02}:00:00Z"
    return {"record_id": uuid4().hex, "student_id": source, "school_id": "oak", "occurred_at": at, **more}


def section(name: str, students: Sequence[str], **more: Any) -> dict[str, Any]:
    week = [
        {"weekday": 3, "starts": "11:00:00", "ends": "12:00:00", "room": None},
        {"weekday": 1, "starts": "09:00:00", "ends": "10:00:00", "room": "12"},
    ]
    own = {"section_id": uuid4().hex, "school_id": "oak", "name": name, "valid_from": "2026-09-01", "meetings": week}
    return {**own, "staff_ids": ["T-2", "T-1"], "student_ids": list(students), **more}


def test_behaviour_is_listed_and_what_was_taken_back_only_when_asked_for(
    district: District, child: tuple[UUID, str]
) -> None:
    student_id, source = child
    late = behaviour(source, 9, category="LATE", severity=2, points=-1)
    told(district, "BehaviourRecorded", behaviour(source, 10, category="HELPED"), late)
    told(district, "BehaviourRecorded", behaviour(source, 8, category="FIGHT", withdrawn=True))
    path = f"/students/{student_id}/behaviour"
    answer = district.get(path, "school_leader")
    first, second = answer.json()["items"]
    assert (first["category"], first["severity"], first["points"], first["withdrawn"]) == ("LATE", 2, -1, False)
    assert (second["category"], second["severity"], second["points"]) == ("HELPED", None, None)
    assert viewed(district, answer) == {student_id}
    everything = district.get(f"{path}?withdrawn=true", "dpo").json()["items"]
    assert (everything[0]["category"], everything[0]["withdrawn"]) == ("FIGHT", True)
    page = district.get(f"{path}?limit=1").json()
    rest = district.get(f"{path}?cursor={page['next_cursor']}").json()
    assert [one["category"] for one in page["items"] + rest["items"]] == ["LATE", "HELPED"]


def test_a_score_is_for_those_who_plan_support(district: District, child: tuple[UUID, str]) -> None:
    student_id, source = child
    score = {"student_id": source, "model": "risk", "model_version": "1", "band": "HIGH", "horizon_days": 30}
    times = ("2026-11-20T05:00:00Z", "2026-11-19T05:00:00Z")
    told(
        district,
        "RiskPredicted",
        *({**score, "score": f"0.{n}125", "predicted_at": at} for n, at in enumerate(times, 1)),
    )
    path = f"/students/{student_id}/predictions"
    for role in Role:
        answer = district.get(path, role.value)
        assert answer.status_code == (200 if role.value in MAY_PREDICT else 403), role
    answer = district.get(path, "specialist")
    assert [one["score"] for one in answer.json()["items"]] == ["0.21250000", "0.11250000"]
    assert answer.json()["items"][0]["band"] == "HIGH"
    assert viewed(district, answer) == {student_id}
    assert {role.value for role in GRANTS[Permission.PREDICTION_READ]} == MAY_PREDICT


def test_a_timetable_of_a_school_names_no_student_and_a_students_own_is_a_view(
    district: District, child: tuple[UUID, str]
) -> None:
    student_id, source = child
    mine, gone = section("0 Maths", [source, "bob"], course="Maths"), section("0 Latin", [source], removed=True)
    told(district, "SectionChanged", mine, section("1 Art", ["bob"]), gone)
    oak = district.ours.schools["oak"]
    answer = district.get(f"/schools/{oak}/sections?limit=200", "attendance_officer")
    listed = {one["name"]: one for one in answer.json()["items"]}
    assert {"0 Maths", "1 Art"} <= listed.keys()
    assert "0 Latin" not in listed
    maths = listed["0 Maths"]
    assert (maths["students"], maths["staff_keys"], maths["course"]) == (2, ["T-1", "T-2"], "Maths")
    assert [(one["weekday"], one["starts"], one["room"]) for one in maths["meetings"]] == [
        (1, "09:00:00", "12"),
        (3, "11:00:00", None),
    ]
    assert str(student_id) not in answer.text
    assert viewed(district, answer) == set()
    own = district.get(f"/students/{student_id}/sections", "attendance_officer")
    assert [one["source_key"] for one in own.json()["items"]] == [mine["section_id"]]
    assert viewed(district, own) == {student_id}
    first = district.get(f"/schools/{oak}/sections?limit=1").json()
    assert len(first["items"]) == 1
    assert district.get(f"/schools/{oak}/sections?cursor={first['next_cursor']}").json()["items"]


def test_what_was_told_before_two_students_became_one_is_shown_of_the_one(
    district: District, child: tuple[UUID, str]
) -> None:
    former_id, source = child
    told(district, "BehaviourRecorded", behaviour(source, 9, category="LATE"))
    student_id = district.run(district.newcomer())

    async def merged() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            await session.execute(update(Student).where(Student.id == former_id).values(merged_into_id=student_id))

    district.run(merged())
    for asked in (former_id, student_id):
        assert len(district.get(f"/students/{asked}/behaviour").json()["items"]) == 1
