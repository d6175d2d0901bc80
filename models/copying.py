"""COPY into temporary staging tables: PostgreSQL refuses COPY into a table under row-level security."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Copied:
    """Rows in the form COPY takes, under the names of their columns."""

    columns: Sequence[str]
    content: bytes


ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def as_copied(fields: Mapping[str, Sequence[str]]) -> Copied:
    """Write columns for COPY; an empty text is null. Needs no connection, so a thread can do it ahead."""
    rows = map("\t".join, zip(*map(_escaped, fields.values()), strict=True))
    return Copied(tuple(fields), "".join(f"{row}\n" for row in rows).encode())


def as_texts(values: Sequence[object]) -> Sequence[str]:
    """A column as texts; each distinct value is written once, as a register repeats its dates, instants and codes."""
    if set(map(type, values)) == {str}:
        return values  # type: ignore[return-value]  # the line above has looked
    written = {value: "" if value is None else str(value) for value in set(values)}
    return [written[value] for value in values]


def _escaped(texts: Sequence[str]) -> Sequence[str]:
    joined = "".join(texts)
    if not any(chr(sign) in joined for sign in ESCAPES):
        return texts
    escaped = {text: text.translate(ESCAPES) for text in set(texts)}
    return [escaped[text] for text in texts]


async def copy_rows(session: AsyncSession, table: str, copied: Copied) -> None:
    """Append rows to a staging table of this transaction."""
    raw = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    async with (
        raw.cursor() as cursor,
        cursor.copy(f"copy {table} ({', '.join(copied.columns)}) from stdin (null '')".encode()) as copy,
    ):
        await copy.write(copied.content)


async def fresh_stage(session: AsyncSession, table: str, definition: str) -> None:
    """An empty staging table of this connection; it is emptied again at the end of the transaction."""
    await session.execute(text(f"create temp table if not exists {table} ({definition}) on commit delete rows"))
    await session.execute(text(f"truncate {table}"))
