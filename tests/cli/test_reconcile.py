"""`handrail reconcile`: who decides after a restore is named, may decide, and says why."""

from collections.abc import Iterator

import pytest

from cli.reconcile import command
from models.restores import RestoreHold
from models.tenants import Tenant
from tests.cli.running import ran
from tests.keys import MASTER_KEYS
from tests.servers.kinds import Database
from tests.services.seeding import World

pytestmark = pytest.mark.servers


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, database: Database) -> Iterator[World]:
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", database.app_url)
    monkeypatch.setenv("HANDRAIL_MASTER_KEYS", MASTER_KEYS)
    world = World(database)
    yield world
    world.close()


@pytest.mark.parametrize("wish", [("--hold",), ("--release", "IN_DOUBT", "--by", "admin")], ids=["hold", "release"])
def test_a_decision_without_a_name_or_a_reason_is_refused(world: World, wish: tuple[str, ...]) -> None:
    family = world.family()
    refused = ran(command, *wish)
    assert (refused.exit_code, world.rows(family, RestoreHold)) == (2, [])
    assert "--by" in refused.output


def test_somebody_who_may_not_turn_the_sending_switch_decides_nothing(world: World) -> None:
    family = world.family()

    async def read() -> str:
        async with world.sessions.untenanted() as session:
            return (await session.get_one(Tenant, family.tenant_id)).key

    key = world.run(read())
    refused = ran(command, "--hold", "--tenant", key, "--by", "officer", "--reason", "restored")
    assert (refused.exit_code, world.rows(family, RestoreHold)) == (2, [])
    assert "may not turn the sending switch" in refused.output
