"""A letter handed over or posted by hand, recorded once however often the same command is sent."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import Message
from services.context import Actor
from services.delivery import HandedOver, HandOver, record_handover
from services.effects import once


async def record(session: AsyncSession, actor: Actor, command: HandOver, key: str, *, now: datetime) -> HandedOver:
    """Record it, or (the same key again, after the case could not be told) say what was recorded."""
    if await once(session, f"handover/{command.instance_id}/{key}", "record_handover"):
        return await record_handover(session, actor, command, now=now)
    mine = select(Message).where(
        Message.instance_id == command.instance_id,
        Message.guardian_id == command.guardian_id,
        Message.recorded_by == actor.person_id,
    )
    if command.artifact_id is not None:
        mine = mine.where(Message.artifact_id == command.artifact_id)
    row = (await session.scalars(mine.order_by(Message.id.desc()).limit(1))).one()
    return HandedOver(row.id, row.status == "SENT", row.effective_day or command.on, row.meeting_id)
