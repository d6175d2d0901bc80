"""`handrail verify artifacts`: says nothing wrong of what is whole, and names each document that is not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import update
from typer.testing import Result

from cli.verify import app
from models.letters import LetterArtifact, StudentKey
from models.tenants import Tenant
from services import letters
from services.letter_merge import Writing
from services.letters import Wish
from tests.cli.running import ran
from tests.keys import MASTER_KEYS
from tests.servers.kinds import Database, MailServer, Store
from tests.services.seeding import BASIS, LETTER_1, Family, World

pytestmark = pytest.mark.servers


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
    assert counted(result) == {"artifacts": 1, "verified": 1, "erased": 0, "mismatches": 0}


@pytest.mark.parametrize("column", ["sha256", "stored_sha256", "storage_path"])
def test_a_document_that_is_not_what_was_recorded_is_named_and_the_status_says_so(world: World, column: str) -> None:
    family, artifact_id = stored(world)
    world.change(family, update(LetterArtifact).values({column: "0" * 64}))
    result = verified(world, family)
    assert result.exit_code == 1
    assert counted(result)["mismatches"] == 1
    assert f"MISMATCH {artifact_id}" in result.stdout


def test_an_erased_document_is_checked_as_far_as_it_can_be(world: World) -> None:
    family, artifact_id = stored(world)
    world.change(family, update(StudentKey).values(wrapped_key=None, destroyed_at=datetime.now(UTC)))
    assert counted(verified(world, family)) == {"artifacts": 1, "verified": 0, "erased": 1, "mismatches": 0}
    world.change(family, update(LetterArtifact).values(stored_sha256="0" * 64))
    result = verified(world, family)
    assert result.exit_code == 1
    assert f"MISMATCH {artifact_id}" in result.stdout
