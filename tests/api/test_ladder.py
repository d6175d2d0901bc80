"""The queue and every verb through the API, with real cases behind it."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from models.audit import AuditEntry
from tests.api.district import District
from tests.api.viewed import recorded
from tests.api.walks import PATIENCE, Walks, activate_general, walking
from tests.servers.kinds import TemporalDev

pytestmark = pytest.mark.servers
QUEUE = "/interventions/queue"


@pytest.fixture(scope="module")
def walks(district: District, temporal_dev: TemporalDev) -> Iterator[Walks]:
    activate_general(district)
    world = walking(district, temporal_dev.address)
    yield district.run(world.__aenter__())
    district.run(world.__aexit__(None, None, None))


def queued(district: District, person: str = "attendance_officer") -> dict[str, Any]:
    return {item["instance_id"]: item for item in district.get(QUEUE, person).json()["items"]}


def ended(walks: Walks, instance_id: str) -> None:
    answer = walks.say(instance_id, "stop", reason_code="STAFF_DECISION", reason="End of the test.")
    assert answer.status_code == 200, answer.text
    walks.shown(instance_id, "CLOSED")


def test_a_step_waits_is_approved_and_taken_back(district: District, walks: Walks) -> None:
    instance_id = walks.begin()
    item = walks.waiting(instance_id)
    assert queued(district)[instance_id] == item
    assert (item["stage_key"], item["approval"]) == ("contact", "STAFF")
    assert item["student_name"].endswith("Example")
    assert item["approving"]
    assert instance_id not in queued(district, "attendance_officer-elm")
    approved = walks.say(instance_id, "approve", proposal_id=item["proposal_id"])
    assert (approved.status_code, approved.json()["phase"], approved.json()["confirmed"]) == (200, "ACTING", True)
    assert instance_id not in queued(district)
    back = walks.say(instance_id, "withdraw-approval", proposal_id=item["proposal_id"], reason="Too early.")
    assert (back.status_code, back.json()["phase"]) == (200, "AWAITING_APPROVAL")
    walks.until(lambda: district.get(QUEUE), lambda page: instance_id in str(page))
    seen = district.get(f"/interventions/instances/{instance_id}/timeline").json()["items"]
    told = [(event["type"], event["actor_role"]) for event in seen]
    assert ("APPROVED", "attendance_officer") in told
    assert ("APPROVAL_WITHDRAWN", "attendance_officer") in told
    ended(walks, instance_id)


def test_the_same_approval_twice_is_answered_and_not_repeated(district: District, walks: Walks) -> None:
    instance_id = walks.begin()
    body = {"proposal_id": walks.waiting(instance_id)["proposal_id"]}
    path, headers = f"/interventions/instances/{instance_id}/approve", {"Idempotency-Key": str(uuid4())}
    first = district.post(path, "attendance_officer", json=body, headers=headers)
    second = district.post(path, "attendance_officer", json=body, headers=headers)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    late = walks.say(instance_id, "approve", **body)
    assert (late.status_code, late.json()["code"]) == (409, "verb_not_allowed")
    assert walks.say(instance_id, "withdraw-approval", reason="Taken back.", **body).status_code == 200
    ended(walks, instance_id)


def test_a_stale_proposal_answers_with_the_current_one(district: District, walks: Walks) -> None:
    instance_id = walks.begin()
    current = walks.waiting(instance_id)["proposal_id"]
    answer = walks.say(instance_id, "approve", proposal_id=str(uuid4()))
    assert (answer.status_code, answer.json()["code"], answer.json()["current"]) == (409, "stale_proposal", current)
    ended(walks, instance_id)


def test_a_verb_out_of_turn_answers_with_those_that_are_possible(district: District, walks: Walks) -> None:
    instance_id = walks.begin()
    walks.waiting(instance_id)
    answer = walks.say(instance_id, "resume", reason="Nothing holds it.")
    assert (answer.status_code, answer.json()["code"]) == (409, "verb_not_allowed")
    assert {"approve", "skip", "hold", "stop"} <= set(answer.json()["allowed"])
    ended(walks, instance_id)
    closed = walks.say(instance_id, "hold", reason="Too late.")
    assert (closed.status_code, closed.json()["allowed"]) == (409, ["reopen"])


def test_a_flagged_student_needs_one_approver_higher_and_a_thought(district: District, walks: Walks) -> None:
    instance_id = walks.begin(flagged=True)
    item = walks.waiting(instance_id)
    assert (item["second_look"], item["approval"]) == (True, "LEADER")
    body = {"proposal_id": item["proposal_id"]}
    low = walks.say(instance_id, "approve", **body)
    assert (low.status_code, low.json()["code"]) == (403, "approval_level")
    thoughtless = walks.say(instance_id, "approve", "school_leader", **body)
    assert (thoughtless.status_code, thoughtless.json()["code"]) == (403, "consideration_missing")
    bulk = {"stage_key": "contact", "rows": [{**body, "instance_id": instance_id}]}
    refused = district.post(f"{QUEUE}/decisions", "school_leader", json=bulk).json()["results"][0]
    assert (refused["status"], refused["code"]) == (403, "flagged_in_bulk")
    agreed = walks.say(instance_id, "approve", "school_leader", consideration="Spoke with the social worker.", **body)
    assert agreed.status_code == 200


def test_bulk_decisions_answer_row_by_row(district: District, walks: Walks) -> None:
    first, second = walks.begin(), walks.begin("elm", "attendance_officer-elm")
    items = [walks.waiting(first), walks.waiting(second)]
    rows = [{"instance_id": item["instance_id"], "proposal_id": item["proposal_id"]} for item in items]
    veto = {"decision": "skip", "reason": "The family called us already."}
    unknown = {"instance_id": str(uuid4()), "proposal_id": str(uuid4())}
    body = {"stage_key": "contact", "rows": [rows[0], {**rows[1], **veto}, unknown]}
    results = district.post(f"{QUEUE}/decisions", json=body).json()["results"]
    assert [(r["status"], r["code"]) for r in results] == [(200, None), (200, None), (404, "instance_not_found")]
    assert [r["answer"]["phase"] for r in results[:2]] == ["ACTING", "WAITING"]
    other = {"stage_key": "letter-1", "rows": rows[:1]}
    again = district.post(f"{QUEUE}/decisions", json=other).json()["results"][0]
    assert again["status"] in {409, 422}
    reach = district.post(f"{QUEUE}/decisions", "attendance_officer", json={"stage_key": "contact", "rows": rows[1:]})
    assert reach.json()["results"][0]["code"] == "other_school"
    assert walks.say(first, "withdraw-approval", proposal_id=items[0]["proposal_id"], reason="x").status_code == 200
    ended(walks, first)


def test_a_bulk_decision_has_at_most_fifty_rows(district: District) -> None:
    rows = [{"instance_id": str(uuid4()), "proposal_id": str(uuid4())} for _ in range(51)]
    answer = district.post(f"{QUEUE}/decisions", json={"stage_key": "contact", "rows": rows})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_walk_is_held_resumed_and_reassigned(district: District, walks: Walks) -> None:
    instance_id = walks.begin()
    walks.waiting(instance_id)
    held = walks.say(instance_id, "hold", reason="In hospital.", until="2027-01-15")
    assert (held.status_code, held.json()["phase"]) == (200, "ON_HOLD")
    walks.shown(instance_id, "ON_HOLD")
    assert queued(district)[instance_id]["held"] is True
    assert walks.say(instance_id, "resume", reason="Home again.").status_code == 200
    walks.shown(instance_id, "AWAITING_APPROVAL")
    stranger = walks.say(instance_id, "reassign", assignee_id=str(uuid4()))
    assert (stranger.status_code, stranger.json()["code"]) == (404, "person_not_found")
    colleague = str(district.ours.people["attendance_officer-2"])
    assert walks.say(instance_id, "reassign", assignee_id=colleague).status_code == 200
    path = f"{QUEUE}?assignee_id={colleague}"
    walks.until(lambda: district.get(path), lambda page: instance_id in str(page))
    ended(walks, instance_id)


def test_every_verb_leaves_an_entry_with_the_name_of_whoever_said_it(district: District, walks: Walks) -> None:
    instance_id = walks.begin()
    proposal = {"proposal_id": walks.waiting(instance_id)["proposal_id"]}
    colleague = str(district.ours.people["attendance_officer-2"])
    leader = ("school_leader", "School Leader")
    officer = ("attendance_officer", "Attendance Officer")
    said: list[tuple[tuple[str, str], str, dict[str, Any], str]] = [
        (officer, "approve", proposal, "approved"),
        (leader, "withdraw-approval", {**proposal, "reason": "Too early."}, "approval_withdrawn"),
        (officer, "hold", {"reason": "In hospital."}, "held"),
        (leader, "resume", {"reason": "Home again."}, "resumed"),
        (officer, "reassign", {"assignee_id": colleague}, "reassigned"),
        (officer, "contacts", {"mode": "CALL", "reached": True}, "contact_recorded"),
        (leader, "stop", {"reason_code": "STAFF_DECISION", "reason": "All is well."}, "stopped"),
    ]
    for (person, name), verb, body, told in said:
        key = str(uuid4())
        path = f"/interventions/instances/{instance_id}/{verb}"
        answer = district.post(path, person, json=body, headers={"Idempotency-Key": key})
        assert answer.status_code == 200, answer.text
        (entry,) = entry_of(district, walks, key, told)
        assert (entry.actor_display, entry.actor_role, entry.source) == (name, person, "workflow")
        assert (entry.reason or "") == body.get("reason", "")
        assert entry.actor_id == district.ours.people[person]
    answer = district.post(f"/interventions/instances/{instance_id}/reopen", json={"reason": "Absent again."})
    assert [entry.verb for entry in recorded(district, answer.headers["X-Request-Id"])] == ["reopen_instance"]


def entry_of(district: District, walks: Walks, key: str, verb: str) -> list[AuditEntry]:
    """The entries of a command, once its projection has come."""
    for _ in range(PATIENCE):
        found = [entry for entry in recorded(district, key) if entry.verb == verb]
        if found:
            return found
        district.run(asyncio.sleep(0.01))
    raise AssertionError(f"{verb} of {key} was never recorded: {[one.verb for one in recorded(district, key)]}")


def test_a_contact_is_written_down_once_however_often_it_is_sent(district: District, walks: Walks) -> None:
    instance_id = walks.begin()
    walks.waiting(instance_id)
    body: dict[str, Any] = {"mode": "VISIT", "reached": True, "said": "The bus is late every day."}
    alone = walks.say(instance_id, "contacts", **body)
    assert (alone.status_code, alone.json()["code"]) == (422, "visit_needs_two")
    path, headers = f"/interventions/instances/{instance_id}/contacts", {"Idempotency-Key": str(uuid4())}
    body |= {"second_name": "A colleague"}
    with walks.away():
        down = district.post(path, "liaison", json=body, headers=headers)
    assert down.status_code == 503
    assert district.post(path, "liaison", json=body, headers=headers).status_code == 200
    walks.until(
        lambda: district.get(f"/interventions/instances/{instance_id}/timeline"),
        lambda page: [event["type"] for event in page["items"]].count("CONTACT_RECORDED") == 1,
    )
    ended(walks, instance_id)


def test_while_temporal_is_down_a_decision_is_refused_and_says_when_to_try_again(
    district: District, walks: Walks
) -> None:
    instance_id = walks.begin()
    item = walks.waiting(instance_id)
    with walks.away():
        answer = walks.say(instance_id, "approve", proposal_id=item["proposal_id"])
    assert (answer.status_code, answer.json()["code"]) == (503, "temporal_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert walks.waiting(instance_id)["proposal_id"] == item["proposal_id"]
    ended(walks, instance_id)


def test_a_student_is_on_a_ladder_once(district: District, walks: Walks) -> None:
    standing = walks.begin()
    student_id = district.get(f"/interventions/instances/{standing}").json()["instance"]["student_id"]
    walked = district.get(f"/interventions/students/{student_id}").json()["items"]
    assert [walk["id"] for walk in walked] == [standing]
    body = {
        "student_id": student_id,
        "school_id": str(district.ours.schools["oak"]),
        "rule_set_key": "general",
        "reason": "Twice.",
    }
    answer = district.post("/interventions/instances", json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["current"]) == (409, "instance_open", standing)
    unknown = district.post("/interventions/instances", json={**body, "rule_set_key": "no-such-ladder"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "ruleset_not_active")
    assert district.post("/interventions/instances", "attendance_officer-elm", json=body).status_code == 403


def test_a_closed_walk_is_taken_up_by_a_new_one(district: District, walks: Walks) -> None:
    instance_id = walks.begin()
    walks.waiting(instance_id)
    ended(walks, instance_id)
    answer = walks.say(instance_id, "reopen", reason="Absent again since Monday.")
    assert answer.status_code == 200
    again = district.get(f"/interventions/instances/{answer.json()['instance_id']}").json()
    before = district.get(f"/interventions/instances/{instance_id}").json()
    assert again["reopened_from"] == instance_id
    assert again["instance"]["case_id"] == before["instance"]["case_id"]
    assert before["instance"]["status"] == "STOPPED"


def test_a_walk_of_another_school_or_tenant_is_out_of_reach(district: District, walks: Walks) -> None:
    instance_id = walks.begin()
    path = f"/interventions/instances/{instance_id}"
    assert district.get(path, "attendance_officer-elm").status_code == 403
    assert district.get(path, tenancy=district.theirs).status_code == 404
    stop = {"reason_code": "STAFF_DECISION", "reason": "x"}
    assert district.post(f"{path}/stop", "attendance_officer-elm", json=stop).status_code == 403
    assert district.post(f"{path}/stop", tenancy=district.theirs, json=stop).status_code == 404


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("hold", {}, "body.reason"),
        ("hold", {"reason": " "}, "body.reason"),
        ("stop", {"reason": "x", "reason_code": "BORED"}, "body.reason_code"),
        ("approve", {"proposal_id": "not-an-id"}, "body.proposal_id"),
        ("approve", {"proposal_id": str(uuid4()), "sure": True}, "body.sure"),
        ("exit-review", {"decision": "perhaps", "reason": "x"}, "body.decision"),
        ("basis", {"choice": "forget", "reason": "x"}, "body.choice"),
        ("ruleset", {"version_id": str(uuid4()), "acknowledged": False, "reason": "x"}, "body.acknowledged"),
        ("contacts", {"mode": "PIGEON", "reached": True}, "body.mode"),
    ],
)
def test_a_wrong_field_is_named(district: District, verb: str, body: dict[str, Any], field: str) -> None:
    answer = district.post(f"/interventions/instances/{uuid4()}/{verb}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert field in answer.json()["fields"]


def test_a_hold_until_a_day_gone_by_is_refused(district: District, walks: Walks) -> None:
    instance_id = walks.begin()
    walks.waiting(instance_id)
    answer = walks.say(instance_id, "hold", reason="In hospital.", until="2020-01-01")
    assert (answer.status_code, answer.json()["code"]) == (422, "hold_in_the_past")
    ended(walks, instance_id)


def test_a_contact_with_a_guardian_nobody_knows_is_refused(district: District, walks: Walks) -> None:
    instance_id = walks.begin()
    walks.waiting(instance_id)
    answer = walks.say(instance_id, "contacts", mode="CALL", reached=True, guardian_id=str(uuid4()))
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_reference")
    ended(walks, instance_id)


def test_a_meeting_is_booked_only_for_a_walk_of_its_student(district: District) -> None:
    body = {
        "student_id": str(district.ours.students["ann"]),
        "school_id": str(district.ours.schools["oak"]),
        "starts_at": "2099-01-05T10:00:00Z",
        "ends_at": "2099-01-05T10:30:00Z",
        "instance_id": str(uuid4()),
    }
    answer = district.post("/meetings", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "instance_not_found")
