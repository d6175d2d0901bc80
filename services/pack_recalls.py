"""The recall list: packs that were given out and no longer say what is so, and the task to act."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Date, Select, cast, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import Mark
from models.evidence_packs import EvidencePack
from models.instances import Event, Instance, Task
from models.privacy import AmendmentRequest
from models.students import AbsenceReason
from rules.access.permissions import Role
from rules.privacy.packs import BASIS_EVENTS, PackPart
from services import evidence_register, tasks
from services.context import Actor
from services.tasks import CreateTask

TASK: Final = "CHECK_PACK"
TITLE: Final = "An evidence pack that was given out no longer says what is so: ask it back, or say why it may stay"
CORRECTION: Final = "correction"  # marks that staff entered over what the register said


def moved() -> Any:
    """After the pack was drawn its basis changed, an amendment was granted, a reason was decided on, the register was
    corrected here, or what it said then was seen to be another by what came in.
    """
    later = (
        select(Event.id)
        .outerjoin(Instance, Instance.id == Event.instance_id)
        .where(
            or_(Instance.case_id == EvidencePack.case_id, Event.case_id == EvidencePack.case_id),
            Event.type.in_(BASIS_EVENTS),
            Event.occurred_at > EvidencePack.prepared_at,
        )
    )
    granted = select(AmendmentRequest.id).where(
        AmendmentRequest.student_id == EvidencePack.student_id,
        AmendmentRequest.status == "GRANTED",
        AmendmentRequest.decided_at > EvidencePack.prepared_at,
    )
    corrected = select(Mark.row_key).where(
        Mark.student_id == EvidencePack.student_id,
        Mark.source == CORRECTION,
        Mark.date <= cast(EvidencePack.prepared_at, Date),
        Mark.recorded_at > EvidencePack.prepared_at,
    )
    decided = select(AbsenceReason.id).where(
        AbsenceReason.student_id == EvidencePack.student_id,
        AbsenceReason.date <= cast(EvidencePack.prepared_at, Date),
        AbsenceReason.decided_at > EvidencePack.prepared_at,
    )
    known = EvidencePack.register_moved_at.is_not(None)
    return known | exists(later) | exists(granted) | exists(corrected) | exists(decided)


async def look_again(session: AsyncSession, actor: Actor, wanted: Select[EvidencePack], *, now: datetime) -> None:
    """Compare the register with what these packs say of it; those that are out and differ open their task."""
    mine = wanted.where(
        EvidencePack.status != "RECALLED",
        EvidencePack.register_until.is_not(None),
        EvidencePack.register_moved_at.is_(None),
        EvidencePack.words.is_not(None),  # an erased student's pack cannot be read by anybody, nor a task be opened
    )
    moved_of: set[UUID] = set()
    for row in (await session.scalars(mine.order_by(EvidencePack.id).with_for_update())).all():
        if await register_moved(session, row):
            row.register_moved_at = now
            moved_of.add(row.student_id)
    await session.flush()
    for student_id in sorted(moved_of):
        await ask_back(session, actor, student_id, now=now)


async def register_moved(session: AsyncSession, row: EvidencePack) -> bool:
    """Whether the register says anything else of the sessions a pack tells of than when the pack was drawn."""
    if row.register_until is None:
        return False
    health = PackPart.HEALTH.value in row.parts
    now_told = await evidence_register.held(session, row.student_id, health=health, until=row.register_until)
    return now_told.digest != row.register_digest


async def outdated(session: AsyncSession, rows: Collection[EvidencePack]) -> frozenset[UUID]:
    """Those of these packs that no longer say what is so."""
    mine = select(EvidencePack.id).where(EvidencePack.id.in_([row.id for row in rows]), moved())
    return frozenset(await session.scalars(mine))


async def ask_back(session: AsyncSession, actor: Actor, student_id: UUID, *, now: datetime) -> None:
    """A task for each pack about the student that is out and has moved; one that waits already is enough."""
    waiting = select(Task.details["evidence_pack_id"].as_string()).where(Task.kind == TASK, Task.status == "OPEN")
    mine = select(EvidencePack).where(EvidencePack.student_id == student_id, EvidencePack.status == "RELEASED", moved())
    asked = set((await session.scalars(waiting.where(Task.student_id == student_id))).all())
    for row in (await session.scalars(mine.order_by(EvidencePack.id))).all():
        if str(row.id) not in asked:
            task = CreateTask(
                kind=TASK,
                title=TITLE,
                school_id=row.school_id,
                student_id=row.student_id,
                case_id=row.case_id,
                role=Role.SCHOOL_LEADER.value,
                due_on=now.date(),
                details={"evidence_pack_id": str(row.id)},
            )
            await tasks.create(session, actor, task, now=now)
