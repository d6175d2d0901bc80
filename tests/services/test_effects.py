"""Effects, idempotency keys and audit entries: once, however many ask at the same time."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DataError

from models.audit import AuditDetail, AuditEntry
from models.session import Sessions, engine_for
from models.tenants import Tenant
from rules.errors import Invalid
from rules.ids import TenantId
from services import audit, effects, idempotency
from services.context import Actor, system
from services.idempotency import Answer, Claim
from tests.keys import opened_on
from tests.servers.kinds import Database

pytestmark = pytest.mark.servers
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


async def a_tenant(sessions: Sessions) -> Actor:
    async with sessions.untenanted() as session:
        tenant = Tenant(key=str(uuid4()), name="A district")
        session.add(tenant)
    return system(TenantId(tenant.id), "workflow", "r-1")


def test_of_twenty_racing_callers_one_has_the_effect(database: Database, runner: asyncio.Runner) -> None:
    async def story() -> None:
        engine = engine_for(database.app_url, pool_size=8)
        sessions = opened_on(engine)
        actor = await a_tenant(sessions)

        async def call() -> bool:
            async with sessions.tenant(actor.tenant_id) as session:
                return await effects.once(session, "att:1:7:letter", "letter")

        won = await asyncio.gather(*[call() for _ in range(20)])
        await engine.dispose()
        assert sum(won) == 1

    runner.run(story())


def test_an_effect_whose_transaction_failed_may_be_tried_again(database: Database, runner: asyncio.Runner) -> None:
    async def story() -> None:
        engine = engine_for(database.app_url)
        sessions = opened_on(engine)
        actor = await a_tenant(sessions)

        async def fails() -> None:
            async with sessions.tenant(actor.tenant_id) as session:
                assert await effects.once(session, "k", "letter")
                await session.execute(text("select 1/0"))

        with pytest.raises(DataError):
            await fails()
        async with sessions.tenant(actor.tenant_id) as session:
            assert await effects.once(session, "k", "letter")
            assert not await effects.once(session, "k", "letter")
        await engine.dispose()

    runner.run(story())


def test_the_same_command_gets_the_same_answer_and_another_body_is_refused(
    database: Database, runner: asyncio.Runner
) -> None:
    async def story() -> None:
        engine = engine_for(database.app_url)
        sessions = opened_on(engine)
        actor = await a_tenant(sessions)
        command, other = Claim("k", "approve", {"a": 1}), Claim("k", "approve", {"a": 2})
        async with sessions.tenant(actor.tenant_id) as session:
            assert await idempotency.claim(session, actor, command, now=NOW) is None
            await idempotency.answer(session, command, Answer(200, {"done": True}))
        async with sessions.tenant(actor.tenant_id) as session:
            assert await idempotency.claim(session, actor, command, now=NOW) == Answer(200, {"done": True})
            with pytest.raises(Invalid, match="another command"):
                await idempotency.claim(session, actor, other, now=NOW)
            assert await idempotency.claim(session, actor, other, now=NOW + timedelta(hours=25)) is None
        await engine.dispose()

    runner.run(story())


def test_an_audit_entry_holds_names_and_hashes_never_values(database: Database, runner: asyncio.Runner) -> None:
    async def story() -> None:
        engine = engine_for(database.app_url)
        sessions = opened_on(engine)
        actor = await a_tenant(sessions)
        act = audit.Act("lift", "contact_stop", reason="over", before={"note": "canary"}, after={"note": None})
        async with sessions.tenant(actor.tenant_id) as session:
            await audit.record(session, actor, act, now=NOW)
        async with sessions.tenant(actor.tenant_id) as session:
            entry = (await session.scalars(select(AuditEntry))).one()
            assert (entry.verb, entry.actor_role, entry.at, list(entry.fields)) == ("lift", "system", NOW, ["note"])
            assert "canary" not in str(entry.fields)
            kept = await session.get_one(AuditDetail, entry.detail_id)
            assert b"canary" not in kept.ciphertext
            detail = await audit.opened(session, actor.tenant_id, kept)
            assert detail is not None
            assert (detail.before, detail.after) == (act.before, act.after)
            assert entry.fields == audit.fingerprints(detail.salt, act)
        await engine.dispose()

    runner.run(story())
