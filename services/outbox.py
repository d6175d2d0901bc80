"""The outbox: what must reach Temporal or the world is written with the change that made it true."""

from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.reliability import Outbox


async def enqueue(session: AsyncSession, kind: str, subject: str, payload: dict[str, Any]) -> UUID:
    """Add one row; the relay gives it its gapless position after this transaction has committed."""
    return (
        await session.execute(insert(Outbox).values(kind=kind, subject=subject, payload=payload).returning(Outbox.id))
    ).scalar_one()
