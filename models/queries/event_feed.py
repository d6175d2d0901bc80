"""The tenant's events in the order of their positions, as the feed, webhooks and Kafka read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.reliability import Outbox


@dataclass(frozen=True, slots=True)
class Published:
    """One event that has its position."""

    id: UUID
    position: int
    subject: str
    type: str
    time: datetime
    data: dict[str, Any]


def published(row: Outbox) -> Published:
    """An outbox row of kind `event` that has been numbered."""
    assert row.position is not None, "an event is published by its position"
    return told(row.id, row.position, row.subject, row.payload)


def told(event_id: UUID, position: int, subject: str, payload: dict[str, Any]) -> Published:
    """An event from the columns of its row."""
    return Published(
        event_id, position, subject, payload["type"], datetime.fromisoformat(payload["time"]), payload["data"]
    )


async def head(session: AsyncSession) -> int:
    """The highest position given so far; every later one is higher."""
    return (await session.scalar(select(func.max(Outbox.position)))) or 0


async def after(session: AsyncSession, position: int, types: Sequence[str], limit: int) -> list[Published]:
    """Events behind a position, in order; of these types, or of all."""
    wanted = select(Outbox).where(Outbox.kind == "event", Outbox.position > position)
    if types:
        wanted = wanted.where(Outbox.payload["type"].astext.in_(types))
    rows = await session.scalars(wanted.order_by(Outbox.position).limit(limit))
    return [published(row) for row in rows]
