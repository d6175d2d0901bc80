"""What the receiving of events asks the database: seen before, newer news, ids of the source as ours, whole lists."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import Base
from models.inbound import BehaviourEvent, InboundEvent
from models.people import School
from models.queries.keyset import Window, paged
from models.students import Student

LOCK = text("""
select pg_advisory_xact_lock(hashtext('handrail-inbound'), hashtext(cast(:tenant as text) || what))
from (select what from unnest(cast(:whats as text[])) w(what) order by what) ordered
""")


async def lock(session: AsyncSession, tenant_id: UUID, what: Collection[str]) -> None:
    """Take in news of the same thing one after the other; the order of the locks keeps two requests from a deadlock."""
    await session.execute(LOCK, {"tenant": str(tenant_id), "whats": sorted(set(what))})


async def seen(session: AsyncSession, source: str, event_id: str) -> InboundEvent | None:
    """The event of this source and id, if it came before."""
    mine = select(InboundEvent).where(InboundEvent.source == source, InboundEvent.event_id == event_id)
    return (await session.scalars(mine)).first()


async def newest(session: AsyncSession, event_type: str, entity: str) -> datetime | None:
    """The time of the newest news of a thing that was taken in."""
    mine = select(func.max(InboundEvent.time)).where(
        InboundEvent.entity == entity, InboundEvent.type == event_type, InboundEvent.status == "APPLIED"
    )
    return await session.scalar(mine)


async def school_of(session: AsyncSession, source_id: str) -> UUID | None:
    """The school of a source's id."""
    return await session.scalar(select(School.id).where(School.source_id == source_id))


async def students_of(session: AsyncSession, source_ids: Collection[str]) -> dict[str, UUID]:
    """The students of a source's ids; a merged id means whom it became."""
    known = select(Student.source_id, func.coalesce(Student.merged_into_id, Student.id))
    return {row[0]: row[1] for row in await session.execute(known.where(Student.source_id.in_(source_ids)))}


async def put(session: AsyncSession, table: type[Base], key: Mapping[str, Any], values: Mapping[str, Any]) -> UUID:
    """The row of this key with these values; its id."""
    columns: Any = table
    told = upsert(table).values(**key, **values)
    replaced = told.on_conflict_do_update(index_elements=["tenant_id", *key], set_=dict(values))
    row_id: UUID = (await session.execute(replaced.returning(columns.id))).scalar_one()
    return row_id


async def replace(
    session: AsyncSession, table: type[Base], owner: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> None:
    """All rows of an owner: these, and no others."""
    columns: Any = table
    mine = [getattr(columns, name) == value for name, value in owner.items()]
    await session.execute(delete(table).where(*mine))
    if rows:
        await session.execute(insert(table), [{**owner, **row} for row in rows])


async def listed(
    session: AsyncSession, status: str | None, event_type: str | None, window: Window
) -> Sequence[InboundEvent]:
    """A page of what came in, the oldest first."""
    wanted = select(InboundEvent)
    if status is not None:
        wanted = wanted.where(InboundEvent.status == status)
    if event_type is not None:
        wanted = wanted.where(InboundEvent.type == event_type)
    return (await session.scalars(paged(wanted, [InboundEvent.id], window))).all()


async def students_of_behaviour(session: AsyncSession, keys: Collection[str]) -> dict[str, UUID]:
    """The students of behaviour events by their source's ids."""
    wanted = select(BehaviourEvent.source_key, BehaviourEvent.student_id).where(BehaviourEvent.source_key.in_(keys))
    return {row[0]: row[1] for row in (await session.execute(wanted)).all()}
