"""Deleting a whole tenant, in the database: ordered once, then step by step, each of which can be taken again.

Everything here is done by the owner of the tables: the application role has no right to it. What stays is a tombstone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.ports import Removal
from models.audit import AuditDetail, AuditEntry
from models.erasures import LegalHold
from models.letters import StudentKey
from models.queries import audit_chain as chain
from models.queries import tenant_deletion as rows
from models.session import Sessions, bind
from models.tenants import Tenant, TenantTombstone
from rules.errors import Conflict, Invalid, NotFound
from rules.ids import TenantId
from services import audit, audit_chain, tenants
from services.audit import Act
from services.context import Actor
from services.tenant_export import TAKEN_OUT
from services.tenants import TenantStanding

VERB: Final = "delete_tenant"
TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class DeleteTenant:
    """Which tenant, on whose word, why; and why no export is needed, if none is."""

    tenant_id: UUID
    by: str
    reason: str
    without_export: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A student whose record nobody may destroy."""

    student_id: UUID
    since: datetime


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would go, and what stands in its way; `export` is the SHA-256 of the zip taken since the suspension."""

    rows: Mapping[str, int]
    holds: Sequence[Held]
    export: str | None


async def alone(session: AsyncSession, tenant_id: UUID) -> None:
    """Nobody else deletes this tenant until this transaction ends, or Conflict."""
    if not await rows.alone(session, tenant_id):
        raise Conflict("deletion_runs", f"Somebody is deleting tenant {tenant_id} at this moment: wait for it.")


async def outlook(session: AsyncSession, tenant_id: UUID) -> Outlook:
    """Look, change nothing. Takes a unit of work of the tenant."""
    holds = await session.scalars(select(LegalHold).where(LegalHold.lifted_at.is_(None)).order_by(LegalHold.placed_at))
    held = [Held(hold.student_id, hold.placed_at) for hold in holds]
    return Outlook(await rows.counted(session), held, await _exported(session, tenant_id))


async def _exported(session: AsyncSession, tenant_id: UUID) -> str | None:
    """The last export that came to its end after the tenant was suspended: nothing has been added to it since."""
    last = select(AuditEntry).where(AuditEntry.verb.in_(("suspend_tenant", TAKEN_OUT))).order_by(AuditEntry.seq.desc())
    entry = (await session.scalars(last.limit(1))).first()
    if entry is None or entry.verb != TAKEN_OUT or entry.detail_id is None:
        return None
    said = await audit.opened(session, tenant_id, await session.get_one(AuditDetail, entry.detail_id))
    return None if said is None else str(said.after["sha256"])


async def order(session: AsyncSession, actor: Actor, command: DeleteTenant, *, now: datetime) -> TenantTombstone:
    """Order the end of a suspended tenant: from here on there is no way back. Takes a unit of work of the tenant.

    Conflict: not suspended, under legal hold (with the list), or neither exported since nor waived.
    """
    tenant = await session.get(Tenant, command.tenant_id, with_for_update=True)
    if tenant is None:
        raise NotFound("tenant_unknown", f"There is no tenant {command.tenant_id}.")
    if not command.by.strip() or not command.reason.strip():
        raise Invalid("no_reason", "Say who deletes the tenant and why: --by and --reason.")
    if tenant.status != TenantStanding.SUSPENDED:
        why = f"Tenant {tenant.key} is not suspended: `handrail tenant suspend {tenant.key} --reason ...` first."
        raise Conflict("not_suspended", why)
    found = await outlook(session, tenant.id)
    _nothing_holds(tenant, found)
    waived = None if found.export else command.without_export
    if found.export is None and not waived:
        raise Conflict(
            "not_exported",
            f"Nothing was taken out since tenant {tenant.key} was suspended: `handrail tenant export {tenant.key} --to "
            "FILE`, or say by --without-export why nobody needs it.",
        )
    tenant.status = TenantStanding.DELETING
    stone = TenantTombstone(
        id=tenant.id,
        key=tenant.key,
        deleted_by=command.by,
        reason=command.reason,
        export_sha256=found.export,
        without_export=waived,
        rows=dict(found.rows),
        ordered_at=now,
    )
    session.add(stone)
    await session.flush()
    after = {"key": tenant.key, "by": command.by, "export": found.export, "without_export": waived}
    told = Act(VERB, "tenant", tenant.id, reason=command.reason, before={"status": "SUSPENDED"}, after=after)
    await audit.record(session, actor, told, now=now)
    return stone


def _nothing_holds(tenant: Tenant, found: Outlook) -> None:
    if found.holds:
        listed = "".join(f"\n  student {one.student_id} since {one.since:%Y-%m-%d}" for one in found.holds)
        why = f"Tenant {tenant.key} has {len(found.holds)} records under legal hold; nothing is destroyed:{listed}"
        raise Conflict("legal_hold", why, students=[str(one.student_id) for one in found.holds])


async def closed_chain(sessions: Sessions, tenant_id: UUID) -> None:
    """Seal what waits, the order itself too, and keep the head of the chain; a second time it changes nothing."""
    while True:
        async with sessions.tenant(tenant_id) as session:
            if not await audit_chain.seal(session, tenant_id):
                break
    async with sessions.tenant(tenant_id) as session:
        stone = await _stone(session, tenant_id)
        if stone.chain_hash is None:
            head = await chain.head(session)
            stone.chain_position, stone.chain_hash = head.position, head.hash


async def shred(sessions: Sessions, tenant_id: UUID, now: datetime) -> None:
    """Destroy every data key: whatever else is still there, sealed things cannot be opened any more."""
    async with sessions.tenant(tenant_id) as session:
        gone = {"wrapped_key": None, "destroyed_at": now}
        await session.execute(update(StudentKey).where(StudentKey.wrapped_key.is_not(None)).values(gone))


async def note_workflows(sessions: Sessions, tenant_id: UUID, many: int) -> None:
    """Add to the count of workflows that were ended and forgotten."""
    async with sessions.untenanted() as session:
        stone = await _stone(session, tenant_id)
        stone.workflows += many


async def note_objects(sessions: Sessions, tenant_id: UUID, gone: Removal) -> None:
    """Add what was removed; what a lock still keeps is counted as it stands."""
    async with sessions.untenanted() as session:
        stone = await _stone(session, tenant_id)
        stone.objects, stone.objects_locked = stone.objects + gone.removed, gone.locked


async def remove_rows(sessions: Sessions, tenant_id: UUID) -> None:
    """Remove every row, children first, in transactions that stay small."""
    async with sessions.untenanted() as session:
        await rows.permitted(session, tenant_id)
        await rows.loosen(session)
        relations = await rows.relations(session)
    for relation in relations:
        while True:
            async with sessions.untenanted() as session:
                await rows.permitted(session, tenant_id)
                await rows.unsearched(session)
                if not await rows.remove(session, relation):
                    break


async def finish(sessions: Sessions, tenant_id: UUID, operator: Actor | None, *, now: datetime) -> TenantTombstone:
    """Remove what is left and the tenant itself; the operator's own trail says so, where there is one."""
    for _ in range(TRIES):
        await remove_rows(sessions, tenant_id)
        try:
            return await _ended(sessions, tenant_id, operator, now)
        except IntegrityError:  # something that was under way has written a row since
            continue
    raise Conflict("tenant_still_written", f"Rows of tenant {tenant_id} keep coming: stop the worker, then go on.")


