"""COPY into temporary staging tables: PostgreSQL refuses COPY into a table under row-level security."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Copied:
    """Rows in the form COPY takes, under the names of their columns."""

    columns: Sequence[str]
    content: bytes


def as_copied(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Copied:
    """Write rows for COPY; an empty field is null. Needs no connection, so a thread can do it ahead."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return Copied(columns, buffer.getvalue().encode())


async def copy_rows(session: AsyncSession, table: str, copied: Copied) -> None:
    """Append rows to a staging table of this transaction."""
    raw = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    async with (
        raw.cursor() as cursor,
        cursor.copy(f"copy {table} ({', '.join(copied.columns)}) from stdin (format csv)".encode()) as copy,
    ):
        await copy.write(copied.content)


async def fresh_stage(session: AsyncSession, table: str, definition: str) -> None:
    """An empty staging table of this connection; it is emptied again at the end of the transaction."""
    await session.execute(text(f"create temp table if not exists {table} ({definition}) on commit delete rows"))
    await session.execute(text(f"truncate {table}"))
