"""Every row of a tenant, table by table, as an export takes it out: nothing sealed, no secret."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Date, DateTime, LargeBinary, Table, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.tables import tenant_tables

ROWS: Final = 500
# what this installation needs to work and tells nothing about anybody; keys and secrets leave with nobody
LEFT_OUT: Final = frozenset({"student_key", "idempotency_key", "audit_unsealed", "stale_attendance", "event_cursor"})


def exported_tables() -> list[Table]:
    """The tables of an export, parents first."""
    return [table for table in tenant_tables() if table.name not in LEFT_OUT]


def columns_of(table: Table) -> list[Column[Any]]:
    """The columns of a table that leave: all but sealed bytes."""
    return [column for column in table.columns if not isinstance(column.type, LargeBinary)]


def _written(column: Column[Any]) -> ColumnElement[Any]:
    """Days and instants as the database writes ISO-8601: some are infinite, which no Python value is."""
    if not isinstance(column.type, Date | DateTime):
        return column
    return func.to_jsonb(column).op("#>>")(literal_column("'{}'::text[]")).label(column.name)


async def rows_of(session: AsyncSession, table: Table) -> AsyncIterator[Sequence[Sequence[Any]]]:
    """The rows of this tenant in the order of their key, some at a time."""
    wanted = select(*map(_written, columns_of(table))).order_by(*table.primary_key.columns)
    result = await session.stream(wanted, execution_options={"yield_per": ROWS})
    async for part in result.partitions():
        yield part
