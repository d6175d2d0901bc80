"""Breakers through the API: what they hold, who sees which words, who lets it go on, and the 409 until then."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.delivery import Breaker
from models.instances import Proposal
from tests.api.district import TODAY, District
from tests.api.test_ladder import ended, queued
from tests.api.walks import Walks, activate_general, walking
from tests.servers.kinds import TemporalDev

pytestmark = pytest.mark.servers
REASON = {"reason": "Looked at five of them: all as they should be."}
SHARES = {"absent_share": "9/10", "limit": "1/4", "usual": "1/20", "complete": "1", "of_jump": "1"}


@pytest.fixture(scope="module")
def walks(district: District, temporal_dev: TemporalDev) -> Iterator[Walks]:
    activate_general(district)
    world = walking(district, temporal_dev.address)
    yield district.run(world.__aenter__())
    district.run(world.__aexit__(None, None, None))


def tripped(district: District, kind: str, on: date, where: str | None = "oak", **more: Any) -> str:
    school_id = None if where is None else district.ours.schools[where]

    async def put() -> UUID:
        async with district.sessions.tenant(district.ours.id) as session:
            row = Breaker(kind=kind, school_id=school_id, date=on, **more)
            session.add(row)
            await session.flush()
            return row.id

    return str(district.run(put()))


def listed(district: District, person: str = "school_leader", query: str = "") -> dict[str, Any]:
    return {one["id"]: one for one in district.get(f"/breakers{query}", person).json()["items"]}


def test_a_held_step_is_not_approved_until_a_leader_has_released_the_batch(district: District, walks: Walks) -> None:
    instance_id = walks.begin()
    item = walks.waiting(instance_id)
    proposed_on = district.run(_proposed_on(district, item["proposal_id"]))
    breaker_id = tripped(district, "BATCH", proposed_on, stage_key="contact", facts={"limit": "20", "cause": "NOTHING"})
    shown = queued(district)[instance_id]
    assert shown["breaker_id"] == breaker_id
    assert "Held by a breaker: a leader looks at it and releases it" in shown["risk_flags"]
    assert instance_id in str(district.get("/interventions/queue?risk_flags=BREAKER", "attendance_officer").json())
    refused = walks.say(instance_id, "approve", proposal_id=item["proposal_id"])
    assert (refused.status_code, refused.json()["code"], refused.json()["breaker_id"]) == (
        409,
        "breaker_open",
        breaker_id,
    )
    row = {"instance_id": instance_id, "proposal_id": item["proposal_id"], "decision": "approve"}
    bulk = district.post(
        "/interventions/queue/decisions", "attendance_officer", json={"stage_key": "contact", "rows": [row]}
    )
    assert [(one["status"], one["code"]) for one in bulk.json()["results"]] == [(409, "breaker_open")]
    path = f"/breakers/{breaker_id}/release"
    assert district.post(path, "attendance_officer", json=REASON).status_code == 403
    assert district.post(path, "school_leader-elm", json=REASON).status_code == 403
    assert district.post(path, "school_leader", json={"reason": " "}).status_code == 422
    done = district.post(path, "school_leader", json=REASON)
    assert (done.status_code, done.json()["status"], done.json()["release_reason"]) == (
        200,
        "RELEASED",
        REASON["reason"],
    )
    again = district.post(path, "school_leader", json=REASON)
    assert (again.status_code, again.json()["code"]) == (409, "breaker_not_open")
    assert queued(district)[instance_id]["breaker_id"] is None
    assert walks.say(instance_id, "approve", proposal_id=item["proposal_id"]).status_code == 200
    back = walks.say(instance_id, "withdraw-approval", proposal_id=item["proposal_id"], reason="End of the test.")
    assert back.status_code == 200, back.text
    ended(walks, instance_id)
    assert district.run(_entries(district, breaker_id)) == ["release_breaker"]


async def _proposed_on(district: District, proposal_id: str) -> date:
    async with district.sessions.tenant(district.ours.id) as session:
        row = await session.get_one(Proposal, UUID(proposal_id))
        return row.proposed_at.date()


async def _entries(district: District, breaker_id: str) -> list[str]:
    async with district.sessions.tenant(district.ours.id) as session:
        mine = select(AuditEntry.verb).where(AuditEntry.subject_id == UUID(breaker_id))
        return list(await session.scalars(mine))


def test_the_code_behind_a_suspect_day_is_for_those_who_see_codes(district: District) -> None:
    facts = {**SHARES, "cause": "CODE_CHANGED", "code": "Q7", "classes": 0}
    breaker_id = tripped(district, "SUSPECT_DAY", date(2026, 2, 2), facts=facts)
    officer = listed(district, "attendance_officer")[breaker_id]
    assert (officer["cause"], officer["holds"], officer["status"]) == ("CODE_CHANGED", None, "OPEN")
    assert "one code (code Q7) that meant attendance on the days before: a mis-mapped feed" in officer["sentence"]
    seen = listed(district, "school_leader")[breaker_id]["sentence"]
    assert "Q7" not in seen
    assert "one code that meant attendance on the days before" in seen
    assert breaker_id not in listed(district, "attendance_officer-elm")
    assert breaker_id not in listed(district, "school_leader", "?status=RELEASED")
    assert breaker_id in listed(district, "school_leader", "?status=ALL")
    assert district.get("/breakers", "teacher").status_code == 403


def test_what_holds_the_whole_tenant_is_released_by_people_of_every_school(district: District) -> None:
    breaker_id = tripped(district, "CAP", TODAY, None, facts={"cap": 2000})
    assert listed(district, "school_leader")[breaker_id]["sentence"].startswith("More than 2000 messages would have")
    path = f"/breakers/{breaker_id}/release"
    answer = district.post(path, "school_leader", json=REASON)
    assert (answer.status_code, answer.json()["code"]) == (403, "whole_tenant")
    assert district.post(path, "district_admin", json=REASON).json()["status"] == "RELEASED"
    assert district.post(f"/breakers/{uuid4()}/release", json=REASON).status_code == 404


def test_the_limits_are_settings_of_the_tenant(district: District) -> None:
    path = f"/tenants/{district.ours.id}/settings"
    found = district.get(path).json()["settings"]
    assert (found["breakers"]["absent_percent"], found["breakers"]["proposals"]) == (25, 20)
    wish = {"settings": found | {"breakers": {"absent_percent": 15, "proposals": 10}}, "reason": "Small schools."}
    assert district.change(path, wish).json()["settings"]["breakers"]["proposals"] == 10
    loose = {"settings": found | {"breakers": {"absent_percent": 90}}, "reason": "Never."}
    refused = district.change(path, loose)
    assert refused.status_code == 422
    assert "body.settings.breakers.absent_percent" in refused.json()["fields"]
