"""The export of a tenant: everything of it and nothing of another's, hashes that hold, no formula, no key."""

import csv
import hashlib
import io
import json
import zipfile
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from models.letters import LetterArtifact, StudentKey
from models.students import Student
from models.tables import tenant_tables
from models.webhooks import Webhook
from services import artifacts, audit, tenant_export
from services.artifacts import Paper, artifact_id_for
from services.audit import Act
from services.context import system
from services.student_keys import LETTERS, data_key
from tests.services.seeding import NOW, Family, World, grace, henry

pytestmark = pytest.mark.servers
PDF = b"%PDF-1.7 a letter"


async def paper(world: World, family: Family, name: str, content: bytes) -> UUID:
    """A stored document of the family's student."""
    async with world.sessions.tenant(family.tenant_id) as session:
        key = await data_key(session, world.means.keyring, family.tenant_id, family.student_id, LETTERS)
    made = Paper(artifact_id_for(f"{family.instance_id}/{name}"), 2026, content, 1, "test")
    shelved = await artifacts.shelve(world.means, family.tenant_id, key, made, now=NOW)
    facts = {"student_id": family.student_id, "school_id": family.school_id, "language": "en"}
    async with world.sessions.tenant(family.tenant_id) as session:
        actor = system(family.tenant_id, "cli", "test")
        await artifacts.enter(session, actor, shelved, facts, now=NOW)
    return made.artifact_id


def exported(world: World, family: Family) -> zipfile.ZipFile:
    async def collect() -> bytes:
        actor = system(family.tenant_id, "cli", "test")
        return b"".join([piece async for piece in tenant_export.exported(world.means, actor, now=NOW)])

    found = zipfile.ZipFile(io.BytesIO(world.run(collect())))
    assert found.testzip() is None
    return found


def table(archive: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(f"tables/{name}.csv").decode(), newline="")))


def manifest(archive: zipfile.ZipFile) -> Any:
    return json.loads(archive.read("manifest.json"))


def change(world: World, family: Family, statement: Any) -> None:
    async def work() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            await session.execute(statement)

    world.run(work())


def test_everything_of_the_tenant_is_there_with_hashes_that_hold(world: World) -> None:
    family = world.family(grace())
    artifact_id = world.run(paper(world, family, "one", PDF))
    archive = exported(world, family)
    assert archive.read(f"documents/{artifact_id}.pdf") == PDF
    (student,) = table(archive, "student")
    assert student["id"] == str(family.student_id)
    assert "export_tenant" in {entry["verb"] for entry in table(archive, "audit_entry")}, "who took it out is recorded"
    left_out = {one.name for one in tenant_tables()} - {name[7:-4] for name in archive.namelist() if "tables/" in name}
    assert left_out == {"student_key", "idempotency_key", "audit_unsealed", "stale_attendance", "event_cursor"}
    listed = {one["name"]: one for one in manifest(archive)["files"]}
    assert set(listed) == set(archive.namelist()) - {"manifest.json"}
    for name, said in listed.items():
        content = archive.read(name)
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (said["sha256"], said["bytes"]), name
    assert manifest(archive)["missing"] == []


def test_nothing_of_another_tenant_is_in_it(world: World) -> None:
    ours, theirs = world.family(grace()), world.family(henry())
    world.run(paper(world, theirs, "theirs", b"%PDF-1.7 theirs"))

    def all_of(archive: zipfile.ZipFile) -> str:
        return "".join(archive.read(name).decode("latin-1") for name in archive.namelist())

    assert "Canarytwo" not in all_of(exported(world, ours))
    assert "Canarytwo" in all_of(exported(world, theirs)), "the control: it would have been seen"


def test_no_cell_is_a_formula(world: World) -> None:
    family = world.family(grace())
    evil = '=HYPERLINK("http://evil.example.org","x")'
    change(world, family, update(Student).where(Student.id == family.student_id).values(first_name=evil))
    (student,) = table(exported(world, family), "student")
    assert student["first_name"] == f"'{evil}"


def test_what_was_erased_stays_erased_and_is_named(world: World) -> None:
    family = world.family(grace())
    artifact_id = world.run(paper(world, family, "gone", PDF))

    async def act() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            said = Act("change", "student", family.student_id, family.student_id, after={"name": "Canary Name"})
            await audit.record(session, system(family.tenant_id, "cli", "test"), said, now=NOW)

    world.run(act())
    before = exported(world, family)
    assert "Canary Name" in before.read("audit_details.jsonl").decode(), "the control: values are opened"
    destroyed = update(StudentKey).where(StudentKey.student_id == family.student_id)
    change(world, family, destroyed.values(wrapped_key=None, destroyed_at=NOW))
    after = exported(world, family)
    assert f"documents/{artifact_id}.pdf" not in after.namelist()
    assert [one["document"] for one in manifest(after)["missing"]] == [str(artifact_id)]
    details = after.read("audit_details.jsonl").decode()
    assert "Canary Name" not in details
    assert '"erased": true' in details


def test_no_key_and_no_secret_leaves(world: World) -> None:
    family = world.family(grace())

    async def hook() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            session.add(Webhook(url="https://hooks.example.org/", secret=b"canary-secret", secret_key_id="test"))

    world.run(hook())
    (row,) = table(exported(world, family), "webhook")
    assert row["url"] == "https://hooks.example.org/"
    assert not {"secret", "previous_secret"} & row.keys()


def test_an_object_that_is_gone_is_named_and_the_rest_still_comes(world: World) -> None:
    family = world.family(grace())
    kept = world.run(paper(world, family, "kept", PDF))
    lost = world.run(paper(world, family, "lost", PDF + b"2"))
    moved = update(LetterArtifact).where(LetterArtifact.id == lost).values(storage_path="nowhere/at/all")
    change(world, family, moved)
    archive = exported(world, family)
    assert f"documents/{kept}.pdf" in archive.namelist()
    assert [one["document"] for one in manifest(archive)["missing"]] == [str(lost)]
