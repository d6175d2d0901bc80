"""COPY into temporary staging tables: PostgreSQL refuses COPY into a table under row-level security."""

import csv
import io
from collections.abc import Iterable, Sequence

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def copy_rows(
    session: AsyncSession, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Append rows to a staging table of this transaction; an empty field is null."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    raw = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    async with (
        raw.cursor() as cursor,
        cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin (format csv)".encode()) as copy,
    ):
        await copy.write(buffer.getvalue())


async def fresh_stage(session: AsyncSession, table: str, definition: str) -> None:
    """An empty staging table of this connection; it is emptied again at the end of the transaction."""
    await session.execute(text(f"create temp table if not exists {table} ({definition}) on commit delete rows"))
    await session.execute(text(f"truncate {table}"))
