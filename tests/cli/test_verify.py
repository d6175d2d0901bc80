"""`handrail verify artifacts`: says nothing wrong of what is whole, and names each document that is not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from typer.testing import Result

from cli.verify import app
from models.evidence_packs import EvidencePack
from models.instances import Instance
from models.letters import LetterArtifact, StudentKey
from models.tenants import Tenant
from services import artifacts, audit_chain, letters
from services.artifacts import Paper
from services.letter_merge import Writing
from services.letters import Wish
from services.student_keys import data_key
from tests.cli.running import ran
from tests.keys import MASTER_KEYS
from tests.servers.kinds import Database, MailServer, Store
from tests.services.seeding import BASIS, LETTER_1, Family, World

pytestmark = pytest.mark.servers
NOTHING = {"artifacts": 0, "evidence_packs": 0, "anchors": 0, "verified": 0, "erased": 0, "mismatches": 0}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, database: Database, s3: Store, smtp: MailServer) -> Iterator[World]:
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
    world = World(database, s3, smtp)
    yield world
    world.close()


def stored(world: World) -> tuple[Family, UUID]:
    """A family and its letter in the store."""
    family = world.family()

    async def write() -> UUID:
        async with world.sessions.tenant(family.tenant_id) as session:
            wish = Wish("LETTER_1_ATTENDANCE", LETTER_1.key, channels=LETTER_1.channels)
            (one,) = await letters.plan(session, family.case(f"{family.instance_id}/1"), wish)
        writing = Writing(one.guardian_id, one.language, BASIS)
        return (
            await letters.issue(world.means, family.case(f"{family.instance_id}/2"), one.message_id, writing)
        ).artifact_id

    return family, world.run(write())


def verified(world: World, family: Family) -> Result:
    async def key() -> str:
        async with world.sessions.untenanted() as session:
            return (await session.get_one(Tenant, family.tenant_id)).key

    return ran(app, "artifacts", "--tenant", world.run(key()))


def counted(result: Result) -> dict[str, int]:
    counts: dict[str, int] = json.loads(result.stdout.splitlines()[-1])
    return counts


def test_documents_that_are_what_was_recorded_verify(world: World) -> None:
    family, _ = stored(world)
    result = verified(world, family)
    assert result.exit_code == 0, result.output
    assert counted(result) == NOTHING | {"artifacts": 1, "verified": 1}


@pytest.mark.parametrize("column", ["sha256", "stored_sha256", "storage_path"])
def test_a_document_that_is_not_what_was_recorded_is_named_and_the_status_says_so(world: World, column: str) -> None:
    family, artifact_id = stored(world)
    world.change(family, update(LetterArtifact).values({column: "0" * 64}))
    result = verified(world, family)
    assert result.exit_code == 1
    assert counted(result)["mismatches"] == 1
    assert f"MISMATCH {artifact_id}" in result.stdout


def test_a_document_without_its_key_is_named_and_the_others_are_still_read(world: World) -> None:
    family, artifact_id = stored(world)
    world.change(family, update(LetterArtifact).values(key_id=None))
    world.run(packed(world, family))
    result = verified(world, family)
    assert counted(result) == NOTHING | {"artifacts": 2, "evidence_packs": 1, "verified": 1, "mismatches": 1}
    assert f"MISMATCH {artifact_id}" in result.stdout


def test_an_erased_document_is_checked_as_far_as_it_can_be(world: World) -> None:
    family, artifact_id = stored(world)
    world.change(family, update(StudentKey).values(wrapped_key=None, destroyed_at=datetime.now(UTC)))
    assert counted(verified(world, family)) == NOTHING | {"artifacts": 1, "erased": 1}
    world.change(family, update(LetterArtifact).values(stored_sha256="0" * 64))
    result = verified(world, family)
    assert result.exit_code == 1
    assert f"MISMATCH {artifact_id}" in result.stdout


async def packed(world: World, family: Family) -> UUID:
    """An evidence pack of the family's child in the store."""
    means, now = world.means, datetime.now(UTC)
    async with world.sessions.tenant(family.tenant_id) as session:
        key = await data_key(session, means.keyring, family.tenant_id, family.student_id, "evidence")
        instance = await session.get_one(Instance, family.instance_id)
    paper = Paper(uuid4(), now.year, b"%PDF-1.4 pages", 1, "test")
    shelved = await artifacts.shelve(means, family.tenant_id, key, paper, now=now)
    facts = {name: getattr(shelved, name) for name in ("sha256", "stored_sha256", "size_bytes", "pages", "engine")}
    row = EvidencePack(
        id=shelved.artifact_id,
        student_id=family.student_id,
        school_id=family.school_id,
        case_id=instance.case_id,
        kind="INTERNAL_MEETING",
        key_id=key.id,
        storage_path=shelved.path,
        prepared_at=now,
        **facts,
    )
    async with world.sessions.tenant(family.tenant_id) as session:
        session.add(row)
    return shelved.artifact_id


async def anchored(world: World, family: Family) -> None:
    """What the sealer does while the worker runs."""
    async with world.sessions.tenant(family.tenant_id) as session:
        await audit_chain.seal(session, family.tenant_id)
    assert await audit_chain.anchor(world.sessions, world.means.store, family.tenant_id, now=datetime.now(UTC))


def test_evidence_packs_and_anchors_are_checked_as_letters_are(world: World) -> None:
    family, _ = stored(world)
    pack_id = world.run(packed(world, family))
    world.run(anchored(world, family))
    whole = NOTHING | {"artifacts": 3, "evidence_packs": 1, "anchors": 1, "verified": 3}
    assert counted(verified(world, family)) == whole
    for column in ("sha256", "stored_sha256", "storage_path"):
        before = {name: value for name, value in world.run(kept(world, family)).items() if name == column}
        world.change(family, update(EvidencePack).values({column: "0" * 64}))
        result = verified(world, family)
        assert result.exit_code == 1
        assert f"MISMATCH {pack_id}" in result.stdout
        world.change(family, update(EvidencePack).values(before))
    world.change(family, update(StudentKey).values(wrapped_key=None, destroyed_at=datetime.now(UTC)))
    assert counted(verified(world, family)) == whole | {"verified": 1, "erased": 2}


async def kept(world: World, family: Family) -> dict[str, str]:
    """The pack's row as it was recorded."""
    async with world.sessions.tenant(family.tenant_id) as session:
        row = (await session.scalars(select(EvidencePack))).one()
        return {name: getattr(row, name) for name in ("sha256", "stored_sha256", "storage_path")}


def test_an_anchor_that_was_rewritten_is_named(world: World, s3: Store) -> None:
    family, _ = stored(world)
    world.run(anchored(world, family))
    path = audit_chain.anchor_path(family.tenant_id, 1)
    s3.client.put_object(Bucket=s3.bucket, Key=path, Body=b"{}")  # a new version: the locked one stays below it
    result = verified(world, family)
    assert result.exit_code == 1
    assert f"{path}: the stored object has another SHA-256" in result.stdout
