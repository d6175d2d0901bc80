"""Removes every row of one tenant, children first, some at a time: for the owner of the tables, bound to the tenant."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Table, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from models.rows import affected
from models.session import bind
from models.tables import tenant_tables
from models.tenants import OutboxHead, Tenant

AT_ONCE: Final = 20_000
LOCK = text("select pg_try_advisory_xact_lock(hashtext('handrail-tenant-deletion'), hashtext(:tenant))")
SAY_SO = text("select set_config('handrail.deleting_tenant', :tenant, true)")
# Whoever may set it spares a search through everybody's rows for each row that goes: no row points at another tenant's
UNSEARCHED = text("""
select case when has_parameter_privilege(current_user, 'session_replication_role', 'set')
    then set_config('session_replication_role', 'replica', true) end
""")
LEAVES = text("""
select coalesce(array_agg(relid::text order by relid::text) filter (where isleaf), array[cast(:name as text)])
from pg_partition_tree(cast(cast(:name as text) as regclass))
""")


async def alone(session: AsyncSession, tenant_id: UUID) -> bool:
    """Whether nobody else deletes this tenant now; nobody else does until this transaction ends."""
    held: bool = (await session.execute(LOCK, {"tenant": str(tenant_id)})).scalar_one()
    return held


async def counted(session: AsyncSession) -> dict[str, int]:
    """How many rows each table holds of the bound tenant; tables without any are left out."""
    found = {}
    for table in tenant_tables():
        found[table.name] = (await session.execute(select(func.count()).select_from(table))).scalar_one()
    return {name: many for name, many in found.items() if many}


async def permitted(session: AsyncSession, tenant_id: UUID) -> None:
    """Bind the transaction to the tenant and say that its rows may go, also those that are written once."""
    await bind(session, tenant_id)
    await session.execute(SAY_SO, {"tenant": str(tenant_id)})


async def unsearched(session: AsyncSession) -> None:
    """Remove rows without looking for others that point at them, if the owner of the tables was given that right."""
    await session.execute(UNSEARCHED)


async def loosen(session: AsyncSession) -> None:
    """Empty the references that point at rows which go earlier, so that no order of children first is broken."""
    for table, column in _backward():
        await session.execute(update(table).where(table.c[column].is_not(None)).values({column: None}))


def _backward() -> Iterator[tuple[Table, str]]:
    """References within a table, or to one that the order of tables puts behind it."""
    place = {table.name: number for number, table in enumerate(tenant_tables())}
    for table in tenant_tables():
        for key in table.foreign_key_constraints:
            if place.get(key.referred_table.name, -1) >= place[table.name]:
                yield table, _column(key)


def _column(key: ForeignKeyConstraint) -> str:
    (column,) = key.columns
    assert column.nullable, f"{column} points at rows that are deleted before it and cannot be emptied"
    return column.name


async def relations(session: AsyncSession) -> list[str]:
    """What rows are removed from, children first; a partitioned table is its partitions."""
    found: list[str] = []
    for table in reversed(tenant_tables()):
        found += (await session.execute(LEAVES, {"name": table.name})).scalar_one()
    return found


async def remove(session: AsyncSession, relation: str, many: int = AT_ONCE) -> int:
    """Remove some of the bound tenant's rows; 0 when none are left. `relation` comes from `relations` alone."""
    some = text(f"delete from {relation} where ctid = any(array(select ctid from {relation} limit :many))")
    return affected(await session.execute(some, {"many": many}))


async def end(session: AsyncSession, tenant_id: UUID) -> None:
    """Remove the tenant itself; the database refuses while any row still names it."""
    await session.execute(delete(OutboxHead).where(OutboxHead.tenant_id == tenant_id))
    await session.execute(delete(Tenant).where(Tenant.id == tenant_id))
