"""Domain events: written to the outbox in the transaction that made them true; read back as CloudEvents."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries import event_feed
from models.queries.event_feed import Published
from rules.errors import Invalid
from rules.events.catalogue import BY_TYPE, DomainEvent
from rules.events.payloads import Payload
from rules.events.publishing import schema_id
from services.outbox import enqueue

KIND = "event"
FORMAT = JSONFormat()


async def emit(session: AsyncSession, event: DomainEvent, subject_id: UUID, data: Payload, *, at: datetime) -> UUID:
    """Tell the world, if the caller's transaction commits; the id is the event's own."""
    payload = {"type": event.type, "time": at.isoformat(), "data": data.model_dump(mode="json")}
    return await enqueue(session, KIND, event.subject_of(subject_id), payload)


def cloud_event(tenant_id: UUID, row: Published) -> CloudEvent:
    """A published outbox row as the world sees it; `sequence` sorts like the tenant's positions."""
    return CloudEvent(
        {
            "id": str(row.id),
            "source": f"/tenants/{tenant_id}",
            "type": row.type,
            "subject": row.subject,
            "time": row.time,
            "datacontenttype": "application/json",
            "dataschema": schema_id(row.type),
            "sequence": f"{row.position:020d}",
        },
        row.data,
    )


def written(tenant_id: UUID, row: Published) -> bytes:
    """The event in the structured JSON form, as webhooks and Kafka carry it."""
    return FORMAT.write(cloud_event(tenant_id, row))


@dataclass(frozen=True, slots=True)
class FeedQuery:
    """Which part of the feed: after this position, only these types (none: all)."""

    after: int
    types: tuple[str, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some events in order, where to go on, and whether there are more already."""

    events: list[Published]
    position: int
    more: bool


async def feed(session: AsyncSession, asked: FeedQuery) -> FeedPage:
    """The events after a position; nothing that commits later will ever appear before it."""
    check_types(asked.types, "query.type")
    head = await event_feed.head(session)
    rows = await event_feed.after(session, asked.after, asked.types, asked.limit + 1)
    if len(rows) > asked.limit:
        kept = rows[: asked.limit]
        return FeedPage(kept, kept[-1].position, more=True)
    # everything up to the head was looked at, also what the filter left out: the next read need not do it again
    last = rows[-1].position if rows else asked.after
    return FeedPage(rows, max(head, last, asked.after), more=False)


def check_types(types: tuple[str, ...], place: str) -> None:
    """Refuse a type that is never published."""
    unknown = sorted(set(types) - set(BY_TYPE))
    if unknown:
        problem = f"no such event: {', '.join(unknown)}; the types are listed in docs/events"
        raise Invalid("event_type_unknown", "A type is not in the catalogue.", fields={place: problem})
