"""Carries a decided erasure out: end the workflows, shred, delete their histories; each step can be taken again."""

from datetime import datetime
from typing import Final
from uuid import UUID

from models.erasures import Erasure
from models.session import Sessions
from orchestration.handles import CaseAddress, CaseHandles
from services import erasures
from services.context import Actor

WHY: Final = "the record is erased"


async def carry_out(
    sessions: Sessions, cases: CaseHandles, actor: Actor, student_id: UUID, *, now: datetime
) -> Erasure:
    """Whatever of a decided erasure is left to do; Unavailable: Temporal is away, ask again."""
    async with sessions.tenant(actor.tenant_id) as session:
        walks = await erasures.walks(session, student_id)
    addresses = [CaseAddress(actor.tenant_id, walk.school_year, walk.instance_id) for walk in walks]
    for address in addresses:
        await cases.end(address, WHY)
    async with sessions.tenant(actor.tenant_id) as session:
        row = await erasures.of_student(session, student_id, lock=True)
        if row is not None and row.status == "APPROVED":
            await erasures.erase(session, actor, row, now=now)
    for address in addresses:
        await cases.forget(address)
    async with sessions.tenant(actor.tenant_id) as session:
        row = await erasures.of_student(session, student_id, lock=True)
        assert row is not None, "it was decided a moment ago"
        if row.status == "ERASED":
            await erasures.finish(session, actor, row, now=now)
        return row
