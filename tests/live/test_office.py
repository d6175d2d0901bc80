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
        told = town.seen(walk)
        assert told["instance"]["phase"] in {"ACTING", "AWAITING_APPROVAL"}
        assert "LETTER_SENT" not in town.events(walk)
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
