"""A student goes to another school while their case is open: both schools read, the receiving leader chooses."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from models.instances import Instance
from models.students import Student
from tests.live.town import ADMIN, LEADER, OFFICER, Town, today

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("live")]
WHY = "We have spoken with the family."
ELM_LEADER, ELM_OFFICER = "school_leader-elm", "attendance_officer-elm"


def goes_to_elm(town: Town, walk: str) -> None:
    """The register says so by event: at Oak until yesterday, at Elm from today on."""
    row = town.rows(Instance, Instance.id == UUID(walk))[0]
    student = town.rows(Student, Student.id == row.student_id)[0]
    begun = town.ours.enrolled_on.isoformat()
    spans = {
        "oak": {"start_date": begun, "end_date": (today() - timedelta(days=1)).isoformat()},
        "elm": {"start_date": today().isoformat()},
    }
    sent = [_event(student.source_id, school, span) for school, span in spans.items()]
    answer = town.district.post("/events/inbound", ADMIN, json=sent)
    assert [one["result"] for one in answer.json()["results"]] == ["applied", "applied"], answer.text


def _event(student: str, school: str, span: dict[str, str]) -> dict[str, Any]:
    data = {"student_id": student, "school_id": school, "spans": [span]}
    head = {"specversion": "1.0", "id": uuid4().hex, "source": "https://mis.example.org"}
    return {**head, "type": "org.handrail.inbound.EnrolmentChanged.v1", "time": "2026-11-20T09:00:00Z", "data": data}


def test_the_receiving_leader_takes_the_case(town: Town) -> None:
    walk = town.take()
    path = f"/interventions/instances/{walk}"
    assert town.district.get(f"{path}/handover", LEADER).json()["code"] == "handover_not_found"
    goes_to_elm(town, walk)
    town.stands(walk, "TRANSFER_PENDING")

    def ask() -> httpx.Response:
        return town.district.get(f"{path}/handover", OFFICER)

    page = town.until(ask, lambda answer: answer.is_success, "the handover").json()
    assert (page["from_school"], page["to_school"], page["status"]) == ("Oak School", "Elm School", "PENDING")
    assert page["choices"] == ["CONTINUE", "SUPPORT_ONLY", "CLOSE"]
    assert town.district.get(f"{path}/handover", ELM_OFFICER).json()["id"] == page["id"]
    body = {"choice": "CONTINUE", "reason": WHY}
    assert town.say(walk, "transfer", LEADER, **body).json()["code"] == "other_school"
    assert town.say(walk, "transfer", ELM_OFFICER, **body).json()["code"] == "role_not_allowed"
    assert town.say(walk, "hold", OFFICER, reason=WHY).json()["code"] == "verb_not_allowed"
    told = town.said(walk, "transfer", "transfer_chosen", ELM_LEADER, **body)
    assert told["phase"] == "TRANSFER_PENDING"
    seen = town.stands(walk, "AWAITING_APPROVAL")
    assert seen["instance"]["lead_school_id"] == str(town.ours.schools["elm"])
    assert town.district.get(path, OFFICER).json()["code"] == "other_school", "it is theirs no more"
    settled = town.district.get(f"{path}/handover", OFFICER).json()
    assert (settled["status"], settled["choices"]) == ("CONTINUE", [])
    late = town.say(walk, "transfer", ELM_LEADER, choice="CLOSE", reason=WHY)
    assert late.json()["code"] == "transfer_settled"
    assert walk in town.queue(ELM_OFFICER)
    assert walk not in town.queue(OFFICER)
