"""Tells running cases about facts that people enter: one outbox row per open instance, in the fact's transaction."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Instance
from rules.ladder.commands import Message
from services import outbox


async def tell_students(session: AsyncSession, student_ids: Collection[UUID], signal: str, fact: Message) -> int:
    """Signal every open instance of these students; how many there were."""
    wanted = select(Instance.id).where(Instance.student_id.in_(student_ids), Instance.closed_at.is_(None))
    return await tell(session, (await session.scalars(wanted)).all(), signal, fact)


async def tell(session: AsyncSession, instance_ids: Collection[UUID], signal: str, fact: Message) -> int:
    """Signal these instances; the relay starts none that does not run."""
    for instance_id in instance_ids:
        payload = {"instance_id": str(instance_id), "signal": signal, "argument": fact.model_dump(mode="json")}
        await outbox.enqueue(session, "instance.signal", str(instance_id), payload)
    return len(instance_ids)
