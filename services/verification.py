"""Proves that every stored document still is what was recorded: the object's hash, and the document's inside it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.letters import LetterArtifact, StudentKey
from rules.errors import NotFound
from services import artifacts
from services.context import Actor
from services.means import Means

PAGE = 200


@dataclass(frozen=True, slots=True)
class Checked:
    """One document; `erased` = its key was destroyed, so that only the stored object could be looked at."""

    artifact_id: UUID
    storage_path: str
    problem: str = ""
    erased: bool = False


async def check_all(means: Means, actor: Actor) -> AsyncIterator[Checked]:
    """Every artifact of the tenant, the oldest first; memory holds one document."""
    last: UUID | None = None
    while True:
        async with means.sessions.tenant(actor.tenant_id) as session:
            page = await _page(session, last)
        for artifact, erased in page:
            yield await (_object_only(means, artifact) if erased else _whole(means, actor, artifact))
        if len(page) < PAGE:
            return
        last = page[-1][0].id


async def _page(session: AsyncSession, after: UUID | None) -> list[tuple[LetterArtifact, bool]]:
    wanted = (
        select(LetterArtifact, StudentKey.destroyed_at)
        .outerjoin(StudentKey, StudentKey.id == LetterArtifact.key_id)
        .order_by(LetterArtifact.id)
        .limit(PAGE)
    )
    if after is not None:
        wanted = wanted.where(LetterArtifact.id > after)
    return [(artifact, destroyed is not None) for artifact, destroyed in await session.execute(wanted)]


async def _whole(means: Means, actor: Actor, artifact: LetterArtifact) -> Checked:
    found = await artifacts.verification(means, actor, artifact.id)
    return Checked(artifact.id, artifact.storage_path, "" if found.verified else found.problem or "it does not verify")


async def _object_only(means: Means, artifact: LetterArtifact) -> Checked:
    """Erased, yet locked: the sealed bytes must still be those that were stored."""
    try:
        sealed = await means.store.get(artifact.storage_path)
    except NotFound as gone:
        return Checked(artifact.id, artifact.storage_path, gone.message, erased=True)
    same = sha256(sealed).hexdigest() == artifact.stored_sha256
    problem = "" if same else "the stored object has another SHA-256"
    return Checked(artifact.id, artifact.storage_path, problem, erased=True)
