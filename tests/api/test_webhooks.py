"""Webhooks over HTTP: the secret is shown once, unsafe addresses are refused, strangers see nothing, all is audited."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.queries import outbox
from models.reliability import IdempotencyKey
from models.webhooks import Webhook
from rules.events.catalogue import TIER_ESCALATED
from rules.events.payloads import TierEscalatedData
from services import events
from tests.api.district import District
from tests.servers.kinds import Database
from tests.services.seeding import World

pytestmark = pytest.mark.servers
HOOK = {"url": "https://hooks.example.org/x", "types": [TIER_ESCALATED.type]}
REASON = {"reason": "Yearly."}


@pytest.fixture(autouse=True)
def keys(district: District, database: Database) -> None:
    """Secrets are wrapped with keys; nothing is stored or sent here."""
    world = World(database)
    district.app.state.parts = replace(district.app.state.parts, means=world.means)
    world.close()


def made(district: District, **more: Any) -> dict[str, Any]:
    answer = district.post("/webhooks", json={**HOOK, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_secret_is_shown_once_and_kept_wrapped(district: District) -> None:
    key = {"Idempotency-Key": f"hook-{uuid4()}"}
    first = district.post("/webhooks", json=HOOK, headers=key)
    again = district.post("/webhooks", json=HOOK, headers=key)
    secret = first.json()["secret"]
    assert secret.startswith("whsec_")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == {**first.json(), "secret": None}

    async def kept() -> str:
        async with district.sessions.tenant(district.ours.id) as session:
            answers = [row.answer for row in await session.scalars(select(IdempotencyKey))]
            rows = [vars(row) for row in await session.scalars(select(Webhook))]
            return str(answers) + str(rows)

    assert secret not in district.run(kept())
    assert secret not in district.get("/webhooks").text


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://hooks.example.org:22/",
        "https://user:pw@hooks.example.org/",
        "file:///etc/passwd",
        "https://2130706433/",
    ],
)
def test_an_address_that_leads_inside_is_refused(district: District, url: str) -> None:
    refused = district.post("/webhooks", json={**HOOK, "url": url})
    assert (refused.status_code, refused.json()["code"]) == (422, "webhook_target_refused")
    assert "body.url" in refused.json()["fields"]


def test_a_type_that_is_never_published_is_refused(district: District) -> None:
    refused = district.post("/webhooks", json={**HOOK, "types": ["org.handrail.Nonsense.v1"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "event_type_unknown")


def test_a_new_secret_says_how_long_the_old_one_counts(district: District) -> None:
    hook = made(district)
    changed = district.post(f"/webhooks/{hook['id']}/rotate-secret", json={"overlap_hours": 1, **REASON}).json()
    assert changed["secret"] not in {None, hook["secret"]}
    assert changed["previous_secret_until"] == "2026-11-20T10:30:00Z"


def test_deliveries_are_listed_page_by_page_and_replayed(district: District) -> None:
    hook = made(district)
    other = made(district, types=["org.handrail.StageEntered.v1"])

    async def told() -> list[str]:
        ids = []
        for _ in range(3):
            async with district.sessions.tenant(district.ours.id) as session:
                at = datetime.now(UTC)
                named = {n: uuid4() for n in ("escalation_id", "case_id", "instance_id", "student_id", "school_id")}
                data = TierEscalatedData(**named, stage_key="escalate", from_tier=1, to_tier=2, occurred_at=at)
                ids.append(str(await events.emit(session, TIER_ESCALATED, data.case_id, data, at=at)))
        async with district.sessions.tenant(district.ours.id) as session:
            await outbox.number_rows(session, district.ours.id)
        return ids

    ids = district.run(told())
    path = f"/webhooks/{hook['id']}"
    first = district.get(f"{path}/deliveries?limit=2", "integration").json()
    rest = district.get(f"{path}/deliveries?limit=2&cursor={first['next_cursor']}").json()
    assert [row["event_id"] for row in (*first["items"], *rest["items"])] == ids
    assert {row["status"] for row in first["items"]} == {"PENDING"}
    assert district.get(f"{path}/deliveries?status=DEAD").json()["items"] == []
    assert district.get(f"/webhooks/{other['id']}/deliveries").json()["items"] == []
    replayed = district.post(f"{path}/replay", json={"dead_only": False, **REASON}).json()
    assert replayed["events"] == 0, "what still waits is not queued twice"
    gone = district.call("DELETE", path, params={"reason": "Not needed."})
    assert gone.status_code == 200
    assert district.get(f"{path}/deliveries").status_code == 404
    assert hook["id"] not in district.get("/webhooks").text


def test_another_tenant_finds_no_webhook_of_ours(district: District) -> None:
    hook = made(district)
    path = f"/webhooks/{hook['id']}"
    assert hook["id"] in district.get("/webhooks").text, "the control"
    assert hook["id"] not in district.get("/webhooks", tenancy=district.theirs).text
    asked = [
        district.get(f"{path}/deliveries", tenancy=district.theirs),
        district.post(f"{path}/rotate-secret", json=REASON, tenancy=district.theirs),
        district.post(f"{path}/replay", json=REASON, tenancy=district.theirs),
        district.call("DELETE", path, params={"reason": "Not ours."}, tenancy=district.theirs),
    ]
    assert [answer.status_code for answer in asked] == [404] * 4


def test_every_change_is_audited(district: District) -> None:
    hook = made(district)
    district.post(f"/webhooks/{hook['id']}/rotate-secret", json=REASON)
    district.post(f"/webhooks/{hook['id']}/replay", json=REASON)
    district.call("DELETE", f"/webhooks/{hook['id']}", params={"reason": "Not needed."})

    async def verbs() -> list[str]:
        async with district.sessions.tenant(district.ours.id) as session:
            mine = select(AuditEntry).where(AuditEntry.subject_id == hook["id"]).order_by(AuditEntry.seq)
            return [row.verb for row in await session.scalars(mine)]

    wanted = ["create_webhook", "rotate_webhook_secret", "replay_webhook", "remove_webhook"]
    assert district.run(verbs()) == wanted


def test_there_is_a_limit(district: District) -> None:
    for _ in range(25):
        answer = district.post("/webhooks", json=HOOK, tenancy=district.theirs)
        if answer.status_code != 201:
            break
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_webhooks")
