"""The outbox as the relay sees it: gapless positions, one row per subject at a time, leases, no open transactions."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.webhook_deliveries import fan_out
from models.reliability import Outbox
from models.rows import affected
from models.tenants import Tenant

LEASE = timedelta(seconds=30)
# One relay per tenant: the lock ends with the transaction that numbers and claims.
LOCK = text("select pg_try_advisory_xact_lock(hashtext('handrail-relay'), hashtext(:tenant))")
# Sequence order is not commit order, so positions are given after the commit, in the order rows became visible.
# An event waits for nobody: with its position it is published, and everybody who reads events reads by position.
NUMBER = text("""
with fresh as (
    select id, row_number() over (order by seq) as n from outbox where tenant_id = :tenant and position is null
), head as (
    insert into outbox_head (tenant_id, position) values (:tenant, 0)
    on conflict (tenant_id) do update set position = outbox_head.position
    returning position
)
update outbox o set position = head.position + fresh.n,
    status = case when o.kind = 'event' then 'DELIVERED' else o.status end
from fresh, head where o.tenant_id = :tenant and o.id = fresh.id
""")
ADVANCE_HEAD = text("""
update outbox_head set position = coalesce((select max(position) from outbox where tenant_id = :tenant), 0)
where tenant_id = :tenant
""")
# Word for a case that runs never waits behind new cases, however many a night opens at once.
OLDEST_PER_SUBJECT = text("""
select id from (
    select id, kind, position, row_number() over (partition by kind = 'instance.start' order by position) as n from (
        select distinct on (subject) id, kind, next_attempt_at, position from outbox
        where tenant_id = :tenant and status = 'PENDING' and kind <> 'event' and position is not null
        order by subject, position
    ) oldest
    where next_attempt_at is null or next_attempt_at <= :now
) due
where kind <> 'instance.start' or n <= :starts
order by kind = 'instance.start', position limit :many
""")
BEGINNING = text("select id::text from instance where id = any(:ids) and phase = 'EVALUATING'")


START = "instance.start"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One claimed outbox row."""

    id: UUID
    kind: str
    subject: str
    payload: dict[str, Any]
    attempts: int


async def active_tenants(session: AsyncSession) -> list[UUID]:
    """Tenants whose outbox may flow; a suspended tenant's waits."""
    return list((await session.scalars(select(Tenant.id).where(Tenant.status == "ACTIVE").order_by(Tenant.id))).all())


async def number_rows(session: AsyncSession, tenant_id: UUID) -> bool:
    """Give committed rows their gapless positions; False when another relay holds this tenant."""
    held: bool = (await session.execute(LOCK, {"tenant": str(tenant_id)})).scalar_one()
    if held and affected(await session.execute(NUMBER, {"tenant": tenant_id})):
        await fan_out(session, tenant_id)
        await session.execute(ADVANCE_HEAD, {"tenant": tenant_id})
    return held


async def claim(
    session: AsyncSession, tenant_id: UUID, *, now: datetime, many: int = 50, starts: int = 50
) -> list[Parcel]:
    """Lease the oldest pending row of each subject, so that the order per subject is kept; of new cases so many."""
    wanted = {"tenant": tenant_id, "now": now, "many": many, "starts": starts}
    found = await session.scalars(OLDEST_PER_SUBJECT, wanted)
    leased = await session.scalars(
        update(Outbox).where(Outbox.id.in_(found.all())).values(next_attempt_at=now + LEASE).returning(Outbox)
    )
    rows = sorted(leased.all(), key=lambda row: (row.kind == START, row.position or 0))
    return [Parcel(row.id, row.kind, row.subject, row.payload, row.attempts) for row in rows]


async def still_beginning(session: AsyncSession, subjects: Collection[str]) -> set[str]:
    """Which of these new cases have not yet come to their first rest (a proposal, a hold, an end)."""
    return set((await session.scalars(BEGINNING, {"ids": [UUID(one) for one in subjects]})).all())


async def delivered(session: AsyncSession, parcel_id: UUID, *, now: datetime) -> None:
    """The row reached where it was going."""
    await _settle(session, parcel_id, status="DELIVERED", delivered_at=now, next_attempt_at=None)


async def rejected(session: AsyncSession, parcel_id: UUID, why: str, *, now: datetime) -> None:
    """The row can never be carried (a closed case, say): set aside so that it blocks nothing."""
    await _settle(session, parcel_id, status="REJECTED", last_error=why, delivered_at=now, next_attempt_at=None)


async def put_back(session: AsyncSession, parcel: Parcel, why: str, *, again_at: datetime) -> None:
    """The receiver is away: keep the row for later."""
    await _settle(session, parcel.id, attempts=parcel.attempts + 1, last_error=why, next_attempt_at=again_at)


async def _settle(session: AsyncSession, parcel_id: UUID, **values: object) -> None:
    await session.execute(update(Outbox).where(Outbox.id == parcel_id).values(**values))


async def lag(session: AsyncSession) -> tuple[int, datetime | None]:
    """Pending rows of this tenant that must reach Temporal, and the age mark of the oldest."""
    waiting = select(func.count(), func.min(Outbox.created_at)).where(
        Outbox.status == "PENDING", Outbox.kind != "event"
    )
    count, oldest = (await session.execute(waiting)).one()
    return count, oldest
