"""Every verb over HTTP on a live case: the answer, where the case stands, who is on record, and the same key again."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from models.instances import Contact, Instance
from tests.live.town import ADMIN, BY_POST, LEADER, LEAVING, OFFICER, Town, in_force, ladder, today

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("live")]
WHY = "As agreed with the family."


def test_approve_carries_the_step_out(town: Town) -> None:
    walk = town.take()
    item = town.seen(walk)["waiting"]
    told = town.said(walk, "approve", "approved", proposal_id=item["proposal_id"])
    assert (told["phase"], told["stage_key"]) == ("ACTING", "contact")
    town.happened(walk, "CONTACT_ASKED")
    asked = town.district.get(f"/tasks?student_id={item['student_id']}", OFFICER).json()["items"]
    assert [task["kind"] for task in asked] == ["contact_family"]


def test_withdraw_approval_within_the_undo(town: Town) -> None:
    walk = town.take()
    town.said(walk, "stop", "stopped", reason_code="OTHER_SUPPORT", reason=WHY)
    town.stands(walk, "CLOSED")
    path = f"/tenants/{town.ours.id}/settings"
    before = town.district.get(path).json()["settings"]
    slow = {**before, "ladder": {**before["ladder"], "undo_seconds": 3600}}
    assert town.district.change(path, {"settings": slow, "reason": WHY}).status_code == 200
    again = town.say(walk, "reopen", reason=WHY).json()["instance_id"]
    step = town.stands(again, "AWAITING_APPROVAL")["waiting"]["proposal_id"]
    assert town.district.change(path, {"settings": before, "reason": WHY}).status_code == 200
    agreed = town.said(again, "approve", "approved", proposal_id=step)
    assert agreed["undo_until"] is not None
    assert again not in town.queue()
    back = town.said(again, "withdraw-approval", "approval_withdrawn", proposal_id=step, reason=WHY)
    assert back["phase"] == "AWAITING_APPROVAL"
    assert again in town.queue()
    assert "CONTACT_ASKED" not in town.events(again)


def test_skip_leaves_the_step_out(town: Town) -> None:
    walk = town.take()
    step = town.seen(walk)["waiting"]["proposal_id"]
    assert town.said(walk, "skip", "skipped", proposal_id=step, reason=WHY)["phase"] == "WAITING"
    assert walk not in town.queue()
    town.stands(walk, "WAITING", "contact")


def test_hold_and_resume(town: Town) -> None:
    walk = town.take()
    until = (today() + timedelta(days=20)).isoformat()
    assert town.said(walk, "hold", "held", until=until, reason=WHY)["phase"] == "ON_HOLD"
    assert town.queue()[walk]["held"] is True
    seen = town.stands(walk, "ON_HOLD")
    assert (seen["hold_kind"], seen["hold_reason"]) == ("staff", WHY)
    assert town.said(walk, "resume", "resumed", reason="Back at school.")["phase"] != "ON_HOLD"
    town.stands(walk, "AWAITING_APPROVAL", "contact")
    assert town.queue()[walk]["held"] is False


def test_stop_ends_the_walk(town: Town) -> None:
    walk = town.take()
    assert walk in town.queue()
    town.said(walk, "stop", "stopped", reason_code="OPENED_BY_MISTAKE", reason=WHY)
    assert walk not in town.queue()
    ended = town.stands(walk, "CLOSED")["instance"]
    assert (ended["status"], ended["close_reason"]) == ("STOPPED", "OPENED_BY_MISTAKE")
    late = town.say(walk, "hold", reason=WHY)
    assert (late.status_code, late.json()["allowed"]) == (409, ["reopen"])


def test_escalate_passes_over_rungs(town: Town) -> None:
    walk = town.take()
    first = town.seen(walk)["waiting"]["proposal_id"]
    assert town.say(walk, "escalate", OFFICER, reason=WHY).status_code == 403
    nowhere = town.say(walk, "escalate", LEADER, to="letter-9", reason=WHY)
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "no_such_stage")
    assert "letter-1" in nowhere.text
    town.said(walk, "escalate", "escalated", LEADER, reason=WHY)
    item = town.stands(walk, "AWAITING_APPROVAL", "escalation")["waiting"]
    assert (item["approval"], item["proposal_id"] != first) == ("LEADER", True)
    assert town.say(walk, "approve", proposal_id=item["proposal_id"]).json()["code"] == "approval_level"
    town.said(walk, "approve", "approved", LEADER, proposal_id=item["proposal_id"])
    assert town.stands(walk, "WAITING", "escalation")["instance"]["status"] == "ESCALATED"
    assert "JUMPED" in town.events(walk)
    case_id = town.seen(walk)["instance"]["case_id"]
    assert town.district.get(f"/cases/{case_id}", OFFICER).json()["case"]["tier"] == 3


def test_exit_review_confirmed_and_reopened_from_the_follow_up(town: Town) -> None:
    walk = town.take(LEAVING)
    assert town.queue()[walk]["type"] == "EXIT_REVIEW"
    told = town.said(walk, "exit-review", "exit_confirmed", decision="confirm", reason=WHY)
    assert told["phase"] == "FOLLOW_UP"
    assert walk not in town.queue()
    assert town.happened(walk, "FOLLOW_UP_STARTED")
    town.stands(walk, "FOLLOW_UP")
    nowhere = town.say(walk, "reopen", reason=WHY)
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "stage_missing")
    town.said(walk, "reopen", "reopened", to_stage="letter-1", reason=WHY)
    assert town.stands(walk, "AWAITING_APPROVAL", "letter-1")["waiting"]["type"] == "LETTER"


def test_exit_review_rejected(town: Town) -> None:
    walk = town.take(LEAVING)
    assert walk in town.queue()
    told = town.said(walk, "exit-review", "exit_rejected", decision="reject", reason=WHY)
    assert told["phase"] == "WAITING"
    assert walk not in town.queue() or town.queue()[walk]["kind"] == "STEP"
    assert "EXIT_REJECTED" in town.events(walk)
    town.stands(walk, "AWAITING_APPROVAL", "contact")


def test_reopen_a_closed_walk(town: Town) -> None:
    walk = town.take()
    town.said(walk, "stop", "stopped", reason_code="STAFF_DECISION", reason=WHY)
    town.stands(walk, "CLOSED")
    answer = town.say(walk, "reopen", reason="Absent again since Monday.")
    again = answer.json()["instance_id"]
    assert (answer.status_code, again != walk) == (200, True)
    entry = town.until(lambda: town.audited("reopen_instance", again), bool, "the audit entry")
    assert entry[0].actor_id == town.ours.people[OFFICER]
    seen = town.stands(again, "AWAITING_APPROVAL", "contact")
    assert (seen["reopened_from"], seen["instance"]["case_id"]) == (walk, town.seen(walk)["instance"]["case_id"])
    assert len(town.rows(Instance, Instance.reopened_from == walk)) == 1


def test_basis_kept(town: Town) -> None:
    walk = town.take()
    town.put_right(walk)
    assert town.stands(walk, "ON_HOLD")["hold_kind"] == "basis"
    assert town.queue()[walk]["held"] is True
    told = town.said(walk, "basis", "basis_kept", choice="keep", reason="The family confirmed the absence.")
    assert told["phase"] != "ON_HOLD"
    item = town.stands(walk, "AWAITING_APPROVAL", "contact")["waiting"]
    assert "Decided to stay although the register was corrected" in item["risk_flags"]


def test_basis_rescinded_takes_the_letter_back(town: Town) -> None:
    walk = town.take()
    town.jump(walk, "letter-1")
    town.approve(walk, "letter-1")
    town.happened(walk, "LETTER_SENT")
    town.stands(walk, "WAITING", "letter-1")
    town.put_right(walk)
    assert town.stands(walk, "ON_HOLD")["hold_kind"] == "basis"
    answer = town.say(walk, "basis", choice="rescind", reason="The register was wrong.")
    assert answer.status_code == 200, answer.text
    ended = town.stands(walk, "CLOSED")["instance"]
    assert (ended["status"], ended["close_reason"]) == ("STOPPED", "BASIS_REMOVED")
    town.happened(walk, "TRIGGER_INVALIDATED", "STEP_RESCINDED")
    entries = town.until(lambda: town.audited("step_rescinded", walk), bool, "the audit entry")
    assert [(one.actor_id, one.reason) for one in entries] == [(town.ours.people[OFFICER], "The register was wrong.")]


def test_ruleset_is_applied_again(town: Town) -> None:
    walk = town.take()
    before = town.seen(walk)["digest"]
    document = {**ladder(), "title": "A ladder with a longer wait"}
    document["stages"] = [{**stage, "within_school_days": 12} for stage in document["stages"]]
    version = in_force(town, document)
    body = {"version_id": version, "acknowledged": True, "reason": WHY}
    assert town.say(walk, "ruleset", OFFICER, **body).status_code == 403
    told = town.said(walk, "ruleset", "ruleset_applied", LEADER, **body)
    assert told["confirmed"] is True
    seen = town.until(lambda: town.seen(walk), lambda now: now["digest"] != before, "the other version")
    assert seen["digest"] == town.district.get(f"/interventions/rules/{version}").json()["version"]["digest"]
    unknown = town.say(walk, "ruleset", LEADER, version_id=str(uuid4()), acknowledged=True, reason=WHY)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "ruleset_not_found")


def test_contacts_move_the_case_on(town: Town) -> None:
    walk = town.take()
    town.approve(walk, "contact")
    town.happened(walk, "CONTACT_ASKED")
    student = town.seen(walk)["instance"]["student_id"]
    body = {"mode": "CALL", "reached": True, "guardian_id": guardian(town, walk), "said": "The bus is late."}
    town.said(walk, "contacts", "contact_recorded", "liaison", **body)
    town.happened(walk, "CONTACT_RECORDED", "STEP_TAKEN")
    written = town.rows(Contact, Contact.instance_id == walk)
    assert [(one.said, str(one.student_id)) for one in written] == [("The bus is late.", student)]
    assert len(town.audited("record_contact", str(written[0].id))) == 1


def test_a_contact_on_a_closed_walk_leaves_nothing_behind(town: Town) -> None:
    walk = town.take()
    town.said(walk, "stop", "stopped", reason_code="STAFF_DECISION", reason=WHY)
    town.stands(walk, "CLOSED")
    answer = town.say(walk, "contacts", mode="CALL", reached=True)
    assert (answer.status_code, answer.json()["allowed"]) == (409, ["reopen"])
    assert town.rows(Contact, Contact.instance_id == walk) == []


def guardian(town: Town, walk: str) -> str:
    student = town.seen(walk)["instance"]["student_id"]
    name = next(name for name, known in town.ours.students.items() if str(known) == student)
    return str(town.ours.guardians[name])


def test_delivery_by_post(town: Town) -> None:
    walk = town.take(BY_POST)
    town.jump(walk, "letter-1")
    early = town.say(walk, "delivery", "liaison", guardian_id=guardian(town, walk), on=today().isoformat())
    assert (early.status_code, early.json()["code"]) == (404, "letter_not_found")
    town.approve(walk, "letter-1")
    town.happened(walk, "LETTER_TO_POST")
    body = {"guardian_id": guardian(town, walk), "on": today().isoformat(), "posted": True, "delivered": True}
    future = {**body, "on": (today() + timedelta(days=3)).isoformat()}
    assert town.say(walk, "delivery", "liaison", **future).json()["code"] == "day_in_the_future"
    town.said(walk, "delivery", "delivery_recorded", "liaison", **body)
    town.stands(walk, "WAITING", "letter-1")
    assert town.say(walk, "delivery", "liaison", **body).json()["code"] == "letter_already_delivered"
    done = town.district.get(f"/tasks?status=DONE&student_id={town.seen(walk)['instance']['student_id']}", OFFICER)
    assert "print_and_post" in {task["kind"] for task in done.json()["items"]}


def test_reassign_and_find_it_by_its_assignee(town: Town) -> None:
    walk = town.take()
    colleague = str(town.ours.people["attendance_officer-2"])
    town.said(walk, "reassign", "reassigned", assignee_id=colleague, reason="Knows the family.")
    town.until(lambda: town.queue(assignee_id=colleague), lambda seen: set(seen) == {walk}, "the assignee's queue")
    assert town.seen(walk)["assignee_id"] == colleague


def test_start_by_hand(town: Town) -> None:
    student = str(town.ours.students["calm0"])
    body = {"student_id": student, "school_id": str(town.ours.schools["oak"]), "rule_set_key": "live", "reason": WHY}
    answer = town.command("/interventions/instances", body)
    assert (answer.status_code, answer.json()["running"]) == (202, True)
    walk = answer.json()["instance"]["id"]
    assert [one.actor_id for one in town.audited("start_instance", walk)] == [town.ours.people[OFFICER]]
    town.happened(walk, "INSTANCE_OPENED")
    assert town.seen(walk)["instance"]["status"] == "ACTIVE"
    twice = town.district.post("/interventions/instances", OFFICER, json=body)
    assert (twice.status_code, twice.json()["current"]) == (409, walk)


def test_bulk_decisions(town: Town) -> None:
    walks = [town.take(), town.take(), town.take()]
    steps = [town.seen(walk)["waiting"]["proposal_id"] for walk in walks]
    rows: list[dict[str, Any]] = [
        {"instance_id": walk, "proposal_id": step} for walk, step in zip(walks, steps, strict=True)
    ]
    rows[1] |= {"decision": "skip", "reason": WHY}
    rows[2]["proposal_id"] = str(uuid4())
    answer = town.command("/interventions/queue/decisions", {"stage_key": "contact", "rows": rows})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [(one["status"], one["code"]) for one in results] == [(200, None), (200, None), (409, "stale_proposal")]
    assert set(walks) & set(town.queue()) == {walks[2]}
    town.happened(walks[0], "APPROVED", "CONTACT_ASKED")
    town.happened(walks[1], "SKIPPED")
    assert town.stands(walks[2], "AWAITING_APPROVAL")["waiting"]["proposal_id"] == steps[2]
    for walk, act in zip(walks, ("approved", "skipped"), strict=False):
        assert [one.actor_id for one in town.audited(act, walk)] == [town.ours.people[OFFICER]]


@pytest.mark.parametrize("verb", ["skip", "hold", "resume", "stop", "basis", "exit-review", "reopen"])
def test_a_reason_is_asked_for(town: Town, verb: str) -> None:
    body = {
        "stop": {"reason_code": "STAFF_DECISION"},
        "basis": {"choice": "keep"},
        "exit-review": {"decision": "confirm"},
    }
    answer = town.say(str(uuid4()), verb, ADMIN, **body.get(verb, {}))
    assert answer.status_code == 422
    assert "body.reason" in answer.json()["fields"]
