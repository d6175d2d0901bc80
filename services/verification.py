"""Proves that every stored object still is what was recorded: its hash, and for documents the one inside it too."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.audit import AuditAnchor
from models.evidence_packs import EvidencePack
from models.letters import LetterArtifact, StudentKey
from rules.errors import NotFound
from services import artifacts
from services.artifacts import StoredPaper
from services.context import Actor
from services.means import Means

PAGE: Final = 200
PAPERS: Final[dict[str, type[StoredPaper]]] = {"letters": LetterArtifact, "evidence_packs": EvidencePack}
ANCHORS: Final = "anchors"


@dataclass(frozen=True, slots=True)
class Checked:
    """One object; `erased` = its key was destroyed, so that only the stored object could be looked at."""

    kind: str
    object_id: UUID
    storage_path: str
    problem: str = ""
    erased: bool = False


async def check_all(means: Means, actor: Actor) -> AsyncIterator[Checked]:
    """Every object of the tenant, kind by kind, the oldest first; memory holds one of them."""
    for kind, table in PAPERS.items():
        async for one in _papers(means, actor, kind, table):
            yield one
    async for one in _anchors(means, actor):
        yield one


async def _papers(means: Means, actor: Actor, kind: str, table: type[StoredPaper]) -> AsyncIterator[Checked]:
    last: UUID | None = None
    while True:
        async with means.sessions.tenant(actor.tenant_id) as session:
            page = await _page(session, table, last)
        for paper, erased in page:
            problem = await (
                _object(means, paper.storage_path, paper.stored_sha256) if erased else _whole(means, actor, paper)
            )
            yield Checked(kind, paper.id, paper.storage_path, problem, erased)
        if len(page) < PAGE:
            return
        last = page[-1][0].id


async def _page(session: AsyncSession, table: type[StoredPaper], after: UUID | None) -> list[tuple[StoredPaper, bool]]:
    wanted: Select[Any, datetime | None] = (
        select(table, StudentKey.destroyed_at)
        .outerjoin(StudentKey, StudentKey.id == table.key_id)
        .order_by(table.id)
        .limit(PAGE)
    )
    if after is not None:
        wanted = wanted.where(table.id > after)
    return [(paper, destroyed is not None) for paper, destroyed in await session.execute(wanted)]


async def _anchors(means: Means, actor: Actor) -> AsyncIterator[Checked]:
    """The anchors as objects; whether the chain still agrees with them is `verify audit`."""
    async with means.sessions.tenant(actor.tenant_id) as session:
        rows = (await session.scalars(select(AuditAnchor).order_by(AuditAnchor.number))).all()
    for row in rows:
        yield Checked(ANCHORS, row.id, row.storage_path, await _object(means, row.storage_path, row.sha256))


async def _whole(means: Means, actor: Actor, paper: StoredPaper) -> str:
    found = await artifacts.examined(means, actor, paper)
    return "" if found.verified else found.problem or "it does not verify"


async def _object(means: Means, path: str, expected: str) -> str:
    """What is wrong with the bytes as they are stored; of an erased, yet locked document nothing more can be said."""
    try:
        stored = await means.store.get(path)
    except NotFound as gone:
        return gone.message
    return "" if sha256(stored).hexdigest() == expected else "the stored object has another SHA-256"
