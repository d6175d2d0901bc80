"""Reads for the compliance report: what was decided and done in a span of days, and what is still open."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Instance, Proposal, Task
from models.people import Person, School

Found = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Span:
    """Instants from and before, and the schools (None: all)."""

    begin: datetime
    end: datetime
    school_ids: Collection[UUID] | None

    def within(self, column: Any) -> list[ColumnElement[bool]]:
        """The condition on a column of school ids."""
        return [] if self.school_ids is None else [column.in_(self.school_ids)]


async def decided(session: AsyncSession, span: Span) -> Sequence[Found]:
    """Steps that a person decided on, the oldest first."""
    wanted = (
        select(Proposal, Person.display_name, School.name, School.timezone)
        .join(Instance, Instance.id == Proposal.instance_id)
        .join(School, School.id == Instance.lead_school_id)
        .outerjoin(Person, Person.id == Proposal.decided_by)
        .where(Proposal.decided_at >= span.begin, Proposal.decided_at < span.end, *span.within(School.id))
        .order_by(Proposal.decided_at, Proposal.id)
    )
    return list((await session.execute(wanted)).all())


async def done(session: AsyncSession, span: Span) -> Sequence[Found]:
    """Tasks that were done, the oldest first."""
    wanted = (
        select(Task, Person.display_name, School.name, School.timezone)
        .outerjoin(School, School.id == Task.school_id)
        .outerjoin(Person, Person.id == Task.done_by)
        .where(Task.status == "DONE", Task.done_at >= span.begin, Task.done_at < span.end)
        .where(*span.within(Task.school_id))
        .order_by(Task.done_at, Task.id)
    )
    return list((await session.execute(wanted)).all())


async def waiting(session: AsyncSession, span: Span) -> Sequence[Found]:
    """Steps that wait for a decision now."""
    wanted = (
        select(Proposal, Person.display_name, School.name, School.timezone)
        .join(Instance, Instance.id == Proposal.instance_id)
        .join(School, School.id == Instance.lead_school_id)
        .outerjoin(Person, Person.id == Instance.assignee_id)
        .where(Proposal.status.in_(("PENDING", "HELD")), *span.within(School.id))
        .order_by(Proposal.due_on.nulls_last(), Proposal.id)
    )
    return list((await session.execute(wanted)).all())


async def unfinished(session: AsyncSession, span: Span) -> Sequence[Found]:
    """Tasks that are open now."""
    wanted = (
        select(Task, Person.display_name, School.name, School.timezone)
        .outerjoin(School, School.id == Task.school_id)
        .outerjoin(Person, Person.id == Task.assignee_id)
        .where(Task.status == "OPEN", *span.within(Task.school_id))
        .order_by(Task.due_on.nulls_last(), Task.id)
    )
    return list((await session.execute(wanted)).all())
