"""`handrail retention`: one person lists, another approves what they saw, then it is carried out."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.retention import app
from models.audit import StudentView
from models.people import Person, RoleAssignment
from models.tenants import Tenant
from tests.cli.running import ran, said
from tests.keys import MASTER_KEYS
from tests.servers.kinds import Database, TemporalDev
from tests.services.seeding import World

pytestmark = pytest.mark.servers


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, database: Database, temporal_dev: TemporalDev) -> Iterator[World]:
    told = {
        "DATABASE_URL": database.app_url,
        "MASTER_KEYS": MASTER_KEYS,
        "PAYLOAD_KEYS": MASTER_KEYS,
        "TEMPORAL_ADDRESS": temporal_dev.address,
    }
    for name, value in told.items():
        monkeypatch.setenv(f"HANDRAIL_{name}", value)
    world = World(database)
    yield world
    world.close()


def test_a_list_is_made_seen_approved_by_another_and_carried_out(world: World, tmp_path: Path) -> None:
    family = world.family()

    async def settle() -> str:
        async with world.sessions.tenant(family.tenant_id) as session:
            for name, role in (("dpo", "dpo"), ("admin", "district_admin"), ("teacher", "teacher")):
                person = Person(subject=name, display_name=name)
                session.add(person)
                await session.flush()
                session.add(RoleAssignment(person_id=person.id, role=role, all_schools=True))
            seen = {"actor_role": "dpo", "actor_display": "D", "request_id": "r", "operation": "read_student"}
            session.add(StudentView(student_id=family.student_id, at=datetime(2015, 1, 1, tzinfo=UTC), **seen))
            return (await session.get_one(Tenant, family.tenant_id)).key

    key = world.run(settle())
    own = ("--tenant", key)
    assert ran(app, "list", "--by", "teacher", *own).exit_code == 2
    file = tmp_path / "list.json"
    made = said(ran(app, "list", "--by", "dpo", "--to", str(file), *own))
    assert json.loads(file.read_text()) == made
    (views,) = (line for line in made["lines"] if line["class"] == "VIEW_LOG")
    assert (views["count"], views["months"], made["status"]) == (1, 36, "LISTED")
    decision = ("--sha256", made["sha256"], "--reason", "Checked with the schools.")
    alone = ran(app, "approve", made["id"], "--by", "dpo", *decision, *own)
    assert (alone.exit_code, "second person" in alone.stderr) == (2, True), alone.output
    assert said(ran(app, "approve", made["id"], "--by", "admin", *decision, *own))["status"] == "APPROVED"
    done = said(ran(app, "carry-out", made["id"], "--by", "dpo", *own))
    assert done["status"] == "DONE"
    assert done["done"][str(made["lines"].index(views))] == {"deleted": 1}
    assert said(ran(app, "show", made["id"], "--by", "admin", *own)) == done
    assert world.rows(family, StudentView) == []
