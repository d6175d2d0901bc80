"""Tasks that a case opens by itself: one per effect key, and one open task of a kind and subject is enough."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Instance, Task
from services.audit import Act, record
from services.context import CaseRef


@dataclass(frozen=True, slots=True)
class NewTask:
    """What a person is asked to do; `subject` is the id it is about, `role` who may do it if nobody is assigned."""

    kind: str
    title: str
    due_on: date | None = None
    subject: str = ""
    role: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


async def open_task(session: AsyncSession, case: CaseRef, wanted: NewTask) -> UUID:
    """The id of the open task of this kind and subject: a new one, or the one that is already there."""
    same = select(Task.id).where(
        Task.instance_id == case.instance_id,
        Task.kind == wanted.kind,
        Task.details["subject"].as_string() == wanted.subject,
        Task.status == "OPEN",
    )
    if found := (await session.scalars(same)).first():
        return found
    instance = (await session.scalars(select(Instance).where(Instance.id == case.instance_id))).one()
    dedupe_key = f"{case.key}/{wanted.kind}/{wanted.subject}"
    made: UUID | None = await session.scalar(
        insert(Task)
        .values(
            kind=wanted.kind,
            title=wanted.title,
            details={**wanted.details, "subject": wanted.subject},
            student_id=case.student_id,
            school_id=case.school_id,
            case_id=instance.case_id,
            instance_id=case.instance_id,
            assignee_id=instance.assignee_id,
            role=wanted.role,
            due_on=wanted.due_on,
            dedupe_key=dedupe_key,
        )
        .on_conflict_do_nothing()
        .returning(Task.id)
    )
    if made is None:
        return (await session.scalars(select(Task.id).where(Task.dedupe_key == dedupe_key))).one()
    await record(session, case.actor, Act("open_task", "task", made, case.student_id, wanted.kind), now=case.now)
    return made


async def cancel_open_tasks(session: AsyncSession, case: CaseRef, *kinds: str) -> int:
    """Close the case's open tasks (of these kinds, or all) because the case has moved on; the number closed."""
    mine = update(Task).where(Task.instance_id == case.instance_id, Task.status == "OPEN")
    if kinds:
        mine = mine.where(Task.kind.in_(kinds))
    closed = await session.scalars(mine.values(status="CANCELLED", done_at=case.now).returning(Task.id))
    return len(closed.all())
