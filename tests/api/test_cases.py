"""Cases, tasks, exemptions, reasons, contact stops and the sending switch through the API."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from models.audit import AuditEntry
from models.instances import CaseFile, Instance
from models.reliability import Outbox
from models.restores import RestoreHold
from models.rulesets import RuleSet, RuleSetVersion
from tests.api.district import NOW, District

pytestmark = pytest.mark.servers


def open_case(district: District, name: str, phase: str = "WAITING", where: str = "oak") -> tuple[UUID, UUID]:
    """A case with one open instance."""

    async def opened() -> tuple[UUID, UUID]:
        async with district.sessions.tenant(district.ours.id) as session:
            rule_set = RuleSet(key=f"k-{uuid4().hex[:8]}", title="A ladder")
            session.add(rule_set)
            await session.flush()
            version = RuleSetVersion(rule_set_id=rule_set.id, version=1, digest="d", content={}, status="ACTIVE")
            student, school = district.ours.students[name], district.ours.schools[where]
            case = CaseFile(student_id=student, school_id=school)
            session.add_all([version, case])
            await session.flush()
            instance = Instance(
                school_year="2026-27",
                student_id=student,
                lead_school_id=school,
                case_id=case.id,
                rule_set_key=rule_set.key,
                rule_set_version_id=version.id,
                digest="d",
                phase=phase,
                started_at=NOW,
            )
            session.add(instance)
            await session.flush()
            return case.id, instance.id

    return district.run(opened())


def signals(district: District, instance_id: UUID) -> list[tuple[str, Any]]:
    async def sent() -> list[tuple[str, Any]]:
        async with district.sessions.tenant(district.ours.id) as session:
            rows = await session.scalars(select(Outbox).where(Outbox.subject == str(instance_id)).order_by(Outbox.seq))
            return [(row.payload["signal"], row.payload["argument"]) for row in rows]

    return district.run(sent())


def audited(district: District, verb: str) -> list[AuditEntry]:
    async def written() -> list[AuditEntry]:
        async with district.sessions.tenant(district.ours.id) as session:
            return list(await session.scalars(select(AuditEntry).where(AuditEntry.verb == verb)))

    return district.run(written())


def test_a_resolved_case_tells_its_ladder_once(district: District) -> None:
    case_id, instance_id = open_case(district, "ann")
    assert str(case_id) in {case["id"] for case in district.get("/cases", "attendance_officer").json()["items"]}
    body = {"resolution": "Bus pass arranged."}
    assert district.post(f"/cases/{case_id}/resolve", "attendance_officer", json=body).status_code == 403
    answer = district.post(f"/cases/{case_id}/resolve", "school_leader", json=body)
    assert answer.json()["status"] == "RESOLVED"
    assert signals(district, instance_id) == [("case_resolved", {"ref": str(case_id)})]
    again = district.post(f"/cases/{case_id}/resolve", "school_leader", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "case_resolved")
    entry = audited(district, "resolve_case")[0]
    assert (entry.actor_id, entry.reason) == (district.ours.people["school_leader"], "Bus pass arranged.")


def test_a_case_of_another_school_or_tenant_is_out_of_reach(district: District) -> None:
    case_id, _ = open_case(district, "cat", where="elm")
    assert district.get(f"/cases/{case_id}", "attendance_officer").status_code == 403
    assert district.get(f"/cases/{case_id}", "attendance_officer-elm").status_code == 200
    assert district.get(f"/cases/{case_id}", tenancy=district.theirs).status_code == 404
    assert str(case_id) not in district.get("/cases", "attendance_officer").text


def test_a_task_is_written_down_listed_and_completed(district: District) -> None:
    body = {"kind": "CALL_BACK", "title": "Ring back", "school_id": str(district.ours.schools["oak"])}
    later = district.post("/tasks", "attendance_officer", json={**body, "due_on": "2026-12-01"}).json()
    sooner = district.post("/tasks", "attendance_officer", json={**body, "due_on": "2026-11-24"}).json()
    listed = [task["id"] for task in district.get("/tasks", "teacher").json()["items"]]
    assert listed.index(sooner["id"]) < listed.index(later["id"])
    done = district.post(f"/tasks/{sooner['id']}/complete", "teacher", json={"result": "Spoke with them."}).json()
    assert (done["status"], done["result"]) == ("DONE", {"said": "Spoke with them."})
    again = district.post(f"/tasks/{sooner['id']}/complete", "teacher", json={"result": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "task_closed")
    assert "open a new task" in again.json()["detail"], "an error says what to do"
    assert district.post("/tasks", "attendance_officer-elm", json=body).status_code == 403


def test_the_same_command_twice_gives_the_same_answer_and_one_task(district: District) -> None:
    body = {"kind": "TWICE", "title": "Once only", "school_id": str(district.ours.schools["oak"])}
    headers = {"Idempotency-Key": "same-command-1"}
    first = district.post("/tasks", "attendance_officer", json=body, headers=headers)
    second = district.post("/tasks", "attendance_officer", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    other = district.post("/tasks", "attendance_officer", json={**body, "title": "Another"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert [t["kind"] for t in district.get("/tasks").json()["items"]].count("TWICE") == 1


def test_a_failed_command_gives_its_key_back(district: District) -> None:
    body = {"kind": "RETRY", "title": "Try again", "school_id": str(district.ours.schools["elm"])}
    headers = {"Idempotency-Key": "failed-command-1"}
    assert district.post("/tasks", "attendance_officer", json=body, headers=headers).status_code == 403
    body["school_id"] = str(district.ours.schools["oak"])
    assert district.post("/tasks", "attendance_officer", json=body, headers=headers).status_code == 201


@pytest.mark.parametrize("key", ["", "short", "with blanks in it", "x" * 129])
def test_a_command_needs_a_usable_key(district: District, key: str) -> None:
    answer = district.post("/tasks", "attendance_officer", json={}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422


def test_exemptions_are_set_as_a_whole(district: District) -> None:
    path = f"/students/{district.ours.students['bob']}/exemptions"
    _, instance_id = open_case(district, "bob")
    first = {"scope": "hold", "kind": "MEDICAL", "reason": "Operation.", "starts_on": "2026-11-23"}
    second = {**first, "kind": "PLAN", "ends_on": "2026-12-01"}
    district.change(path, {"exemptions": [first], "reason": "Seen."}, "attendance_officer")
    answer = district.change(path, {"exemptions": [second], "reason": "Corrected."}, "attendance_officer").json()
    assert [one["kind"] for one in answer["exemptions"]] == ["PLAN"]
    assert [name for name, _ in signals(district, instance_id)] == ["exemption_changed", "exemption_changed"]
    assert district.get(path, "attendance_officer-elm").status_code == 403


def test_an_accepted_reason_opens_the_task_to_amend_the_register(district: District) -> None:
    path = f"/students/{district.ours.students['dan']}/absence-reasons"
    body = {
        "school_id": str(district.ours.schools["oak"]),
        "sessions": [{"date": "2026-11-19", "session": half} for half in ("AM", "PM")],
        "reason": "Stomach bug",
        "status": "GIVEN",
        "given_by": str(district.ours.guardians["dan"]),
    }
    assert district.post(path, "attendance_officer", json=body).json()["items"][0]["decided_at"] is None
    accepted = district.post(path, "attendance_officer", json={**body, "status": "ACCEPTED"})
    assert {one["status"] for one in accepted.json()["items"]} == {"ACCEPTED"}
    assert "AMEND_REGISTER" in {task["kind"] for task in district.get("/tasks").json()["items"]}


def test_a_contact_stop_is_one_click_for_any_staff_and_lifted_by_few(district: District) -> None:
    _, instance_id = open_case(district, "dan")
    student = str(district.ours.students["dan"])
    body = {"subject_kind": "STUDENT", "subject_id": student, "reason_code": "BEREAVEMENT"}
    assert district.post("/contact-stops", "teacher-elm", json=body).status_code == 403
    stop = district.post("/contact-stops", "teacher", json=body).json()
    assert stop["set_by"] == str(district.ours.people["teacher"])
    assert signals(district, instance_id)[-1] == (
        "contact_stop_changed",
        {"active": True, "reason_code": "BEREAVEMENT"},
    )
    told = len(signals(district, instance_id))
    assert district.post("/contact-stops", "attendance_officer", json=body).json()["id"] == stop["id"], "one stop"
    assert len(signals(district, instance_id)) == told
    listed = district.get(f"/contact-stops?student_id={student}", "attendance_officer").json()["items"]
    assert [one["id"] for one in listed] == [stop["id"]]
    lift = f"/contact-stops/{stop['id']}?reason=Family+asked"
    assert district.call("DELETE", lift, "attendance_officer").status_code == 403
    assert district.call("DELETE", lift, "safeguarding_lead").json()["lifted_at"] is not None
    assert signals(district, instance_id)[-1][1]["active"] is False
    assert district.call("DELETE", lift, "safeguarding_lead").status_code == 409


def test_a_stop_after_a_death_is_permanent(district: District) -> None:
    guardian = str(district.ours.guardians["cat"])
    body = {"subject_kind": "GUARDIAN", "subject_id": guardian, "reason_code": "DECEASED"}
    stop = district.post("/contact-stops", "liaison-elm", json=body).json()
    assert stop["permanent"] is True
    answer = district.call("DELETE", f"/contact-stops/{stop['id']}?reason=mistake", "safeguarding_lead-elm")
    assert (answer.status_code, answer.json()["code"]) == (409, "permanent_stop")
    assert stop["id"] not in district.get("/contact-stops", "attendance_officer").text
    assert stop["id"] in district.get("/contact-stops", "attendance_officer-elm").text


def test_a_stop_on_nobody_is_refused(district: District) -> None:
    body = {"subject_kind": "GUARDIAN", "subject_id": str(uuid4()), "reason_code": "OTHER"}
    answer = district.post("/contact-stops", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "subject_not_found")


def test_the_sending_switch_of_the_tenant_is_for_people_of_every_school(district: District) -> None:
    body = {"enabled": False, "reason": "Wrong template is live."}
    answer = district.put("/sending", "school_leader", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "whole_tenant")
    own = {**body, "school_id": str(district.ours.schools["oak"]), "channel": "EMAIL"}
    assert district.put("/sending", "school_leader", json=own).json()["enabled"] is False
    assert district.put("/sending", json=body).json()["enabled"] is False
    assert district.put("/sending", json={**body, "enabled": True}).json()["enabled"] is True
    states = {(one["school_id"], one["channel"]): one["enabled"] for one in district.get("/sending").json()["items"]}
    assert states == {(None, None): True, (own["school_id"], "EMAIL"): False}
    assert len(audited(district, "pause_sending")) == 2


def test_what_a_restore_holds_back_is_shown_beside_the_switches(district: District) -> None:
    assert district.get("/sending").json()["held_after_restore"] == []
    held = {"kind": "IN_DOUBT", "cause": "BY_HAND", "detail": "restored from Tuesday"}

    async def hold() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            session.add(RestoreHold(**held, found_at=NOW))

    async def release() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            await session.execute(update(RestoreHold).values(released_at=NOW))

    district.run(hold())
    try:
        (seen,) = district.get("/sending", "attendance_officer").json()["held_after_restore"]
        assert seen.pop("found_at")
        assert seen == held
    finally:
        district.run(release())
    assert district.get("/sending").json()["held_after_restore"] == []


def test_an_id_that_names_nothing_is_refused_in_words_and_leaves_nothing(district: District) -> None:
    body = {"kind": "NOBODY", "title": "Ring", "school_id": str(district.ours.schools["oak"])}
    answer = district.post("/tasks", json={**body, "assignee_id": str(uuid4())})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_reference")
    assert list(answer.json()["fields"]) == ["body.assignee_id"]
    assert "NOBODY" not in district.get("/tasks").text


def test_an_exemption_that_ends_before_it_starts_is_refused(district: District) -> None:
    path = f"/students/{district.ours.students['ann']}/exemptions"
    backwards = {"scope": "stop", "kind": "MEDICAL", "reason": "x", "starts_on": "2026-11-20", "ends_on": "2026-10-01"}
    answer = district.change(path, {"exemptions": [backwards], "reason": "Seen."}, "attendance_officer")
    assert answer.status_code == 422
    assert "ends_on is before starts_on" in answer.text
