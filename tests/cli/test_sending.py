"""`handrail sending`: off for what was named, on again, always with a reason and an audit entry."""

import json
from collections.abc import Iterator

import pytest

from cli.sending import app
from models.tenants import Tenant
from services import restores
from services.context import system
from services.entitlement import sending_on
from services.restores import Cause, HoldKind, Restored
from tests.cli.running import asked, ran, said
from tests.keys import MASTER_KEYS
from tests.servers.kinds import Database
from tests.services.seeding import NOW, Family, World

pytestmark = pytest.mark.servers
RESTORED = Restored(Cause.BY_HAND, "restored from Tuesday")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, database: Database) -> Iterator[World]:
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", database.app_url)
    monkeypatch.setenv("HANDRAIL_MASTER_KEYS", MASTER_KEYS)
    world = World(database)
    yield world
    world.close()


def key_of(world: World, family: Family) -> str:
    async def read() -> str:
        async with world.sessions.untenanted() as session:
            return (await session.get_one(Tenant, family.tenant_id)).key

    return world.run(read())


def flows(world: World, family: Family, channel: str) -> bool:
    async def read() -> bool:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await sending_on(session, family.school_id, channel)

    return world.run(read())


def test_a_pause_stops_every_channel_until_it_is_resumed(world: World) -> None:
    family = world.family()
    key = key_of(world, family)
    assert said(ran(app, "pause", "--tenant", key, "--reason", "restored"))["sending"] is False
    assert (flows(world, family, "EMAIL"), flows(world, family, "POST")) == (False, False)
    assert said(ran(app, "status", "--tenant", key))["reason"] == "restored"
    said(ran(app, "resume", "--tenant", key, "--reason", "compared"))
    assert (flows(world, family, "EMAIL"), flows(world, family, "POST")) == (True, True)


def test_the_status_names_what_a_restore_holds_back(world: World) -> None:
    family = world.family()

    async def hold() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            await restores.hold(session, system(family.tenant_id, "cli", "test"), RESTORED, now=NOW)

    world.run(hold())
    lines = [json.loads(line) for line in ran(app, "status", "--tenant", key_of(world, family)).stdout.splitlines()]
    assert {(line["held_after_restore"], line["sending"]) for line in lines} == {(kind, False) for kind in HoldKind}
    assert {(line["cause"], line["detail"]) for line in lines} == {("BY_HAND", "restored from Tuesday")}


def test_one_channel_of_one_school_can_be_paused_alone(world: World) -> None:
    family = world.family()
    arguments = ("--tenant", key_of(world, family), "--school", str(family.school_id), "--channel", "email")
    said(ran(app, "pause", *arguments, "--reason", "the mail server is being moved"))
    assert (flows(world, family, "EMAIL"), flows(world, family, "POST")) == (False, True)


def test_both_stand_in_the_audit_with_their_reason(world: World, database: Database) -> None:
    family = world.family()
    key = key_of(world, family)
    for verb in ("pause", "resume"):
        said(ran(app, verb, "--tenant", key, "--reason", f"{verb}: a drill"))
    written = asked(database, family.tenant_id, "select verb, reason, source from audit_entry order by at, id")
    assert written == [
        ("pause_sending", "pause: a drill", "cli"),
        ("resume_sending", "resume: a drill", "cli"),
    ]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [(("--tenant", "nowhere"), "There is no tenant nowhere"), (("--school", "S404"), "There is no school S404")],
)
def test_an_unknown_place_is_named(world: World, arguments: tuple[str, ...], why: str) -> None:
    named = arguments if "--tenant" in arguments else ("--tenant", key_of(world, world.family()), *arguments)
    result = ran(app, "pause", *named, "--reason", "x")
    assert result.exit_code == 2
    assert why in result.stderr


def test_a_reason_is_asked_for(world: World) -> None:
    assert ran(app, "pause", "--tenant", key_of(world, world.family())).exit_code == 2
