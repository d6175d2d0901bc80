"""Escalations: the case's tier, its chronology as a stored document, and the tasks with their deadlines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from letters.chronology import Chronology, render_chronology
from models.instances import CaseFile, Escalation, Instance
from models.queries import calendar
from rules.errors import NotFound
from rules.events.catalogue import TIER_ESCALATED
from rules.events.payloads import TierEscalatedData
from rules.privacy.packs import PackKind
from services import artifacts, evidence_packs, school_days
from services.artifacts import Paper, artifact_id_for
from services.audit import Act, record
from services.case_tasks import NewTask, open_task
from services.chronology import chronology
from services.context import CaseRef
from services.entitlement import linked_guardians
from services.events import emit
from services.evidence_packs import PreparePack
from services.means import Means
from services.student_keys import DataKey, data_key

HIGHEST_TIER: Final = 3
RECIPIENT: Final = "The team around the student"
INTEREST: Final = "The case was escalated."
TASKS: Final = (
    ("escalation_chronology", "Read the chronology and add what is missing", 2, "attendance_officer"),
    ("escalation_meeting", "Meet the team around the student and agree who does what", 5, "school_leader"),
    ("escalation_review", "Review the escalated case", 20, "school_leader"),
)


@dataclass(frozen=True, slots=True)
class Raise:
    """Why and how far a case is raised."""

    stage_key: str
    tier: int
    reason: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The escalation and the local day it was opened."""

    escalation_id: UUID
    on: date


@dataclass(frozen=True, slots=True)
class _Begun:
    id: UUID
    on: date
    case_id: UUID
    finished: bool
    record: Chronology
    key: DataKey
    guardians: Sequence[UUID]


async def open_escalation(means: Means, case: CaseRef, wanted: Raise) -> Opened:
    """Raise the tier, open the tasks, store the chronology, draft the evidence packs; a retry goes on where it was."""
    async with means.sessions.tenant(case.tenant_id) as session:
        begun = await _begin(means, session, case, wanted)
    if not begun.finished:
        await _store_chronology(means, case, wanted, begun)
    for guardian_id in begun.guardians:
        pack = PreparePack(begun.case_id, PackKind.INTERNAL_MEETING, guardian_id, RECIPIENT, INTEREST)
        await evidence_packs.draft(means, case, pack)
    return Opened(begun.id, begun.on)


async def _store_chronology(means: Means, case: CaseRef, wanted: Raise, begun: _Begun) -> None:
    drawn = await means.threads.run(lambda: render_chronology(begun.record))
    own_id = artifact_id_for(f"{case.key}/{sha256(drawn.content).hexdigest()}")
    paper = Paper(own_id, begun.on.year, drawn.content, drawn.pages, drawn.engine)
    shelved = await artifacts.shelve(means, case.tenant_id, begun.key, paper, now=case.now)
    facts = {
        "kind": "CHRONOLOGY",
        "instance_id": case.instance_id,
        "student_id": case.student_id,
        "school_id": case.school_id,
        "stage_key": wanted.stage_key,
        "language": begun.record.language,
        "effect_key": case.key,
    }
    async with means.sessions.tenant(case.tenant_id) as session:
        row = await artifacts.enter(session, case.actor, shelved, facts, now=case.now)
        mine = update(Escalation).where(Escalation.id == begun.id, Escalation.artifact_id.is_(None))
        await session.execute(mine.values(artifact_id=row.id))


async def _begin(means: Means, session: AsyncSession, case: CaseRef, wanted: Raise) -> _Begun:
    row = await _row(session, case, wanted)
    on = await calendar.local_date(session, case.school_id, row.opened_at)
    told = await chronology(session, case, row.reason or "", row.opened_at)
    key = await data_key(session, means.keyring, case.tenant_id, case.student_id)
    guardians = await linked_guardians(session, case.student_id, on)
    return _Begun(row.id, on, row.case_id, row.artifact_id is not None, told, key, guardians)


async def _row(session: AsyncSession, case: CaseRef, wanted: Raise) -> Escalation:
    mine = select(Escalation).where(Escalation.effect_key == case.key)
    if found := (await session.scalars(mine)).first():
        return found
    case_id = (await session.scalars(select(Instance.case_id).where(Instance.id == case.instance_id))).first()
    if case_id is None:
        raise NotFound("instance_not_found", f"There is no instance {case.instance_id} here.")
    await session.execute(
        insert(Escalation)
        .values(
            instance_id=case.instance_id,
            case_id=case_id,
            stage_key=wanted.stage_key,
            tier=wanted.tier,
            reason=wanted.reason or None,
            effect_key=case.key,
            opened_at=case.now,
        )
        .on_conflict_do_nothing()
    )
    file = (await session.scalars(select(CaseFile).where(CaseFile.id == case_id).with_for_update())).one()
    before, file.tier = file.tier, max(file.tier, wanted.tier)
    await session.flush()
    for kind, title, days, role in TASKS:
        due = await school_days.day_after(session, case, days)
        await open_task(session, case, NewTask(kind, title, due, wanted.stage_key, role))
    row = (await session.scalars(mine)).one()
    act = Act("escalate", "escalation", row.id, case.student_id, wanted.reason or None, after={"tier": wanted.tier})
    await record(session, case.actor, act, now=case.now)
    if file.tier > before:
        await _tell_the_world(session, case, row, (before, file.tier))
    return row


async def _tell_the_world(session: AsyncSession, case: CaseRef, row: Escalation, tiers: tuple[int, int]) -> None:
    data = TierEscalatedData(
        escalation_id=row.id,
        case_id=row.case_id,
        instance_id=case.instance_id,
        student_id=case.student_id,
        school_id=case.school_id,
        stage_key=row.stage_key,
        from_tier=tiers[0],
        to_tier=tiers[1],
        occurred_at=row.opened_at,
    )
    await emit(session, TIER_ESCALATED, row.case_id, data, at=row.opened_at)


async def close_of_stages(session: AsyncSession, case: CaseRef, stage_keys: tuple[str, ...], now: datetime) -> int:
    """Close the open escalations of steps that were taken back; how many."""
    mine = update(Escalation).where(
        Escalation.instance_id == case.instance_id, Escalation.stage_key.in_(stage_keys), Escalation.status == "OPEN"
    )
    closed = await session.scalars(
        mine.values(status="CLOSED", closed_at=now, result="rescinded").returning(Escalation.id)
    )
    return len(closed.all())
