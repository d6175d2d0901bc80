"""A person says that a restored database lost the end of the audit chain: once, and for that stretch alone."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from gateways.ports import ObjectStore
from models.audit import AuditAnchor, AuditSeal
from models.queries import audit_chain as chain
from models.session import Sessions
from rules.audit.chain import GENESIS
from rules.errors import Conflict, Forbidden, Invalid, Unavailable
from services import audit, audit_chain
from services.audit import Act
from services.audit_chain import KEPT_FOR, Anchor
from services.audit_restores import AcknowledgedRestore, packed, restore_path
from services.audit_verification import ChainReport, Fault, verified
from services.context import Actor

# What a database that was set back looks like; anything else was done by somebody
EXPLAINED: Final = frozenset({Fault.CUT_OFF, Fault.REWRITTEN, Fault.RESTORE_UNBACKED})
LOOKS: Final = 300
LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Lost:
    """The chain agrees with its anchors up to `agrees_to`; the last anchor reaches further."""

    agrees_to: int
    hash: str
    anchor: Anchor


async def acknowledge(sessions: Sessions, store: ObjectStore, actor: Actor, reason: str, *, now: datetime) -> int:
    """Write down what was lost and go on anchoring from where the chain stands; returns the number of the restore.

    Conflict: nothing was lost, something else is wrong too, or the database itself remembers what is missing.
    """
    if actor.person_id is None:
        raise Forbidden("person_needed", "That entries were lost is acknowledged by a person.")
    if not reason.strip():
        raise Invalid("no_reason", "Say what was restored, from when, and why: --reason.")
    report = await verified(sessions, store, actor.tenant_id)
    if report.whole and report.restores:
        await _go_on(sessions, store, actor.tenant_id, report.restores[-1], now)
    lost = await _lost(sessions, actor.tenant_id, report)
    async with sessions.tenant(actor.tenant_id) as session:
        told = {"lost_first": lost.agrees_to + 1, "lost_last": lost.anchor.last_position, "anchor": lost.anchor.number}
        act = Act("acknowledge_restore", "audit_anchor", reason=reason, after=told)
        entry_id = await audit.record(session, actor, act, now=now)
    said = AcknowledgedRestore(
        number=len(report.restores) + 1,
        agrees_to=lost.agrees_to,
        hash=lost.hash,
        lost_last=lost.anchor.last_position,
        lost_hash=lost.anchor.hashes[-1],
        after_anchor=lost.anchor.number,
        position=await _sealed(sessions, actor.tenant_id, entry_id),
        entry_id=entry_id,
        person_id=actor.person_id,
        at=now.isoformat(),
        reason_sha256=sha256(reason.encode()).hexdigest(),
    )
    content = packed(actor.tenant_id, said)
    path = restore_path(actor.tenant_id, said.number)
    await store.put_once(path, content, sha256=sha256(content).hexdigest(), retain_until=now + KEPT_FOR)
    await _go_on(sessions, store, actor.tenant_id, said, now)
    return said.number


async def _lost(sessions: Sessions, tenant_id: UUID, report: ChainReport) -> Lost:
    last = report.last_anchor
    if report.whole or last is None:
        raise Conflict("nothing_lost", "The chain is whole: nothing was lost, there is nothing to acknowledge.")
    other = [one for one in report.findings if one.fault not in EXPLAINED or one.position is None]
    if other:
        listed = ", ".join(f"{one.fault.value} at {one.position or one.entry_id}" for one in other[:5])
        raise Conflict("not_a_restore", f"A restore does not explain this: {listed}. Look into it first.")
    agrees_to = min(one.position for one in report.findings if one.position is not None) - 1
    async with sessions.tenant(tenant_id) as session:
        known = await chain.last_anchor(session)
        at = await chain.hashes(session, agrees_to, agrees_to)
    if known is not None and (known.number >= last.number or known.last_position > agrees_to):
        raise Conflict(
            "chain_cut",
            f"The database remembers anchor {known.number} up to position {known.last_position} and lacks what it "
            "holds: it was not set back, somebody cut the chain.",
        )
    if last.last_position <= agrees_to:
        raise Conflict("not_a_restore", "No anchor holds what the chain lacks: a restore does not explain this.")
    return Lost(agrees_to, at[0] if at else GENESIS, last)


async def _sealed(sessions: Sessions, tenant_id: UUID, entry_id: UUID) -> int:
    """The entry's place in the chain; sealed here, or by a worker that was faster."""
    for _ in range(LOOKS):
        async with sessions.tenant(tenant_id) as session:
            await audit_chain.seal(session, tenant_id)
            found = await session.scalar(select(AuditSeal.position).where(AuditSeal.entry_id == entry_id))
        if found is not None:
            return found
        await asyncio.sleep(LOOK_SECONDS)
    raise Unavailable("not_sealed", "The acknowledgement waits for its seal: ask again when the sealer has caught up.")


async def _go_on(
    sessions: Sessions, store: ObjectStore, tenant_id: UUID, said: AcknowledgedRestore, now: datetime
) -> None:
    """Let the next anchor follow the last one of the lost chain, and write it at once."""
    content = packed(tenant_id, said)
    follows = {
        "number": said.after_anchor,
        "first_position": said.agrees_to + 1,
        "last_position": said.agrees_to,
        "hash": said.hash,
        "storage_path": restore_path(tenant_id, said.number),
        "sha256": sha256(content).hexdigest(),
        "written_at": now,
    }
    async with sessions.tenant(tenant_id) as session:
        last = await chain.last_anchor(session)
        if last is None or last.number < said.after_anchor:
            await session.execute(insert(AuditAnchor).values(follows).on_conflict_do_nothing())
    await audit_chain.anchor(sessions, store, tenant_id, now=now, at_once=True)
