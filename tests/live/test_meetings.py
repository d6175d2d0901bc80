"""Meetings over HTTP on live cases: booked, moved, and every outcome with what the walk makes of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from models.instances import Task
from tests.live.town import LEADER, OFFICER, Town, today

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("live")]


def meeting_of(town: Town, walk: str | None = None) -> tuple[str, dict[str, Any]]:
    """A walk that stands in its meeting, booked by the case; the walk and the meeting."""
    walk = walk or town.take()
    town.jump(walk, "meeting")
    town.approve(walk, "meeting")
    town.stands(walk, "MEETING")
    town.happened(walk, "MEETING_INVITED")
    return walk, present(town, walk)


def present(town: Town, walk: str) -> dict[str, Any]:
    """The walk's newest meeting."""
    listed = town.district.get(f"/meetings?instance_id={walk}", OFFICER).json()["items"]
    return max(listed, key=lambda one: one["id"])


def put(town: Town, meeting: dict[str, Any], person: str = OFFICER, **body: Any) -> Any:
    """An edit that rests on the meeting as it is now; when its case changes it meanwhile, it is read again."""
    path = f"/meetings/{meeting['id']}"

    def edited() -> Any:
        tag = town.district.get(path, person).headers["ETag"]
        return town.command(path, body, person, method="PUT", **{"If-Match": tag})

    return town.until(edited, lambda answer: answer.status_code != 412, "an edit of what was read")


def outcome(town: Town, meeting: dict[str, Any], code: str, **more: Any) -> dict[str, Any]:
    """The outcome recorded: the answer shows it, with the ETag of what it shows, and the audit names who said it."""
    answer = put(town, meeting, outcome={"code": code, **more})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()["meeting"]
    assert shown["outcome_code"] == code
    said = town.audited("record_meeting_outcome", meeting["id"])
    assert {one.actor_id for one in said} == {town.ours.people[OFFICER]}
    return shown


def an_hour_ago() -> str:
    return (datetime.now(UTC) - timedelta(hours=1)).isoformat()


def moved_to_now(town: Town, meeting: dict[str, Any]) -> dict[str, Any]:
    """The meeting moved to the next moment, once that moment has come."""
    start = datetime.now(UTC) + timedelta(seconds=1)
    end = start + timedelta(milliseconds=100)
    times = {"starts_at": start.isoformat(), "ends_at": end.isoformat()}
    answer = put(town, meeting, **times, reason="Both are here now.")
    assert answer.status_code == 200, answer.text
    town.until(lambda: datetime.now(UTC), lambda now: now > start, "the meeting begins")
    shown: dict[str, Any] = answer.json()["meeting"]
    return shown


def test_resolved(town: Town) -> None:
    walk, meeting = meeting_of(town)
    held = an_hour_ago()
    shown = outcome(town, meeting, "RESOLVED", held_at=held, notes="The bus comes on time now.")
    assert (shown["status"], shown["notes"]) == ("HELD", "The bus comes on time now.")
    assert datetime.fromisoformat(shown["held_at"]) == datetime.fromisoformat(held)
    town.stands(walk, "EXIT_REVIEW")
    assert town.queue()[walk]["type"] == "EXIT_REVIEW"
    assert present(town, walk)["revision"] == shown["revision"]


def test_no_action(town: Town) -> None:
    walk, meeting = meeting_of(town)
    assert outcome(town, meeting, "NO_ACTION")["status"] == "HELD"
    town.stands(walk, "EXIT_REVIEW")


def test_medical_plan(town: Town) -> None:
    walk, meeting = meeting_of(town)
    endless = put(town, meeting, outcome={"code": "MEDICAL_PLAN"})
    assert (endless.status_code, endless.json()["code"]) == (422, "until_required")
    until = (today() + timedelta(days=30)).isoformat()
    assert outcome(town, meeting, "MEDICAL_PLAN", until=until)["status"] == "HELD"
    assert town.stands(walk, "ON_HOLD")["hold_reason"] == "medical_plan"
    student = town.seen(walk)["instance"]["student_id"]
    exemptions = town.district.get(f"/students/{student}/exemptions", OFFICER).json()["exemptions"]
    assert [(one["kind"], one["ends_on"]) for one in exemptions] == [("MEDICAL_PLAN", until)]


def test_support_plan(town: Town) -> None:
    walk, meeting = meeting_of(town)
    assert outcome(town, meeting, "SUPPORT_PLAN", held_at=an_hour_ago())["status"] == "HELD"
    town.stands(walk, "WAITING", "meeting")
    kinds = {task.kind for task in town.rows(Task, Task.instance_id == walk, Task.status == "OPEN")}
    assert "support_plan_follow_up" in kinds


def test_escalate(town: Town) -> None:
    walk, meeting = meeting_of(town)
    assert outcome(town, meeting, "ESCALATE", held_at=an_hour_ago())["status"] == "HELD"
    assert town.stands(walk, "AWAITING_APPROVAL", "escalation")["waiting"]["approval"] == "LEADER"


def test_rescheduled_gets_another_time(town: Town) -> None:
    walk, meeting = meeting_of(town)
    assert outcome(town, meeting, "RESCHEDULE")["status"] == "CANCELLED"
    again = town.until(lambda: present(town, walk), lambda now: now["id"] != meeting["id"], "another meeting")
    town.until(lambda: present(town, walk), lambda now: now["starts_at"] is not None, "its time")
    assert present(town, walk)["starts_at"] != meeting["starts_at"]
    late = put(town, again | {"id": meeting["id"]}, outcome={"code": "RESOLVED"})
    assert (late.status_code, late.json()["code"]) in {(409, "stale_meeting"), (409, "verb_not_allowed")}


