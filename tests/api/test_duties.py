"""Duties through the API: who sees and closes them, that they come first in the queue and keep hard steps back."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from models.duties import Duty
from models.instances import Proposal
from rules.duties.words import DutyBasis, DutyEffect
from tests.api.district import NOW, TODAY, District
from tests.api.test_cases import audited, open_case

pytestmark = pytest.mark.servers
Walked = dict[str, tuple[UUID, UUID]]
REASON = {"reason": "Looked at together with the class teacher."}


WHERE = {"ann": "oak", "bob": "oak", "cat": "elm", "dan": "oak"}


@pytest.fixture(scope="module")
def walks(district: District) -> dict[str, tuple[UUID, UUID]]:
    """A case and a walk for each student."""
    return {name: open_case(district, name, "AWAITING_APPROVAL", where) for name, where in WHERE.items()}


def a_duty(district: District, case_id: UUID, name: str, **changed: Any) -> str:
    async def opened() -> UUID:
        async with district.sessions.tenant(district.ours.id) as session:
            times = {"known_at": NOW, "checked_at": NOW, "opened_at": NOW, "tripped_on": TODAY}
            who = {"student_id": district.ours.students[name], "school_id": district.ours.schools[WHERE[name]]}
            law = {"rule_set_key": str(uuid4()), "digest": "d", "duty_key": "report", "cite": "s.21(4)(b)"}
            given = {**who, **times, **law, "case_id": case_id, "due_on": TODAY, "effect": DutyEffect.REPORT, **changed}
            row = Duty(**given)
            session.add(row)
            await session.flush()
            return row.id

    return str(district.run(opened()))


def a_proposal(district: District, instance_id: UUID, kind: str, due_in: int) -> str:
    async def opened() -> UUID:
        async with district.sessions.tenant(district.ours.id) as session:
            row = Proposal(
                instance_id=instance_id,
                stage_index=0,
                stage_key="step",
                stage_type=kind,
                approval="STAFF",
                step={"type": kind},
                proposed_at=NOW,
                due_on=TODAY + timedelta(days=due_in),
            )
            session.add(row)
            await session.flush()
            return row.id

    return str(district.run(opened()))


def test_duties_are_listed_by_their_deadline_and_closed_with_reasons(district: District, walks: Walked) -> None:
    case_id, _ = walks["bob"]
    later = a_duty(district, case_id, "bob", due_on=TODAY + timedelta(days=9))
    late = a_duty(district, case_id, "bob", due_on=TODAY - timedelta(days=2), duty_key="other")
    asked = {"student_id": str(district.ours.students["bob"])}
    seen = district.get("/duties", "attendance_officer", params=asked).json()["items"]
    assert [(one["id"], one["days_left"], one["status"]) for one in seen] == [(late, -2, "OPEN"), (later, 9, "OPEN")]
    assert seen[0]["student_name"].endswith("Example")
    assert district.get("/duties", "teacher").status_code == 403
    due = {**asked, "due_by": TODAY.isoformat()}
    assert [one["id"] for one in district.get("/duties", params=due).json()["items"]] == [late]

    path = f"/duties/{late}/close"
    elsewhere = {"state": "DONE_ELSEWHERE", "reason": "The school before us did.", "evidence": "Their letter."}
    nowhere = {"state": "NOT_APPLICABLE", "reason": "Moved abroad."}
    assert district.post(path, "attendance_officer-elm", json=elsewhere).status_code == 403
    assert district.post(path, "attendance_officer", json=nowhere).json()["code"] == "leader_only"
    missing = district.post(path, "attendance_officer", json={"state": "DONE"})
    assert (missing.status_code, missing.json()["code"]) == (422, "artifact_missing")
    assert district.post(path, "attendance_officer", json={**elsewhere, "by_phone": True}).status_code == 422
    key = {"Idempotency-Key": str(uuid4())}
    closed = district.post(path, "attendance_officer", json=elsewhere, headers=key)
    assert (closed.status_code, closed.json()["status"]) == (200, "DONE_ELSEWHERE")
    assert district.post(path, "attendance_officer", json=elsewhere, headers=key).json() == closed.json()
    assert district.post(path, "attendance_officer", json=elsewhere).json()["code"] == "duty_closed"
    entry = audited(district, "close_duty")[-1]
    assert (str(entry.subject_id), entry.actor_role) == (late, "attendance_officer")
    assert [one["id"] for one in district.get("/duties", params=asked).json()["items"]] == [later]
    assert [
        one["id"] for one in district.get("/duties", params={**asked, "status": "DONE_ELSEWHERE"}).json()["items"]
    ] == [late]


def test_only_a_leader_decides_on_a_basis_that_is_gone(district: District, walks: Walked) -> None:
    case_id, _ = walks["dan"]
    lost = a_duty(district, case_id, "dan", basis=DutyBasis.LOST)
    path = f"/duties/{lost}/basis"
    body = {"choice": "WITHDRAW", **REASON}
    assert district.post(path, "attendance_officer", json=body).status_code == 403
    asked = {"student_id": str(district.ours.students["dan"]), "basis": "LOST"}
    assert [one["id"] for one in district.get("/duties", params=asked).json()["items"]] == [lost]
    done = district.post(path, "school_leader", json=body).json()
    assert (done["basis"], done["status"], done["basis_reason"]) == ("WITHDRAWN", "NOT_APPLICABLE", REASON["reason"])
    assert district.post(path, "school_leader", json=body).json()["code"] == "basis_not_lost"
    assert audited(district, "withdraw_duty")[-1].reason == REASON["reason"]


def test_students_with_a_duty_come_first_in_the_queue(district: District, walks: Walked) -> None:
    _, plain = walks["dan"]
    owed_case, owed = walks["ann"]
    first = a_proposal(district, plain, "CONTACT", due_in=-5)
    second = a_proposal(district, owed, "CONTACT", due_in=9)

    def order() -> list[tuple[str, str | None]]:
        items = district.get("/interventions/queue", params={"limit": 100}).json()["items"]
        return [(one["proposal_id"], one["duty_due_on"]) for one in items if one["proposal_id"] in {first, second}]

    assert order() == [(first, None), (second, None)]
    a_duty(district, owed_case, "ann", due_on=TODAY + timedelta(days=3))
    assert order() == [(second, (TODAY + timedelta(days=3)).isoformat()), (first, None)]
    pages, cursor = [], None
    while True:
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        found = district.get("/interventions/queue", params=params).json()
        pages += [one["proposal_id"] for one in found["items"]]
        cursor = found["next_cursor"]
        if not cursor:
            break
    assert pages.index(second) < pages.index(first)
    assert len(pages) == len(set(pages))


def test_a_blocking_duty_keeps_hard_steps_back_and_others_not(district: District, walks: Walked) -> None:
    case_id, instance_id = walks["cat"]
    a_duty(district, case_id, "cat", effect=DutyEffect.BLOCK)
    codes = {}
    for kind in ("ESCALATION", "LETTER"):
        body = {"proposal_id": a_proposal(district, instance_id, kind, due_in=1), "reason": "Agreed."}
        path = f"/interventions/instances/{instance_id}/approve"
        codes[kind] = district.post(path, "district_admin", json=body).json()["code"]
        settle(district, instance_id)
    assert codes == {"ESCALATION": "duty_open", "LETTER": "temporal_unavailable"}


def settle(district: District, instance_id: UUID) -> None:
    async def settled() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            mine = update(Proposal).where(Proposal.instance_id == instance_id)
            await session.execute(mine.values(status="SUPERSEDED"))

    district.run(settled())
