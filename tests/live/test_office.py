"""What the office does beside the ladder, over HTTP, and what live cases make of it; and keys of dead commands."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from models.reliability import IdempotencyKey
from services import idempotency
from tests.live.town import LEADER, OFFICER, Town, past_days

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("live")]
WHY = "As agreed with the family."


def test_a_contact_stop_holds_the_walk_and_its_end_lets_it_go_on(town: Town) -> None:
    walk = town.take()
    student = town.seen(walk)["instance"]["student_id"]
    body = {"subject_kind": "STUDENT", "subject_id": student, "reason_code": "BEREAVEMENT"}
    stop = town.command("/contact-stops", body, OFFICER)
    assert stop.status_code == 201, stop.text
    assert len(town.audited("set_contact_stop", stop.json()["id"])) == 1
    assert town.stands(walk, "ON_HOLD")["hold_kind"] == "contact_stop"
    refused = town.say(walk, "resume", reason=WHY)
    assert (refused.status_code, refused.json()["code"]) == (409, "verb_not_allowed")
    lift = f"/contact-stops/{stop.json()['id']}"
    lifted = town.district.call("DELETE", lift, LEADER, params={"reason": WHY})
    assert lifted.status_code == 200, lifted.text
    town.happened(walk, "CONTACT_STOP_LIFTED")
    assert town.seen(walk)["instance"]["phase"] == "ON_HOLD", "a person looks at it first"
    assert town.said(walk, "resume", "resumed", reason=WHY)["phase"] != "ON_HOLD"
    town.stands(walk, "AWAITING_APPROVAL", "contact")


def test_an_accepted_reason_holds_the_walk_until_the_register_agrees(town: Town) -> None:
    walk = town.take()
    at = town.seen(walk)["instance"]
    day = past_days()[-1].isoformat()
    sessions = [{"date": day, "session": half} for half in ("AM", "PM")]
    reason = {"school_id": at["lead_school_id"], "sessions": sessions, "reason": "Stomach bug", "status": "ACCEPTED"}
    said = town.command(f"/students/{at['student_id']}/absence-reasons", reason, OFFICER)
    assert said.status_code == 201, said.text
    assert {one["status"] for one in said.json()["items"]} == {"ACCEPTED"}
    held = town.stands(walk, "ON_HOLD", "contact")
    assert (held["hold_kind"], held["hold_reason"]) == ("staff", "amend_register")
    listed = town.district.get(f"/tasks?student_id={at['student_id']}", OFFICER).json()["items"]
    assert [task["kind"] for task in listed] == ["AMEND_REGISTER"]
    marks = [{**one, "code": "I"} for one in sessions]  # ill: an absence still, and now one with a reason
    amended = {"school_id": at["lead_school_id"], "marks": marks, "reason": "As the family said."}
    path = f"/attendance/students/{at['student_id']}/corrections"
    assert town.command(path, amended, LEADER).status_code == 201
    town.happened(walk, "HELD", "RESUMED")
    town.stands(walk, "AWAITING_APPROVAL", "contact")


def test_a_task_of_the_walk_is_found_and_closed(town: Town) -> None:
    walk = town.take()
    town.approve(walk, "contact")
    town.happened(walk, "CONTACT_ASKED")
    at = town.seen(walk)["instance"]
    mine = f"/tasks?case_id={at['case_id']}"
    asked = town.district.get(mine, OFFICER).json()["items"]
    assert [(task["kind"], task["status"], task["student_id"]) for task in asked] == [
        ("contact_family", "OPEN", at["student_id"])
    ]
    written = {"kind": "CALL_BACK", "title": "Ring back after 4 pm", "school_id": at["lead_school_id"]}
    added = town.command("/tasks", {**written, "case_id": at["case_id"], "student_id": at["student_id"]}, OFFICER)
    assert added.status_code == 201, added.text
    task_id = added.json()["id"]
    assert [one.actor_id for one in town.audited("create_task", task_id)] == [town.ours.people[OFFICER]]
    done = town.command(f"/tasks/{task_id}/complete", {"result": "Spoke with the grandmother."}, "liaison")
    assert (done.status_code, done.json()["status"]) == (200, "DONE")
    assert [one.actor_id for one in town.audited("complete_task", task_id)] == [town.ours.people["liaison"]]
    left = town.district.get(mine, OFFICER).json()["items"]
    assert [task["kind"] for task in left] == ["contact_family"]
    again = town.district.post(f"/tasks/{task_id}/complete", OFFICER, json={"result": "Twice."})
    assert again.status_code == 409


def test_an_exemption_ends_the_walk(town: Town) -> None:
    walk = town.take()
    path = f"/students/{town.seen(walk)['instance']['student_id']}/exemptions"
    one = {"scope": "stop", "kind": "MEDICAL", "reason": "Operation.", "starts_on": past_days()[-1].isoformat()}
    assert town.district.change(path, {"exemptions": [one], "reason": WHY}, OFFICER).status_code == 200
    ended = town.stands(walk, "CLOSED")["instance"]
    assert (ended["status"], ended["close_reason"]) == ("STOPPED", "EXEMPT")


def test_a_resolved_case_ends_the_walk(town: Town) -> None:
    walk = town.take()
    case_id = town.seen(walk)["instance"]["case_id"]
    answer = town.command(f"/cases/{case_id}/resolve", {"resolution": "Bus pass arranged."}, LEADER)
    assert answer.status_code == 200, answer.text
    assert [one.reason for one in town.audited("resolve_case", case_id)] == ["Bus pass arranged."]
    assert town.stands(walk, "CLOSED")["instance"]["close_reason"] == "CASE_RESOLVED"


def test_while_sending_is_off_nothing_goes_out(town: Town) -> None:
    walk = town.take()
    town.jump(walk, "letter-1")
    switch: dict[str, Any] = {"school_id": str(town.ours.schools["oak"]), "channel": None, "reason": WHY}
    assert town.district.put("/sending", LEADER, json={**switch, "enabled": False}).status_code == 200
    try:
        town.approve(walk, "letter-1")
        town.until(lambda: town.view(walk).state.sending_tries, bool, "the case looked, and found sending off")
        town.stands(walk, "ACTING", "letter-1")  # the switch tells those of whom the projection knows that they act
        assert not {"LETTER_SENT", "LETTER_ISSUED"} & set(town.events(walk))
    finally:
        assert town.district.put("/sending", LEADER, json={**switch, "enabled": True}).status_code == 200
    town.happened(walk, "LETTER_SENT")


def moved_back(town: Town, key: str, by: timedelta) -> None:
    """As if the command had been claimed that much earlier."""
    with psycopg.connect(town.database) as owner:
        owner.execute("select set_config('app.current_tenant', %s, true)", [str(town.ours.id)])
        moved = owner.execute("update idempotency_key set created_at = created_at - %s where key = %s", [by, key])
        assert moved.rowcount == 1


def abandoned(town: Town, key: str, body: bytes) -> None:
    """A process that claimed the key and died before it answered."""

    async def claimed() -> None:
        async with town.district.sessions.tenant(town.ours.id) as session:
            row = idempotency.Claim(key=key, route="POST /api/v1/tasks", body=body.decode("latin-1"))
            session.add(
                IdempotencyKey(
                    key=key,
                    route=row.route,
                    actor_id=town.ours.people[OFFICER],
                    body_hash=row.digest,
                    created_at=datetime.now(UTC),
                )
            )

    town.district.run(claimed())


def test_the_key_of_a_dead_command_is_free_after_a_minute(town: Town) -> None:
    key = uuid4().hex
    body = {"kind": "ABANDONED", "title": "Ring", "school_id": str(town.ours.schools["oak"])}
    abandoned(town, key, httpx.Request("POST", "http://x", json=body).content)
    headers = {"Idempotency-Key": key}
    running = town.district.post("/tasks", OFFICER, json=body, headers=headers)
    assert (running.status_code, running.json()["code"]) == (409, "command_running")
    moved_back(town, key, timedelta(seconds=61))
    assert town.district.post("/tasks", OFFICER, json=body, headers=headers).status_code == 201
