"""The view log: which member of staff was shown which student's record, when and by which request."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.view_log import insert_views
from services.context import Actor


async def record(
    session: AsyncSession, actor: Actor, operation: str, student_ids: Collection[UUID], *, now: datetime
) -> None:
    """Write down whom an answer shows, in the transaction that the answer rests on."""
    if not student_ids:
        return
    by = {
        "at": now,
        "actor_id": actor.person_id,
        "actor_role": actor.role,
        "actor_display": actor.display,
        "request_id": actor.request_id,
        "operation": operation,
    }
    await insert_views(session, by, student_ids)
