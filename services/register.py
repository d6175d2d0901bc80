"""The register as staff read it: marks, summaries, code maps, quarantined rows, imports."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import CodeMap, Mark, Summary
from models.imports import ImportRun, QuarantineRow
from models.queries import corrections
from models.queries.keyset import Window, paged
from models.rulesets import NightlyRun
from models.session import Sessions
from rules.errors import Conflict, NotFound
from services import attendance_summaries, audit
from services.attendance import finish_run, open_run
from services.audit import Act
from services.context import Actor
from services.signals import restated, tell_restated


@dataclass(frozen=True, slots=True)
class Span:
    """A student's register between two days, perhaps at one school."""

    student_id: UUID
    first: date
    last: date
    school_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Coded:
    """What a register code means."""

    code: str
    status: str
    is_tardy: bool


@dataclass(frozen=True, slots=True)
class PutCodeMap:
    """A whole code set's meaning."""

    code_set: str
    codes: Sequence[Coded]
    reason: str


@dataclass(frozen=True, slots=True)
class SettleRow:
    """What became of a quarantined row."""

    row_id: UUID
    status: str
    reason: str


async def summaries(session: AsyncSession, asked: Span, window: Window) -> Sequence[Summary]:
    """A page of a student's summaries, day by day."""
    wanted = select(Summary).where(
        Summary.student_id == asked.student_id, Summary.date.between(asked.first, asked.last)
    )
    if asked.school_id is not None:
        wanted = wanted.where(Summary.school_id == asked.school_id)
    return (await session.scalars(paged(wanted, (Summary.date, Summary.school_id), window))).all()


async def marks(session: AsyncSession, asked: Span, window: Window) -> Sequence[Mark]:
    """A page of a student's raw marks, corrections included, as they came."""
    wanted = select(Mark).where(Mark.student_id == asked.student_id, Mark.date.between(asked.first, asked.last))
    if asked.school_id is not None:
        wanted = wanted.where(Mark.school_id == asked.school_id)
    return (await session.scalars(paged(wanted, (Mark.date, Mark.ingest_seq, Mark.row_key), window))).all()


async def code_map(session: AsyncSession, code_set: str, *, lock: bool = False) -> Sequence[CodeMap]:
    """The codes of a set, in order; NotFound if nobody has explained it."""
    wanted = select(CodeMap).where(CodeMap.code_set == code_set).order_by(CodeMap.code)
    found = (await session.scalars(wanted.with_for_update() if lock else wanted)).all()
    if not found:
        raise NotFound("code_set_not_found", f"There is no code set {code_set} here.")
    return found


async def put_code_map(session: AsyncSession, actor: Actor, command: PutCodeMap, *, now: datetime) -> frozenset[UUID]:
    """Replace what a code set means; everybody marked with a code that changed is stale.

    The open instances concerned: `recompute` tells them, in transactions of its own.
    """
    rows = await code_map(session, command.code_set, lock=True)
    before = {row.code: row.status for row in rows}
    meant = {(row.code, row.status, row.is_tardy) for row in rows}
    await session.execute(delete(CodeMap).where(CodeMap.code_set == command.code_set))
    session.add_all(
        CodeMap(code_set=command.code_set, code=one.code, status=one.status, is_tardy=one.is_tardy)
        for one in command.codes
    )
    await session.flush()
    changed = meant ^ {(one.code, one.status, one.is_tardy) for one in command.codes}
    await corrections.recode(session, command.code_set, {code for code, _, _ in changed})
    touched = await restated(session, now.date())
    act = Act(
        verb="change_code_map",
        subject_kind="code_map",
        reason=command.reason,
        before=before,
        after={one.code: one.status for one in command.codes},
    )
    run = await open_run(session, actor, "code_map", now, rows=len(command.codes))
    await finish_run(session, actor, run, act, now=now)
    return touched


async def recompute(sessions: Sessions, actor: Actor, touched: frozenset[UUID], *, now: datetime) -> None:
    """Bring facts and summaries up to date, then have the cases concerned look at their reasons again."""
    await attendance_summaries.refresh(sessions, actor, now=now)
    async with sessions.tenant(actor.tenant_id) as session:
        await tell_restated(session, touched, now)


async def quarantined(
    session: AsyncSession, import_id: UUID | None, status: str, window: Window
) -> Sequence[QuarantineRow]:
    """A page of the rows that were not taken in."""
    wanted = select(QuarantineRow).where(QuarantineRow.status == status)
    if import_id is not None:
        wanted = wanted.where(QuarantineRow.import_id == import_id)
    return (await session.scalars(paged(wanted, (QuarantineRow.id,), window))).all()


async def settle(session: AsyncSession, actor: Actor, command: SettleRow, *, now: datetime) -> QuarantineRow:
    """Say what became of a quarantined row: put right at its source, or not needed."""
    row = await session.get(QuarantineRow, command.row_id, with_for_update=True)
    if row is None:
        raise NotFound("quarantine_not_found", f"There is no quarantined row {command.row_id} here.")
    if row.status != "OPEN":
        raise Conflict("quarantine_settled", f"Row {row.id} is {row.status} already.")
    row.status, row.resolution = command.status, command.reason
    row.resolved_by, row.resolved_at = actor.person_id, now
    await session.flush()
    act = Act("settle_quarantine", "quarantine_row", row.id, reason=command.reason, after={"status": row.status})
    await audit.record(session, actor, act, now=now)
    return row


async def imports(session: AsyncSession, window: Window) -> Sequence[ImportRun]:
    """A page of imports, the oldest first."""
    return (await session.scalars(paged(select(ImportRun), (ImportRun.id,), window))).all()


async def passes(session: AsyncSession, school_ids: Collection[UUID] | None, window: Window) -> Sequence[NightlyRun]:
    """A page of evaluation passes over these schools (None: all), the latest first."""
    wanted = select(NightlyRun)
    if school_ids is not None:
        wanted = wanted.where(NightlyRun.school_id.in_(school_ids))
    return (await session.scalars(paged(wanted, (NightlyRun.id,), window, latest_first=True))).all()


async def one_import(session: AsyncSession, import_id: UUID) -> ImportRun:
    """One import."""
    found = await session.get(ImportRun, import_id)
    if found is None:
        raise NotFound("import_not_found", f"There is no import {import_id} here.")
    return found
