"""Changes whose parts the walk over every route does not connect: each is seen to write its audit entry somewhere."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.plans import SupportPlan
from tests.api.district import District, Tenancy
from tests.api.elsewhere import RECORDED_ELSEWHERE
from tests.api.papers import stored
from tests.api.rungs import planned
from tests.api.test_attendance import register, sent, zipped
from tests.api.test_cases import open_case
from tests.api.test_documents import approve_letter, generated
from tests.api.test_inbound import event
from tests.api.test_privacy import HANDED_OVER
from tests.api.viewed import recorded
from tests.servers.kinds import Store

pytestmark = pytest.mark.servers
ROOT = Path(__file__).resolve().parents[2]
# how a test looks at the trail
LOOKS = {"said", "audited", "recorded", "trail", "_audited", "AuditEntry"}


@pytest.fixture(scope="module", autouse=True)
def _connected(district: District, s3: Store) -> Iterator[None]:
    with stored(district, s3):
        district.app.state.parts = replace(district.app.state.parts, operator_tenant=district.ours.key)
        yield


def one(district: District, answer: httpx.Response, verb: str) -> AuditEntry:
    """The one entry of this verb that the request wrote, by the person who asked."""
    assert answer.is_success, answer.text
    (entry,) = [row for row in recorded(district, answer.headers["X-Request-Id"]) if row.verb == verb]
    assert entry.source == "api"
    return entry


@pytest.mark.parametrize(("operation", "named"), RECORDED_ELSEWHERE.items())
def test_the_named_test_is_there_and_looks_at_the_trail(operation: str, named: str) -> None:
    file, _, name = named.partition("::")
    functions = [part for part in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(part, ast.FunctionDef)]
    (found,) = [function for function in functions if function.name == name]
    used = {part.id for part in ast.walk(found) if isinstance(part, ast.Name)}
    used |= {part.attr for part in ast.walk(found) if isinstance(part, ast.Attribute)}
    assert used & LOOKS or file == "tests/api/test_recorded.py", operation


def test_taking_a_tenant_out(district: District) -> None:
    answer = district.post(f"/tenants/{district.ours.id}/export")
    assert answer.content.startswith(b"PK")
    entry = one(district, answer, "export_tenant")
    assert (entry.subject_id, entry.actor_id) == (district.ours.id, district.ours.people["district_admin"])


def test_suspending_and_resuming_a_tenant_stands_in_both_trails(district: District) -> None:
    for verb in ("suspend", "resume"):
        reason = {"reason": f"To {verb} them for a test."}
        answer = district.post(f"/tenants/{district.theirs.id}/{verb}", json=reason)
        entry = one(district, answer, f"{verb}_tenant")
        assert (entry.actor_id, entry.reason) == (district.ours.people["district_admin"], reason["reason"])
        theirs = [row for row in _trail(district, district.theirs) if row.verb == f"{verb}_tenant"]
        assert [(row.actor_id, row.reason) for row in theirs] == [(None, reason["reason"])], (
            "no person of theirs did it"
        )


def _trail(district: District, tenancy: Tenancy) -> list[AuditEntry]:
    from_there = replace(district, ours=tenancy)
    return [entry for request_id in _requests(from_there) for entry in recorded(from_there, request_id)]


def _requests(district: District) -> list[str]:
    async def read() -> list[str]:
        async with district.sessions.tenant(district.ours.id) as session:
            found = await session.scalars(select(AuditEntry.request_id).distinct())
            return [request_id for request_id in found if request_id]

    return district.run(read())


def test_changing_a_tenants_settings(district: District) -> None:
    path = f"/tenants/{district.ours.id}/settings"
    body = {"settings": district.get(path).json()["settings"], "reason": "Agreed with the trust."}
    body["settings"]["ladder"]["undo_seconds"] = 11
    entry = one(district, district.change(path, body), "change_settings")
    assert entry.reason == "Agreed with the trust."


def test_writing_a_letter_by_hand(district: District) -> None:
    approve_letter(district)
    entry = one(district, generated(district), "store_artifact")
    assert entry.student_id == district.ours.students["ann"]


def agreed_plan(district: District) -> UUID:
    student_id, school_id = district.ours.students["ann"], district.ours.schools["oak"]
    case_id, instance_id = open_case(district, "ann")

    async def written() -> UUID:
        async with district.sessions.tenant(district.ours.id) as session:
            of_ann: dict[str, Any] = {"student_id": student_id, "school_id": school_id}
            things = {"case_id": case_id, "instance_id": instance_id}
            plan: SupportPlan = planned(things, of_ann, "Breakfast club.")["agreed_plan_id"]
            session.add(plan)
            await session.flush()
            return plan.id

    return district.run(written())


def test_copying_a_plan_for_one_guardian(district: District) -> None:
    approve_letter(district, "SUPPORT_PLAN")
    guardian_id = str(district.ours.guardians["ann"])
    path = f"/plans/{agreed_plan(district)}/copies"
    answer = district.post(path, json={"guardian_id": guardian_id})
    assert answer.status_code == 201, answer.text
    for verb in ("store_artifact", "create_task"):
        assert one(district, answer, verb).student_id == district.ours.students["ann"]


def test_importing_a_register(district: District) -> None:
    answer = sent(district, zipped(**register("recorded-1")))
    assert one(district, answer, "import").actor_id == district.ours.people["district_admin"]


def test_writing_down_a_disclosure(district: District) -> None:
    student_id = district.ours.students["ann"]
    answer = district.post(f"/students/{student_id}/disclosures", "dpo", json=HANDED_OVER)
    assert one(district, answer, "disclose").student_id == student_id


def test_receiving_events(district: District) -> None:
    answer = district.post("/events/inbound", "integration", json=event())
    assert one(district, answer, "receive_events").actor_id == district.ours.people["integration"]
