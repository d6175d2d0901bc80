"""Seals audit entries into the tenant's hash chain, and anchors the chain in write-once storage once a day.

An anchor holds the hash of every position since the one before it. So even a chain that was rewritten as a whole,
seals and all, is found out, and the first entry that was touched is found with it.
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.ports import ObjectStore
from models.audit import AuditAnchor
from models.queries import audit_chain as chain
from models.session import Sessions
from rules.audit.chain import FORMAT, GENESIS
from rules.errors import Conflict, NotFound

log = logging.getLogger("handrail.audit")
AT_ONCE: Final = 500
LONGEST_ANCHOR: Final = 50_000  # positions in one anchor: 3 MB; the next one follows at once
KEPT_FOR: Final = timedelta(days=10 * 365)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A stretch of the chain as the store holds it: `hashes[0]` is that of `first_position`."""

    number: int
    first_position: int
    hashes: tuple[str, ...]
    previous: str
    path: str
    sha256: str

    @property
    def last_position(self) -> int:
        return self.first_position + len(self.hashes) - 1


async def seal(session: AsyncSession, tenant_id: UUID, many: int = AT_ONCE) -> int:
    """Seal the oldest entries that wait; 0 when there are none, or another sealer has this tenant."""
    if not await chain.locked(session, tenant_id):
        return 0
    link = await chain.head(session)
    seals: list[dict[str, Any]] = []
    for entry in await chain.take(session, many):
        following = link.next(tenant_id, entry)
        seals.append(
            {
                "position": following.position,
                "entry_id": entry["id"],
                "previous_hash": link.hash,
                "hash": following.hash,
            }
        )
        link = following
    if seals:
        await chain.append(session, seals)
    return len(seals)


async def anchor(
    sessions: Sessions, store: ObjectStore, tenant_id: UUID, *, now: datetime, at_once: bool = False
) -> Anchor | None:
    """Write what the chain gained since the last anchor; None: nothing to do, or there is one of today already.

    Conflict("chain_cut") when the store holds anchors that the chain no longer reaches: a restored database, or worse.
    """
    async with sessions.tenant(tenant_id) as session:
        last = await chain.last_anchor(session)
        head = await chain.head(session)
        stands_at, number = (last.last_position, last.number) if last else (0, 0)
        if head.position < stands_at:
            raise _cut(tenant_id, f"ends at {head.position} and an anchor up to {stands_at} is remembered")
        full = at_once or head.position - stands_at >= LONGEST_ANCHOR
        if head.position == stands_at or (last and last.written_at.date() >= now.date() and not full):
            return None
        to = min(head.position, stands_at + LONGEST_ANCHOR)
        hashes = tuple(await chain.hashes(session, stands_at + 1, to))
    made = _packed(tenant_id, number + 1, stands_at + 1, hashes, last.hash if last else GENESIS)
    content = made[1]
    try:
        await store.put_once(made[0].path, content, sha256=made[0].sha256, retain_until=now + KEPT_FOR)
        written = made[0]
    except Conflict:  # an earlier try, or another worker, wrote it with fewer or more entries: that one holds
        written = await _adopted(sessions, store, tenant_id, made[0])
    async with sessions.tenant(tenant_id) as session:
        await _remember(session, written, now)
    return written


def _packed(tenant_id: UUID, number: int, first: int, hashes: tuple[str, ...], previous: str) -> tuple[Anchor, bytes]:
    said = {
        "format": FORMAT,
        "tenant": str(tenant_id),
        "number": number,
        "first_position": first,
        "previous": previous,
        "hashes": list(hashes),
    }
    content = json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")
    return Anchor(number, first, hashes, previous, anchor_path(tenant_id, number), sha256(content).hexdigest()), content


def anchor_path(tenant_id: UUID, number: int) -> str:
    """Numbered without a gap, so that verification finds every anchor without asking the database."""
    return f"{tenant_id}/audit/anchors/{number:06d}.json"


async def fetched(store: ObjectStore, tenant_id: UUID, number: int) -> Anchor | None:
    """An anchor from the store; None when there is none of this number."""
    path = anchor_path(tenant_id, number)
    try:
        content = await store.get(path)
    except NotFound:
        return None
    said = json.loads(content)
    hashes = tuple(said["hashes"])
    return Anchor(number, said["first_position"], hashes, said["previous"], path, sha256(content).hexdigest())


async def _adopted(sessions: Sessions, store: ObjectStore, tenant_id: UUID, ours: Anchor) -> Anchor:
    theirs = await fetched(store, tenant_id, ours.number)
    assert theirs is not None, "the store has just refused because this anchor is there"
    async with sessions.tenant(tenant_id) as session:
        present = tuple(await chain.hashes(session, theirs.first_position, theirs.last_position))
    if theirs.first_position != ours.first_position or present != theirs.hashes:
        span = f"positions {theirs.first_position} to {theirs.last_position}"
        raise _cut(tenant_id, f"does not have {span}, which anchor {theirs.path} holds")
    return theirs


def _cut(tenant_id: UUID, how: str) -> Conflict:
    return Conflict(
        "chain_cut",
        f"The audit chain of tenant {tenant_id} {how}: the database was restored or changed. Run "
        "`handrail verify audit`; after a restore acknowledge it (--acknowledge-restore).",
    )


async def _remember(session: AsyncSession, written: Anchor, now: datetime) -> None:
    values = {
        "number": written.number,
        "first_position": written.first_position,
        "last_position": written.last_position,
        "hash": written.hashes[-1],
        "storage_path": written.path,
        "sha256": written.sha256,
        "written_at": now,
    }
    await session.execute(insert(AuditAnchor).values(values).on_conflict_do_nothing())
