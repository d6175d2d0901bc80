"""The event feed over HTTP: for people of every school and integrations, a page at a time."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from jsonschema import Draft202012Validator

from models.queries import outbox
from rules.events.catalogue import TIER_ESCALATED
from rules.events.payloads import TierEscalatedData
from rules.events.publishing import schema
from services import events
from tests.api.district import District

pytestmark = pytest.mark.servers
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def told(district: District, tenant_id: UUID, many: int = 1) -> list[UUID]:
    made = []
    for _ in range(many):
        async with district.sessions.tenant(tenant_id) as session:
            ids = {name: uuid4() for name in ("escalation_id", "case_id", "instance_id", "student_id", "school_id")}
            data = TierEscalatedData(**ids, stage_key="escalate", from_tier=1, to_tier=3, occurred_at=NOON)
            made.append(await events.emit(session, TIER_ESCALATED, data.case_id, data, at=NOON))
    async with district.sessions.tenant(tenant_id) as session:
        await outbox.number_rows(session, tenant_id)
    return made


def test_the_feed_is_read_page_by_page_and_followed(district: District) -> None:
    start = district.get("/events?limit=200").json()["next_cursor"]
    made = district.run(told(district, district.ours.id, 3))
    first = district.get(f"/events?limit=2&cursor={start}").json()
    assert [one["id"] for one in first["items"]] == [str(one) for one in made[:2]]
    assert first["more"] is True
    rest = district.get(f"/events?cursor={first['next_cursor']}", "integration").json()
    assert [one["id"] for one in rest["items"]] == [str(made[2])]
    assert rest["more"] is False
    (event,) = rest["items"]
    assert event["source"] == f"/tenants/{district.ours.id}"
    assert event["specversion"] == "1.0"
    Draft202012Validator(schema(TIER_ESCALATED)).validate(event["data"])
    assert district.get(f"/events?cursor={rest['next_cursor']}").json()["items"] == []


def test_the_other_tenant_reads_only_its_own(district: District) -> None:
    (mine,) = district.run(told(district, district.ours.id))
    seen = district.get("/events?limit=200").json()["items"]
    theirs = district.get("/events?limit=200", tenancy=district.theirs).json()["items"]
    assert str(mine) in {one["id"] for one in seen}
    assert str(mine) not in {one["id"] for one in theirs}


def test_only_these_types_and_none_that_is_never_published(district: District) -> None:
    district.run(told(district, district.ours.id))
    assert district.get("/events?type=org.handrail.StageEntered.v1").json()["items"] == []
    assert district.get(f"/events?type={TIER_ESCALATED.type}").json()["items"]
    refused = district.get("/events?type=org.handrail.Nonsense.v1")
    assert (refused.status_code, refused.json()["code"]) == (422, "event_type_unknown")
    assert "query.type" in refused.json()["fields"]


@pytest.mark.parametrize("person", ["school_leader", "attendance_officer", "teacher", "auditor"])
def test_people_of_one_school_do_not_read_the_feed(district: District, person: str) -> None:
    assert district.get("/events", person).status_code == 403


@pytest.mark.parametrize("cursor", ["-1", "x", str(2**63)])
def test_a_cursor_that_is_none_is_refused(district: District, cursor: str) -> None:
    assert district.get(f"/events?cursor={cursor}").status_code == 422
