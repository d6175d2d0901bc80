"""The hash chain in the database: what waits for its seal, where the chain stands, what verification reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from models.audit import AuditAnchor, AuditSeal, AuditUnsealed
from models.tenants import Tenant
from rules.audit.chain import SEALED_FIELDS, Link

# One sealer per tenant: the lock ends with the transaction that seals. Nothing waiting: nobody is locked out.
LOCK = text("""
select exists (select from audit_unsealed)
    and pg_try_advisory_xact_lock(hashtext('handrail-sealer'), hashtext(cast(:tenant as text)))
""")
_ENTRY = ", ".join(f"e.{name}" for name in SEALED_FIELDS)
# An entry that vanished before its seal keeps its place in the queue: verification finds it there.
TAKE = text(f"""
with oldest as (
    select u.seq from audit_unsealed u join audit_entry e on e.id = u.entry_id order by u.seq limit :many
), taken as (
    delete from audit_unsealed u using oldest where u.seq = oldest.seq returning u.entry_id
)
select {_ENTRY} from audit_entry e join taken on taken.entry_id = e.id order by e.seq
""")
SEALS = text(f"""
select s.position, s.entry_id, s.previous_hash, s.hash, encode(sha256(d.ciphertext), 'hex') as ciphertext_sha256,
    {_ENTRY}
from audit_seal s left join audit_entry e on e.id = s.entry_id left join audit_detail d on d.id = e.detail_id
where s.position > :after order by s.position limit :many
""")
STRAYS = text("""
select e.id, e.seq, e.created_at, u.seq is not null as queued from audit_entry e
left join audit_unsealed u on u.seq = e.seq and u.entry_id = e.id
where not exists (select from audit_seal s where s.entry_id = e.id) order by e.seq
""")
VANISHED = text("""
select u.entry_id, u.seq from audit_unsealed u
where not exists (select from audit_entry e where e.id = u.entry_id) order by u.seq
""")


@dataclass(frozen=True, slots=True)
class SealedRow:
    """One seal with the entry it stands for; `entry` is None when the entry is not there any more."""

    position: int
    entry_id: UUID
    previous_hash: str
    hash: str
    ciphertext_sha256: str | None
    entry: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Stray:
    """An entry without a seal; one that is not `queued` either was never written by Handrail."""

    entry_id: UUID
    seq: int
    created_at: datetime
    queued: bool


async def all_tenants(session: AsyncSession) -> list[UUID]:
    """Every tenant, suspended ones too: their trail is sealed too. One that is being deleted is left alone."""
    there = select(Tenant.id).where(Tenant.status != "DELETING").order_by(Tenant.id)
    return list((await session.scalars(there)).all())


async def locked(session: AsyncSession, tenant_id: UUID) -> bool:
    """Whether something waits and this transaction is the one to seal it."""
    held: bool = (await session.execute(LOCK, {"tenant": str(tenant_id)})).scalar_one()
    return held


async def take(session: AsyncSession, many: int) -> list[dict[str, Any]]:
    """The oldest entries that wait, taken from the queue."""
    return [dict(row) for row in (await session.execute(TAKE, {"many": many})).mappings()]


async def head(session: AsyncSession) -> Link:
    """Where the chain stands."""
    last = select(AuditSeal.position, AuditSeal.hash).order_by(AuditSeal.position.desc()).limit(1)
    row = (await session.execute(last)).first()
    return Link(row.position, row.hash) if row else Link()


async def append(session: AsyncSession, seals: Sequence[Mapping[str, Any]]) -> None:
    """Write seals; positions are unique per tenant, so a second sealer would fail and not fork the chain."""
    await session.execute(insert(AuditSeal), list(seals))


async def seals(session: AsyncSession, after: int, many: int) -> list[SealedRow]:
    """Seals beyond a position with what they stand for."""
    rows = (await session.execute(SEALS, {"after": after, "many": many})).mappings().all()
    return [
        SealedRow(
            row["position"],
            row["entry_id"],
            row["previous_hash"],
            row["hash"],
            row["ciphertext_sha256"],
            None if row["id"] is None else {name: row[name] for name in SEALED_FIELDS},
        )
        for row in rows
    ]


async def strays(session: AsyncSession) -> list[Stray]:
    """Entries without a seal."""
    return [Stray(row.id, row.seq, row.created_at, row.queued) for row in (await session.execute(STRAYS)).all()]


async def vanished(session: AsyncSession) -> list[UUID]:
    """Entries that wait for a seal and are not there any more."""
    return [row.entry_id for row in (await session.execute(VANISHED)).all()]


async def hashes(session: AsyncSession, first: int, last: int) -> list[str]:
    """The hashes of a stretch of the chain, in order."""
    wanted = select(AuditSeal.hash).where(AuditSeal.position.between(first, last)).order_by(AuditSeal.position)
    return list((await session.scalars(wanted)).all())


async def last_anchor(session: AsyncSession) -> AuditAnchor | None:
    """The newest anchor that the database knows."""
    return (await session.scalars(select(AuditAnchor).order_by(AuditAnchor.number.desc()).limit(1))).first()


async def waiting(session: AsyncSession) -> int:
    """How many entries wait for their seal."""
    return (await session.scalars(select(func.count()).select_from(AuditUnsealed))).one()
