"""Artifacts: sealed, stored write-once under a derived id, recorded with both hashes, read back and verified."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.keyring import open_sealed, seal
from gateways.ports import StoredObject, WrongKey
from models.evidence_packs import EvidencePack
from models.letters import LetterArtifact
from rules.errors import Conflict, NotFound
from services.audit import Act, record
from services.context import Actor
from services.means import Means
from services.student_keys import DataKey, key_of

ARTIFACTS = UUID("0d9f7e0a-3c53-5b0e-8f0b-5f6f6c1f9a11")  # namespace: the same effect key is the same artifact
StoredPaper = LetterArtifact | EvidencePack
KEPT_FOR = timedelta(days=365)  # the lock of the class "letters"; erasure destroys the key, not the object


@dataclass(frozen=True, slots=True)
class Paper:
    """A drawn document about to be stored; `year` stands in its path and stays the same over retries."""

    artifact_id: UUID
    year: int
    content: bytes
    pages: int
    engine: str


@dataclass(frozen=True, slots=True)
class Shelved:
    """Where the sealed document lies and what it weighs."""

    artifact_id: UUID
    path: str
    sha256: str
    stored_sha256: str
    size_bytes: int
    pages: int
    engine: str
    key_id: UUID


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the stored object and the document in it still are what was recorded."""

    artifact_id: UUID
    verified: bool
    sha256: str
    stored_sha256: str
    problem: str = ""


def artifact_id_for(effect_key: str) -> UUID:
    """Derived, so that a retry finds its own object."""
    return uuid5(ARTIFACTS, effect_key)


async def shelve(means: Means, tenant_id: UUID, key: DataKey, paper: Paper, *, now: datetime) -> Shelved:
    """Seal and store once; a retry with the same bytes finds them there. No transaction is open meanwhile."""
    path = f"{tenant_id}/letters/{paper.year}/{paper.artifact_id}"
    sealed = await means.threads.run(lambda: seal(key.plain, paper.artifact_id, paper.content))
    stored: StoredObject = await means.store.put_once(
        path, sealed, sha256=sha256(sealed).hexdigest(), retain_until=now + KEPT_FOR
    )
    return Shelved(
        paper.artifact_id,
        path,
        sha256(paper.content).hexdigest(),
        stored.sha256,
        len(paper.content),
        paper.pages,
        paper.engine,
        key.id,
    )


async def enter(
    session: AsyncSession, actor: Actor, shelved: Shelved, facts: dict[str, Any], *, now: datetime
) -> LetterArtifact:
    """Record a stored document once; `facts` are the row's other columns (kind, student, template, merge data)."""
    made = await session.scalar(
        insert(LetterArtifact)
        .values(
            id=shelved.artifact_id,
            storage_path=shelved.path,
            sha256=shelved.sha256,
            stored_sha256=shelved.stored_sha256,
            size_bytes=shelved.size_bytes,
            pages=shelved.pages,
            engine=shelved.engine,
            key_id=shelved.key_id,
            generated_at=now,
            **facts,
        )
        .on_conflict_do_nothing()
        .returning(LetterArtifact.id)
    )
    row = await one(session, shelved.artifact_id)
    if made:
        act = Act(
            "store_artifact",
            "letter_artifact",
            row.id,
            row.student_id,
            after={"sha256": row.sha256, "stored_sha256": row.stored_sha256, "kind": row.kind},
        )
        await record(session, actor, act, now=now)
    return row


async def one(session: AsyncSession, artifact_id: UUID) -> LetterArtifact:
    """An artifact of this tenant, or NotFound."""
    found = await session.get(LetterArtifact, artifact_id)
    if found is None:
        raise NotFound("artifact_not_found", f"There is no artifact {artifact_id} here.")
    return found


async def by_effect(session: AsyncSession, effect_key: str) -> LetterArtifact | None:
    """What an earlier try of the same effect recorded."""
    return (await session.scalars(select(LetterArtifact).where(LetterArtifact.effect_key == effect_key))).first()


async def content(means: Means, actor: Actor, artifact_id: UUID, *, now: datetime, why: str = "download") -> bytes:
    """The document itself, both hashes checked; every reading leaves an audit entry. Conflict if it was changed."""
    async with means.sessions.tenant(actor.tenant_id) as session:
        row = await one(session, artifact_id)
        key = await key_of(session, means.keyring, actor.tenant_id, row.key_id)
        await record(session, actor, Act("read_artifact", "letter_artifact", row.id, row.student_id, why), now=now)
    plain, problem = await opened(means, row, key)
    if problem:
        raise Conflict("artifact_changed", f"Artifact {artifact_id} is not what was stored: {problem}. Do not use it.")
    return plain


async def verification(means: Means, actor: Actor, artifact_id: UUID) -> Verification:
    """Read the object, open it, compare both hashes with the record; a finding is an answer, not an error."""
    async with means.sessions.tenant(actor.tenant_id) as session:
        row = await one(session, artifact_id)
    return await examined(means, actor, row)


async def examined(means: Means, actor: Actor, row: StoredPaper) -> Verification:
    """The same for any stored document whose row is at hand."""
    async with means.sessions.tenant(actor.tenant_id) as session:
        try:
            key = await key_of(session, means.keyring, actor.tenant_id, row.key_id)
        except (Conflict, NotFound, WrongKey) as closed:
            return Verification(row.id, verified=False, sha256="", stored_sha256="", problem=str(closed))
    try:
        sealed = await means.store.get(row.storage_path)
    except NotFound as gone:
        return Verification(row.id, verified=False, sha256="", stored_sha256="", problem=gone.message)
    plain, problem = await means.threads.run(lambda: _compared(row, key, sealed))
    return Verification(
        row.id, not problem, sha256(plain).hexdigest() if plain else "", sha256(sealed).hexdigest(), problem
    )


async def opened(means: Means, row: StoredPaper, key: DataKey) -> tuple[bytes, str]:
    """The document, both hashes compared, and what is wrong with it if anything is."""
    sealed = await means.store.get(row.storage_path)
    return await means.threads.run(lambda: _compared(row, key, sealed))


def _compared(row: StoredPaper, key: DataKey, sealed: bytes) -> tuple[bytes, str]:
    if sha256(sealed).hexdigest() != row.stored_sha256:
        return b"", "the stored object has another SHA-256"
    try:
        plain = open_sealed(key.plain, row.id, sealed)
    except WrongKey as closed:
        return b"", str(closed)
    if sha256(plain).hexdigest() != row.sha256:
        return plain, "the document has another SHA-256"
    return plain, ""
