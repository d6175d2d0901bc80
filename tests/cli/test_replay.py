"""`handrail replay decision`: the same comes out and the status is 0; anything else is told and it is 1."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import inspect

from cli.replay import app
from models.rulesets import DecisionRow
from models.tenants import Tenant
from tests.cli.running import ran, said
from tests.servers.kinds import Database
from tests.services.seeding import Family, World
from tests.services.test_decisions import WEEK, decided, mark

pytestmark = pytest.mark.servers


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, database: Database) -> Iterator[World]:
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", database.app_url)
    world = World(database)
    yield world
    world.close()


@pytest.fixture
def ill(world: World) -> Family:
    family = world.family()
    mark(world, family, WEEK, "I", "AUTHORISED_ABSENT")
    decided(world, family)
    return family


def key_of(world: World, family: Family) -> str:
    async def read() -> str:
        async with world.sessions.untenanted() as session:
            tenant = await session.get(Tenant, family.tenant_id)
            assert tenant is not None
            return tenant.key

    return world.run(read())


def test_the_same_decision_comes_out(world: World, ill: Family) -> None:
    (row,) = world.rows(ill, DecisionRow)
    line = said(ran(app, "decision", str(row.id), "--tenant", key_of(world, ill)))
    assert (line["decision_id"], line["action"], line["same"]) == (str(row.id), "ADVANCE", True)
    assert line["sentence"] == row.sentence
    irish = said(ran(app, "decision", str(row.id), "--tenant", key_of(world, ill), "--language", "ga"))
    assert "tairseach" in irish["sentence"]


def test_what_comes_out_otherwise_is_told_with_status_1(world: World, ill: Family) -> None:
    (row,) = world.rows(ill, DecisionRow)
    values = {one.key: getattr(row, one.key) for one in inspect(DecisionRow).column_attrs}
    other = uuid4()

    async def write() -> None:
        async with world.sessions.tenant(ill.tenant_id) as session:
            session.add(DecisionRow(**values | {"id": other, "action": "WAIT", "stage_key": None}))

    world.run(write())
    answer = ran(app, "decision", str(other), "--tenant", key_of(world, ill))
    assert answer.exit_code == 1
    assert 'DIFFERS action: recorded "WAIT", now "ADVANCE"' in answer.stdout
    assert 'DIFFERS stage: recorded null, now "contact"' in answer.stdout


def test_an_unknown_id_says_which_ids_there_are(world: World, ill: Family) -> None:
    answer = ran(app, "decision", str(uuid4()), "--tenant", key_of(world, ill))
    assert answer.exit_code == 2
    assert "take the id of a decision" in answer.stderr
