"""Walks a tenant's audit chain from its first seal to its last and names every entry that is not what was sealed.

It reads in pages and opens nothing: a detail whose key was destroyed is as valid as any.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from gateways.ports import ObjectStore
from models.queries import audit_chain as chain
from models.queries.audit_chain import SealedRow
from models.session import Sessions
from rules.audit.chain import Link
from services.audit_chain import Anchor, fetched
from services.audit_restores import AcknowledgedRestore, all_restores

PAGE: Final = 1000


class Fault(StrEnum):
    """What is wrong with one place of the chain."""

    ENTRY_CHANGED = "entry_changed"
    ENTRY_DELETED = "entry_deleted"
    ENTRY_INSERTED = "entry_inserted"
    DETAIL_CHANGED = "detail_changed"
    DETAIL_DELETED = "detail_deleted"
    SEAL_CHANGED = "seal_changed"
    SEAL_DELETED = "seal_deleted"
    REWRITTEN = "rewritten"
    CUT_OFF = "cut_off"
    UNANCHORED = "unanchored"
    RESTORE_UNBACKED = "restore_unbacked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: where in the chain, and which entry, as far as it is still there."""

    fault: Fault
    position: int | None
    entry_id: UUID | None


@dataclass(slots=True)
class ChainReport:
    """What verification saw; `unsealed` entries are too young for a seal, which is no fault.

    Nor is what was lost with a restore that a person acknowledged: `restores` names each such stretch, for ever.
    """

    head: Link = field(default_factory=Link)
    checked: int = 0
    anchors: int = 0
    unsealed: int = 0
    oldest_unsealed: datetime | None = None
    findings: list[Finding] = field(default_factory=list)
    restores: Sequence[AcknowledgedRestore] = ()
    last_anchor: Anchor | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing was touched."""
        return not self.findings

    def found(self, fault: Fault, position: int | None, entry_id: UUID | None = None) -> None:
        self.findings.append(Finding(fault, position, entry_id))


async def verified(sessions: Sessions, store: ObjectStore, tenant_id: UUID) -> ChainReport:
    """Check every link, every entry and detail behind it, every anchor, and what has no seal."""
    report, walk = ChainReport(restores=await all_restores(store, tenant_id)), _Walk(tenant_id)
    anchors, backing = _Anchors(store, tenant_id, report.restores), _Backing(report.restores)
    async for row in _rows(sessions, tenant_id):
        walk.step(row, report)
        backing.step(row, report)
        await anchors.compare(row, report)
    await anchors.reach(report)
    backing.end(report)
    async with sessions.tenant(tenant_id) as session:
        strays, vanished = await chain.strays(session), await chain.vanished(session)
    for stray in strays:
        if not stray.queued:
            report.found(Fault.ENTRY_INSERTED, None, stray.entry_id)
    waiting = [stray.created_at for stray in strays if stray.queued]
    report.unsealed, report.oldest_unsealed = len(waiting), min(waiting, default=None)
    for entry_id in vanished:
        report.found(Fault.ENTRY_DELETED, None, entry_id)
    report.head = walk.link
    return report


async def _rows(sessions: Sessions, tenant_id: UUID) -> AsyncIterator[SealedRow]:
    after = 0
    while True:
        async with sessions.tenant(tenant_id) as session:
            page = await chain.seals(session, after, PAGE)
        for row in page:
            yield row
        if len(page) < PAGE:
            return
        after = page[-1].position


class _Walk:
    """Goes from link to link by what the seals say, so that one fault is one finding."""

    def __init__(self, tenant_id: UUID) -> None:
        self._tenant_id = tenant_id
        self.link = Link()
        self._said = ""  # what the hash of the seal before should have been

    def step(self, row: SealedRow, report: ChainReport) -> None:
        """Check one seal against the entry it stands for and the seal before it."""
        for position in range(self.link.position + 1, row.position):
            report.found(Fault.SEAL_DELETED, position)
        gap = row.position != self.link.position + 1
        before = Link(row.position - 1, row.previous_hash)
        report.checked += 1
        if not gap and row.previous_hash != self.link.hash:
            self._seal_changed(row, report)
        self._said = "" if row.entry is None else before.next(self._tenant_id, row.entry).hash
        fault = self._fault(row)
        if fault is not None:
            report.found(fault, row.position, row.entry_id)
        self.link = Link(row.position, row.hash)

    def _seal_changed(self, row: SealedRow, report: ChainReport) -> None:
        """This seal rests on a hash that the one before does not hold: which of the two entries bears it out?"""
        position = row.position - 1
        if row.previous_hash == self._said and report.findings and report.findings[-1].position == position:
            entry_id = report.findings.pop().entry_id
            report.found(Fault.SEAL_CHANGED, position, entry_id)
        else:
            report.found(Fault.SEAL_CHANGED, position)

    def _fault(self, row: SealedRow) -> Fault | None:
        if row.entry is None:
            return Fault.ENTRY_DELETED
        if self._said != row.hash:
            return Fault.ENTRY_CHANGED
        sealed = row.entry["detail_sha256"]
        if sealed == row.ciphertext_sha256:
            return None
        return Fault.DETAIL_CHANGED if row.ciphertext_sha256 else Fault.DETAIL_DELETED


class _Backing:
    """Holds each acknowledged restore to the chain: the entry that says so, and the hash it went on from.

    What a later restore took away in its turn cannot be asked for any more.
    """

    def __init__(self, restores: Sequence[AcknowledgedRestore]) -> None:
        self._entries: dict[int, UUID] = {}
        self._hashes: dict[int, str] = {}
        for one in restores:
            later = [other.agrees_to for other in restores if other.number > one.number]
            if all(one.position <= agrees_to for agrees_to in later):
                self._entries[one.position] = one.entry_id
            if one.agrees_to and all(one.agrees_to <= agrees_to for agrees_to in later):
                self._hashes[one.agrees_to] = one.hash

    def step(self, row: SealedRow, report: ChainReport) -> None:
        """Compare one seal with what restores say of its position."""
        if self._entries.pop(row.position, row.entry_id) != row.entry_id:
            report.found(Fault.RESTORE_UNBACKED, row.position, row.entry_id)
        if self._hashes.pop(row.position, row.hash) != row.hash:
            report.found(Fault.RESTORE_UNBACKED, row.position, row.entry_id)

    def end(self, report: ChainReport) -> None:
        """What the chain never came to."""
        for position in sorted({*self._entries, *self._hashes}):
            report.found(Fault.RESTORE_UNBACKED, position)


class _Anchors:
    """Compares the chain with what the store holds, one anchor at a time; one finding for each that differs.

    Of an anchor written before an acknowledged restore only what that left counts.
    """

    def __init__(self, store: ObjectStore, tenant_id: UUID, restores: Sequence[AcknowledgedRestore]) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._restores = restores
        self._covered = 0
        self._number = 0
        self._present: Anchor | None = None
        self._differs = False
        self._over = False

    async def compare(self, row: SealedRow, report: ChainReport) -> None:
        """Hold one seal against the anchor that covers its position."""
        while not self._over and (self._present is None or self._present.last_position < row.position):
            await self._turn(report)
        anchor = self._present
        if anchor is None or self._differs or self._over or row.position < anchor.first_position:
            return
        if anchor.hashes[row.position - anchor.first_position] != row.hash:
            self._differs = True
            report.found(Fault.REWRITTEN, row.position, row.entry_id)

    async def reach(self, report: ChainReport) -> None:
        """What anchors hold beyond the last seal was cut off."""
        last = self._present.last_position if self._present else 0
        while not self._over:
            await self._turn(report)
            last = max(last, self._present.last_position if self._present else 0)
        seen = report.checked + sum(1 for one in report.findings if one.fault is Fault.SEAL_DELETED)
        for position in range(seen + 1, last + 1):
            report.found(Fault.CUT_OFF, position)

    async def _turn(self, report: ChainReport) -> None:
        while (following := await fetched(self._store, self._tenant_id, self._number + 1)) is not None:
            self._number += 1
            report.anchors += 1
            report.last_anchor = following
            left = self._left(following)
            if left >= following.first_position:
                if following.first_position > self._covered + 1:
                    report.found(Fault.UNANCHORED, self._covered + 1)
                self._covered = left
                hashes = following.hashes[: left - following.first_position + 1]
                self._present, self._differs = replace(following, hashes=hashes), False
                return
        self._over = True

    def _left(self, anchor: Anchor) -> int:
        """The last position of an anchor that no restore took away."""
        taken = [one.agrees_to for one in self._restores if one.after_anchor >= anchor.number]
        return min([anchor.last_position, *taken])
