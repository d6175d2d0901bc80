"""Writes the view log: every student of an answer in one statement."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

WRITE = text("""
insert into student_view (at, actor_id, actor_role, actor_display, request_id, operation, student_id)
select cast(:at as timestamptz), cast(:actor_id as uuid), cast(:actor_role as text), cast(:actor_display as text),
    cast(:request_id as text), cast(:operation as text), shown.id
from unnest(cast(:students as uuid[])) as shown (id)
""")


async def insert_views(session: AsyncSession, by: Mapping[str, Any], student_ids: Collection[UUID]) -> None:
    """One row for each student."""
    await session.execute(WRITE, {**by, "students": list(student_ids)})
