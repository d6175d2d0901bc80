"""Booking people and rooms: free slots by looking, no double booking by the database's exclusion constraint."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from models.meetings import Booking

Resource = tuple[str, UUID]


async def book(
    session: AsyncSession, meeting_id: UUID, resources: Sequence[Resource], during: tuple[datetime, datetime]
) -> bool:
    """Take every resource for the span or none: False when somebody else has one of them."""
    span = Range(during[0], during[1], bounds="[)")
    rows = [
        {"meeting_id": meeting_id, "resource_kind": kind, "resource_id": who, "during": span}
        for kind, who in sorted(resources)  # one order for all writers, so that they queue and never deadlock
    ]
    try:
        async with session.begin_nested():
            await session.execute(insert(Booking), rows)
    except IntegrityError as clash:
        if "no_double_booking" in str(clash.orig):
            return False
        raise
    return True


async def busy(
    session: AsyncSession, resources: Sequence[Resource], between: tuple[datetime, datetime]
) -> list[tuple[datetime, datetime]]:
    """Spans in which at least one of the resources is taken."""
    span = Range(between[0], between[1], bounds="[)")
    taken = select(func.lower(Booking.during), func.upper(Booking.during)).where(
        Booking.cancelled.is_(False),
        Booking.resource_id.in_([who for _, who in resources]),
        Booking.during.overlaps(span),
    )
    return [(start, end) for start, end in (await session.execute(taken)).all()]


async def free(session: AsyncSession, meeting_id: UUID) -> None:
    """Give a meeting's slots back."""
    await session.execute(update(Booking).where(Booking.meeting_id == meeting_id).values(cancelled=True))