async def _ended(sessions: Sessions, tenant_id: UUID, operator: Actor | None, now: datetime) -> TenantTombstone:
    async with sessions.untenanted() as session:
        await rows.permitted(session, tenant_id)
        await rows.end(session, tenant_id)
        stone = await _stone(session, tenant_id)
        stone.done_at = now
        await session.flush()
        if operator is not None:
            await bind(session, operator.tenant_id)
            told: dict[str, Any] = {"key": stone.key, "rows": sum(stone.rows.values()), "chain_hash": stone.chain_hash}
            act = Act(VERB, "tenant", tenant_id, reason=stone.reason, after=told)
            await audit.record(session, replace(operator, display=stone.deleted_by), act, now=now)
        return stone


async def _stone(session: AsyncSession, tenant_id: UUID) -> TenantTombstone:
    return await session.get_one(TenantTombstone, tenant_id, with_for_update=True)


async def tombstone(session: AsyncSession, key: str) -> TenantTombstone | None:
    """The last tenant of this key that was deleted, or is being deleted."""
    mine = select(TenantTombstone).where(TenantTombstone.key == key).order_by(TenantTombstone.ordered_at.desc())
    return (await session.scalars(mine.limit(1))).first()


async def tombstones(session: AsyncSession) -> Sequence[TenantTombstone]:
    """All of them, the oldest first."""
    return (await session.scalars(select(TenantTombstone).order_by(TenantTombstone.ordered_at))).all()


async def own_trail(session: AsyncSession, actor: Actor, operator_key: str | None) -> Actor | None:
    """The same actor in the trail of the operator's tenant; None where there is none, Conflict for its own deletion."""
    own = None if operator_key is None else await tenants.known(session, operator_key)
    if own is not None and own.id == actor.tenant_id:
        raise Conflict(
            "own_tenant", "This is the operator's own tenant: name another by HANDRAIL_OPERATOR_TENANT first."
        )
    return None if own is None else replace(actor, tenant_id=TenantId(own.id))
