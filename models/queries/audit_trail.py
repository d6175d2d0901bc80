"""Reads the audit trail and the view log, the latest first, by what a reader asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from models.audit import AuditDetail, AuditEntry, AuditSeal, StudentView
from models.delivery import Message
from models.instances import Contact, Escalation, Proposal, Task
from models.letters import LetterArtifact
from models.meetings import Meeting
from models.people import Person
from models.queries.keyset import Window, paged

# what belongs to a walk and has its own entries in the trail
OF_INSTANCE = (Meeting, Contact, Message, Task, Escalation, Proposal, LetterArtifact)


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """What a reader asks for; days are whole days in UTC, both included. `never`: students kept from this reader."""

    student_id: UUID | None = None
    instance_id: UUID | None = None
    actor_id: UUID | None = None
    action: str | None = None
    subject_kind: str | None = None
    first: date | None = None
    last: date | None = None
    never: frozenset[UUID] = frozenset()


async def entries(session: AsyncSession, asked: TrailFilter, window: Window) -> Sequence[Row[Any]]:
    """A page of entries: the entry, the name of who acted, and its place in the chain (None: not yet sealed)."""
    return (await session.execute(entries_page(asked, window))).all()


def entries_page(asked: TrailFilter, window: Window) -> Select[*tuple[Any, ...]]:
    """The statement behind a page of entries."""
    # workflows knew a person by role only: such an entry takes its name from the register of people
    name = func.coalesce(Person.display_name, AuditEntry.actor_display)
    wanted = (
        select(AuditEntry, name.label("name"), AuditSeal.position, AuditSeal.hash)
        .outerjoin(AuditSeal, AuditSeal.entry_id == AuditEntry.id)
        .outerjoin(Person, (Person.id == AuditEntry.actor_id) & (AuditEntry.actor_display == AuditEntry.actor_role))
        .where(*_entry_conditions(asked))
    )
    page: Select[*tuple[Any, ...]] = paged(wanted, (AuditEntry.seq,), window, latest_first=True)
    return page


def _entry_conditions(asked: TrailFilter) -> list[ColumnElement[bool]]:
    found = _between(AuditEntry.at, asked)
    equal = {
        AuditEntry.student_id: asked.student_id,
        AuditEntry.actor_id: asked.actor_id,
        AuditEntry.verb: asked.action,
        AuditEntry.subject_kind: asked.subject_kind,
    }
    found += [column == value for column, value in equal.items() if value is not None]
    if asked.never:
        found.append(or_(AuditEntry.student_id.is_(None), AuditEntry.student_id.not_in(asked.never)))
    if asked.instance_id is not None:
        found.append(or_(AuditEntry.subject_id == asked.instance_id, AuditEntry.subject_id.in_(_of(asked.instance_id))))
    return found


def _of(instance_id: UUID) -> Select[Any]:
    parts = union_all(*(select(table.id).where(table.instance_id == instance_id) for table in OF_INSTANCE)).subquery()
    return select(parts.c.id)


async def views(session: AsyncSession, asked: TrailFilter, window: Window) -> Sequence[StudentView]:
    """A page of the view log."""
    equal = {
        StudentView.student_id: asked.student_id,
        StudentView.actor_id: asked.actor_id,
        StudentView.operation: asked.action,
    }
    found = [column == value for column, value in equal.items() if value is not None]
    if asked.never:
        found.append(StudentView.student_id.not_in(asked.never))
    wanted = select(StudentView).where(*found, *_between(StudentView.at, asked))
    return (await session.scalars(paged(wanted, (StudentView.id,), window, latest_first=True))).all()


def _between(column: Any, asked: TrailFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.first is not None:
        found.append(column >= _midnight(asked.first))
    if asked.last is not None:
        found.append(column < _midnight(asked.last + timedelta(days=1)))
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


async def details(session: AsyncSession, detail_ids: Sequence[UUID]) -> dict[UUID, AuditDetail]:
    """The encrypted details of some entries."""
    rows = await session.scalars(select(AuditDetail).where(AuditDetail.id.in_(detail_ids)))
    return {row.id: row for row in rows.all()}
