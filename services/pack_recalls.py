"""The recall list: packs that were given out and no longer say what is so, who received them, and the task to act."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Date, cast, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.ports import KeyRing
from models.attendance import Mark
from models.evidence_packs import EvidencePack
from models.instances import Event, Instance, Task
from models.privacy import AmendmentRequest, Disclosure
from rules.access.permissions import Role
from rules.privacy.disclosures import Disclosed
from rules.privacy.packs import BASIS_EVENTS
from services import disclosures, tasks
from services.context import Actor
from services.tasks import CreateTask

TASK: Final = "CHECK_PACK"
TITLE: Final = "An evidence pack that was given out no longer says what is so: ask it back, or say why it may stay"
CORRECTION: Final = "correction"  # marks that staff entered over what the register said


def moved() -> Any:
    """The basis changed, an amendment was granted, or the register was corrected, after the pack was drawn."""
    later = (
        select(Event.id)
        .join(Instance, Instance.id == Event.instance_id)
        .where(
            Instance.case_id == EvidencePack.case_id,
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
    return exists(later) | exists(granted) | exists(corrected)


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


async def received(session: AsyncSession, keyring: KeyRing, tenant_id: UUID, row: EvidencePack) -> Sequence[Disclosed]:
    """Everybody outside the school who was given this pack or opened it, in the order of time."""
    mine = select(Disclosure).where(Disclosure.what_id == row.id, Disclosure.student_id == row.student_id)
    lines = (await session.scalars(mine.order_by(Disclosure.at, Disclosure.id))).all()
    return [await disclosures.read(session, keyring, tenant_id, line) for line in lines]
