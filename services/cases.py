"""Cases: the student's file at a school, open until a person says it is resolved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import CaseFile, Instance
from models.queries.keyset import Window, paged
from rules.errors import Conflict, NotFound
from rules.ladder.commands import FactChanged
from services import audit
from services.audit import Act
from services.context import Actor
from services.scopes import Scope
from services.signals import tell


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """Which cases: within the caller's reach, perhaps in one state, of one tier or student."""

    scope: Scope
    status: str | None = None
    tier: int | None = None
    student_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ResolveCase:
    """A person says that the matter is settled."""

    case_id: UUID
    resolution: str


async def listed(session: AsyncSession, asked: CaseQuery, window: Window) -> Sequence[CaseFile]:
    """A page of cases, the oldest first."""
    wanted = select(CaseFile).where(*asked.scope.rows(CaseFile.school_id, CaseFile.student_id))
    for column, value in (
        (CaseFile.status, asked.status),
        (CaseFile.tier, asked.tier),
        (CaseFile.student_id, asked.student_id),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    return (await session.scalars(paged(wanted, (CaseFile.id,), window))).all()


async def get(session: AsyncSession, case_id: UUID, *, lock: bool = False) -> CaseFile:
    """One case."""
    found = await session.get(CaseFile, case_id, with_for_update=lock)
    if found is None:
        raise NotFound("case_not_found", f"There is no case {case_id} here.")
    return found


async def instances(session: AsyncSession, case_id: UUID) -> Sequence[Instance]:
    """The walks of a case, the oldest first."""
    return (await session.scalars(select(Instance).where(Instance.case_id == case_id).order_by(Instance.id))).all()


async def resolve(session: AsyncSession, actor: Actor, command: ResolveCase, *, now: datetime) -> CaseFile:
    """Mark the case resolved; its running ladders hear of it and decide by their own rules."""
    case = await get(session, command.case_id, lock=True)
    if case.status != "OPEN":
        raise Conflict("case_resolved", f"Case {case.id} was resolved before.")
    case.status, case.resolution = "RESOLVED", command.resolution
    case.resolved_at, case.resolved_by = now, actor.person_id
    await session.flush()
    act = Act(
        verb="resolve_case",
        subject_kind="case",
        subject_id=case.id,
        student_id=case.student_id,
        reason=command.resolution,
        before={"status": "OPEN"},
        after={"status": "RESOLVED"},
    )
    await audit.record(session, actor, act, now=now)
    running = [one.id for one in await instances(session, case.id) if one.closed_at is None]
    await tell(session, running, "case_resolved", FactChanged(ref=case.id))
    return case