def test_no_show_of_the_family_then_escalated(town: Town) -> None:
    walk, meeting = meeting_of(town)
    early = put(town, meeting, outcome={"code": "NO_SHOW", "no_show": "FAMILY"})
    assert (early.status_code, early.json()["code"]) == (422, "not_begun_yet")
    moved_to_now(town, meeting)
    nobody = put(town, meeting, outcome={"code": "NO_SHOW"})
    assert (nobody.status_code, nobody.json()["code"]) == (422, "no_show_by_whom")
    assert outcome(town, meeting, "NO_SHOW", no_show="FAMILY")["status"] == "NO_SHOW"
    seen = town.district.get(f"/meetings/{meeting['id']}", OFFICER).json()
    assert [one["attended"] for one in seen["attendees"] if one["kind"] == "GUARDIAN"] == [False]
    asked = town.until(
        lambda: town.rows(Task, Task.instance_id == walk, Task.kind == "reschedule_or_escalate"), bool, "the question"
    )
    assert asked[0].status == "OPEN"
    alone = put(town, meeting, outcome={"code": "ESCALATE"})
    assert (alone.status_code, alone.json()["code"]) == (409, "other_mode_first")
    assert outcome(town, meeting, "ESCALATE", other_mode_offered=True)["status"] == "NO_SHOW"
    town.stands(walk, "AWAITING_APPROVAL", "escalation")


def test_no_show_of_the_school_counts_against_nobody(town: Town) -> None:
    walk, meeting = meeting_of(town)
    moved_to_now(town, meeting)
    assert outcome(town, meeting, "NO_SHOW", no_show="SCHOOL")["status"] == "NO_SHOW"
    town.until(lambda: town.rows(Task, Task.instance_id == walk, Task.kind == "reschedule_or_escalate"), bool, "asked")
    refused = put(town, meeting, outcome={"code": "ESCALATE", "other_mode_offered": True})
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["RESCHEDULE"])
    outcome(town, meeting, "RESCHEDULE")
    town.until(lambda: present(town, walk), lambda now: now["id"] != meeting["id"], "another meeting")


def test_what_cannot_be_is_refused_and_may_be_corrected(town: Town) -> None:
    _, meeting = meeting_of(town)
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    future = put(town, meeting, outcome={"code": "RESOLVED", "held_at": later})
    assert (future.status_code, future.json()["code"]) == (422, "held_in_the_future")
    nothing = put(town, meeting)
    assert (nothing.status_code, nothing.json()["code"]) == (422, "nothing_to_change")
    assert outcome(town, meeting, "RESOLVED", held_at=an_hour_ago())["status"] == "HELD"


def test_of_two_who_saw_the_same_meeting_one_decides(town: Town) -> None:
    walk, meeting = meeting_of(town)
    path = f"/meetings/{meeting['id']}"
    tag = town.district.get(path, OFFICER).headers["ETag"]

    def record(who: tuple[str, str]) -> Any:
        person, code = who
        headers = {"If-Match": tag, "Idempotency-Key": uuid4().hex}
        return town.confirmed("PUT", path, person, {"outcome": {"code": code, "held_at": an_hour_ago()}}, **headers)

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(record, [(OFFICER, "RESOLVED"), (LEADER, "SUPPORT_PLAN")]))
    codes = sorted(answer.status_code for answer in answers)
    assert codes in ([200, 409], [200, 412]), [answer.text for answer in answers]
    won = next(answer for answer in answers if answer.status_code == 200).json()["meeting"]["outcome_code"]
    assert present(town, walk)["outcome_code"] == won
    late = record((LEADER, "NO_ACTION"))
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert late.json()["current"]["meeting"]["outcome_code"] == won
    unread = town.district.put(
        path, OFFICER, json={"outcome": {"code": "RESOLVED"}}, headers={"Idempotency-Key": uuid4().hex}
    )
    assert (unread.status_code, unread.json()["code"]) == (428, "if_match_missing")


def test_a_meeting_is_booked_by_hand_once_and_moved(town: Town) -> None:
    student = str(town.ours.students["calm1"])
    oak = str(town.ours.schools["oak"])
    span = {"from": (today() + timedelta(days=3)).isoformat(), "to": (today() + timedelta(days=20)).isoformat()}
    asked = {"school_id": oak, "student_id": student, **span}
    slots = town.district.get("/meetings/slots", OFFICER, params=asked).json()["items"]
    assert len(slots) >= 2
    body = {"student_id": student, "school_id": oak, "room": "Room 3", **slots[0]}
    made = town.command("/meetings", body)
    assert made.status_code == 201, made.text
    meeting = made.json()
    assert [one.actor_id for one in town.audited("schedule_meeting", meeting["id"])] == [town.ours.people[OFFICER]]
    twice = town.district.post("/meetings", OFFICER, json=body)
    assert (twice.status_code, twice.json()["code"]) == (409, "double_booking")
    assert slots[0] not in town.district.get("/meetings/slots", OFFICER, params=asked).json()["items"]
    unexplained = put(town, meeting, **slots[1])
    assert (unexplained.status_code, unexplained.json()["code"]) == (422, "reason_missing")
    moved = put(town, meeting, **slots[1], reason="The family asked for another day.")
    assert moved.status_code == 200
    assert moved.headers["ETag"] == town.district.get(f"/meetings/{meeting['id']}", OFFICER).headers["ETag"]
    assert moved.json()["meeting"]["starts_at"] == slots[1]["starts_at"]
    nothing = put(town, meeting, outcome={"code": "RESOLVED"})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "meeting_without_case")
