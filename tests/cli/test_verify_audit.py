"""`handrail verify audit`: whatever a superuser does to the trail, the place is named and the status says so."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import update
from typer.testing import Result

from cli.verify import app
from deploy.local.postgres import Server
from models.letters import StudentKey
from models.tenants import Tenant
from orchestration.sealer import Sealer
from rules.audit.chain import SEALED_FIELDS, Link
from services import audit
from services.audit import Act
from services.context import system
from tests.cli.running import ran
from tests.keys import MASTER_KEYS
from tests.servers.kinds import Database, Store
from tests.services.seeding import NOW, Family, World

pytestmark = pytest.mark.servers
MANY = 5


@dataclass
class Trail:
    """A tenant with five sealed entries, the first three of them anchored, and a superuser."""

    world: World
    family: Family
    superuser: psycopg.Connection[Any]
    entries: list[UUID]
    key: str

    def write(self, many: int) -> list[UUID]:
        async def written() -> list[UUID]:
            actor, student = system(self.family.tenant_id, "workflow", "r"), self.family.student_id
            async with self.world.sessions.tenant(self.family.tenant_id) as session:
                acts = [Act("edit", "student", student, student, after={"number": number}) for number in range(many)]
                return [await audit.record(session, actor, act, now=NOW) for act in acts]

        return self.world.run(written())

    def seal(self, *, days: int = 0, anchored: bool = False) -> None:
        sealer = Sealer(self.world.sessions, self.world.means.store, lambda: NOW + timedelta(days=days))
        self.world.run(sealer.round())
        if anchored:
            self.world.run(sealer.anchor_all())

    def tamper(self, statement: str, *given: object) -> None:
        self.superuser.execute(statement.encode(), given)

    def rewrite(self) -> None:
        """Make every seal anew over what is there now, as somebody would who knows the format."""
        tenant = self.family.tenant_id
        columns = ", ".join(f"e.{name}" for name in SEALED_FIELDS)
        found = self.superuser.execute(
            f"select s.id, {columns} from audit_seal s join audit_entry e on e.id = s.entry_id "
            "where s.tenant_id = %s order by s.position".encode(),
            [tenant],
        ).fetchall()
        link = Link()
        for seal_id, *entry in found:
            following = link.next(tenant, dict(zip(SEALED_FIELDS, entry, strict=True)))
            self.tamper(
                "update audit_seal set position = %s, previous_hash = %s, hash = %s where id = %s",
                following.position,
                link.hash,
                following.hash,
                seal_id,
            )
            link = following

    def verified(self) -> Result:
        return ran(app, "audit", "--tenant", self.key)


@pytest.fixture
def trail(monkeypatch: pytest.MonkeyPatch, postgres: Server, database: Database, s3: Store) -> Iterator[Trail]:
    told = {
        "DATABASE_URL": database.app_url,
        "S3_ENDPOINT": s3.endpoint,
        "S3_BUCKET": s3.bucket,
        "S3_REGION": s3.region,
        "S3_ACCESS_KEY": s3.access_key,
        "S3_SECRET_KEY": s3.secret_key,
        "MASTER_KEYS": MASTER_KEYS,
    }
    for name, value in told.items():
        monkeypatch.setenv(f"HANDRAIL_{name}", value)
    world = World(database, s3)
    family = world.family()

    async def key() -> str:
        async with world.sessions.untenanted() as session:
            return (await session.get_one(Tenant, family.tenant_id)).key

    with psycopg.connect(postgres.dsn(database.name), autocommit=True) as superuser:
        superuser.execute("set session_replication_role = replica")  # no trigger, no foreign key stands in the way
        trail = Trail(world, family, superuser, [], world.run(key()))
        trail.entries += trail.write(3)
        trail.seal(anchored=True)
        trail.entries += trail.write(MANY - 3)
        trail.seal()
        yield trail
    world.close()


def faults(result: Result, trail: Trail) -> list[str]:
    assert result.exit_code == 1, result.output
    lines = [line for line in result.stdout.splitlines() if line.startswith("FAULT")]
    return [line.removeprefix(f"FAULT {trail.key} ") for line in lines]


def counted(result: Result) -> dict[str, Any]:
    counts: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return counts


def test_an_untouched_trail_verifies_and_young_entries_are_counted(trail: Trail) -> None:
    trail.write(2)
    result = trail.verified()
    assert result.exit_code == 0, result.output
    said = counted(result)
    assert (said["checked"], said["position"], said["anchors"], said["unsealed"]) == (MANY, MANY, 1, 2)
    assert said["oldest_unsealed"]


def test_erased_details_stay_valid(trail: Trail) -> None:
    trail.world.change(trail.family, update(StudentKey).values(wrapped_key=None, destroyed_at=NOW))
    assert trail.verified().exit_code == 0


@pytest.mark.parametrize("column", ["reason", "actor_display", "verb"])
def test_an_edited_entry(trail: Trail, column: str) -> None:
    trail.tamper(f"update audit_entry set {column} = 'something else' where id = %s", trail.entries[1])
    assert faults(trail.verified(), trail) == [f"entry_changed position 2 entry {trail.entries[1]}"]


def test_a_deleted_entry(trail: Trail) -> None:
    trail.tamper("delete from audit_entry where id = %s", trail.entries[3])
    assert faults(trail.verified(), trail) == [f"entry_deleted position 4 entry {trail.entries[3]}"]


def test_an_entry_deleted_with_its_seal(trail: Trail) -> None:
    trail.tamper("delete from audit_entry where id = %s", trail.entries[3])
    trail.tamper("delete from audit_seal where entry_id = %s", trail.entries[3])
    assert faults(trail.verified(), trail) == ["seal_deleted position 4"]


def test_an_entry_deleted_before_its_seal(trail: Trail) -> None:
    (young,) = trail.write(1)
    trail.tamper("delete from audit_entry where id = %s", young)
    trail.seal()
    assert faults(trail.verified(), trail) == [f"entry_deleted entry {young}"]


def test_an_inserted_entry(trail: Trail) -> None:
    (forged,) = trail.superuser.execute(
        "insert into audit_entry (tenant_id, at, actor_role, actor_display, source, request_id, verb, subject_kind) "
        "values (%s, now(), 'school_leader', 'A. Leader', 'api', 'r', 'approve', 'instance') returning id",
        [trail.family.tenant_id],
    ).fetchone() or (None,)
    trail.seal()
    assert faults(trail.verified(), trail) == [f"entry_inserted entry {forged}"]


def test_two_entries_in_each_others_place(trail: Trail) -> None:
    first, second = trail.entries[3], trail.entries[4]
    for now, then in ((first, UUID(int=0)), (second, first), (UUID(int=0), second)):
        trail.tamper("update audit_seal set entry_id = %s where entry_id = %s", then, now)
    assert faults(trail.verified(), trail) == [
        f"entry_changed position 4 entry {second}",
        f"entry_changed position 5 entry {first}",
    ]


def test_a_tail_cut_off_beyond_an_anchor(trail: Trail) -> None:
    trail.tamper("delete from audit_entry where id = any(%s)", trail.entries[1:])
    trail.tamper("delete from audit_seal where entry_id = any(%s)", trail.entries[1:])
    assert faults(trail.verified(), trail) == ["cut_off position 2", "cut_off position 3"]


def test_seals_cut_off_leave_entries_that_nobody_sealed(trail: Trail) -> None:
    trail.tamper("delete from audit_seal where entry_id = %s", trail.entries[4])
    assert faults(trail.verified(), trail) == [f"entry_inserted entry {trail.entries[4]}"]


def test_a_detail_put_in_anothers_place(trail: Trail) -> None:
    trail.tamper(
        "update audit_detail set ciphertext = (select d.ciphertext from audit_detail d join audit_entry e "
        "on e.detail_id = d.id where e.id = %s) where id = (select detail_id from audit_entry where id = %s)",
        trail.entries[3],
        trail.entries[2],
    )
    assert faults(trail.verified(), trail) == [f"detail_changed position 3 entry {trail.entries[2]}"]


def test_a_deleted_detail(trail: Trail) -> None:
    trail.tamper(
        "delete from audit_detail where id = (select detail_id from audit_entry where id = %s)", trail.entries[0]
    )
    assert faults(trail.verified(), trail) == [f"detail_deleted position 1 entry {trail.entries[0]}"]


def test_an_entry_edited_and_every_seal_made_anew_after_an_anchor(trail: Trail) -> None:
    trail.tamper("update audit_entry set reason = 'something else' where id = %s", trail.entries[1])
    trail.rewrite()
    assert faults(trail.verified(), trail) == [f"rewritten position 2 entry {trail.entries[1]}"]


def test_an_anchored_entry_deleted_and_every_seal_made_anew(trail: Trail) -> None:
    trail.tamper("delete from audit_entry where id = %s", trail.entries[0])
    trail.tamper("delete from audit_seal where entry_id = %s", trail.entries[0])
    trail.rewrite()
    assert faults(trail.verified(), trail) == [f"rewritten position 1 entry {trail.entries[1]}"]


def test_a_seal_changed_by_itself(trail: Trail) -> None:
    trail.tamper("update audit_seal set hash = %s where entry_id = %s", "f" * 64, trail.entries[3])
    assert faults(trail.verified(), trail) == [f"seal_changed position 4 entry {trail.entries[3]}"]
