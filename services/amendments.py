"""Amendment requests: a family says that a record is wrong; granted, or refused with a right to be heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.guardians import GuardianLink
from models.privacy import AmendmentRequest
from models.queries.keyset import Window, paged
from rules.errors import Conflict, NotFound
from rules.privacy.regimes import regimes
from services import jurisdictions, pack_recalls, tasks
from services.audit import Act, record
from services.context import Actor
from services.tasks import CreateTask

DECIDE_TASK: Final = "DECIDE_AMENDMENT"
AMEND_TASK: Final = "AMEND_RECORD"


@dataclass(frozen=True, slots=True)
class AskAmendment:
    """What is wrong in which record and what should stand there, in the family's own words."""

    student_id: UUID
    school_id: UUID
    guardian_id: UUID | None
    subject_kind: str
    wrong: str
    wanted: str
    subject_id: UUID | None = None
    subject_on: date | None = None


@dataclass(frozen=True, slots=True)
class DecideAmendment:
    """A person's decision; `statement` is the family's own text, kept with the record whatever is decided."""

    request_id: UUID
    granted: bool
    reason: str
    statement: str | None = None


async def ask(session: AsyncSession, actor: Actor, command: AskAmendment, *, now: datetime) -> AmendmentRequest:
    """Write the request down with its clock; a person has to decide it."""
    if command.guardian_id is not None:
        await must_be_linked(session, command.student_id, command.guardian_id)
    clock = await jurisdictions.amendment_clock(session, command.school_id, now)
    row = AmendmentRequest(
        student_id=command.student_id,
        school_id=command.school_id,
        guardian_id=command.guardian_id,
        subject_kind=command.subject_kind,
        subject_id=command.subject_id,
        subject_on=command.subject_on,
        wrong=command.wrong,
        wanted=command.wanted,
        regime=clock.regime.key,
        requested_at=now,
        requested_by=actor.person_id,
        due_on=clock.due_on,
        status="OPEN",
    )
    session.add(row)
    await session.flush()
    act = Act(
        "request_amendment", "amendment_request", row.id, row.student_id, after={"subject_kind": row.subject_kind}
    )
    await record(session, actor, act, now=now)
    title = "Decide whether a record is put right: the family says that it is wrong"
    await _task(session, actor, row, (DECIDE_TASK, title, "school_leader", clock.due_on), now)
    return row


async def must_be_linked(session: AsyncSession, student_id: UUID, guardian_id: UUID) -> None:
    """Refuse a guardian who has no link to the student."""
    linked = select(GuardianLink.id).where(
        GuardianLink.student_id == student_id, GuardianLink.guardian_id == guardian_id
    )
    if (await session.scalars(linked.limit(1))).first() is None:
        why = f"Guardian {guardian_id} is not linked to student {student_id}: see GET /students/{{id}}/guardians."
        raise NotFound("guardian_not_found", why)


async def _task(
    session: AsyncSession, actor: Actor, row: AmendmentRequest, wanted: tuple[str, str, str, date], now: datetime
) -> None:
    kind, title, role, due_on = wanted
    task = CreateTask(
        kind=kind,
        title=title,
        school_id=row.school_id,
        student_id=row.student_id,
        role=role,
        due_on=due_on,
        details={"amendment_request_id": str(row.id), "subject_kind": row.subject_kind},
    )
    await tasks.create(session, actor, task, now=now)


async def get(session: AsyncSession, request_id: UUID, *, lock: bool = False) -> AmendmentRequest:
    """One request."""
    found = await session.get(AmendmentRequest, request_id, with_for_update=lock)
    if found is None:
        raise NotFound("amendment_request_not_found", f"There is no amendment request {request_id} here.")
    return found


async def decide(session: AsyncSession, actor: Actor, command: DecideAmendment, *, now: datetime) -> AmendmentRequest:
    """Grant (a task puts the record right where it was made) or refuse; the first decision stands."""
    row = await get(session, command.request_id, lock=True)
    if row.status != "OPEN":
        raise Conflict("amendment_decided", f"Amendment request {row.id} was {row.status.lower()} before.")
    row.status = "GRANTED" if command.granted else "REFUSED"
    row.reason, row.statement = command.reason, command.statement
    row.decided_at, row.decided_by = now, actor.person_id
    await session.flush()
    act = Act(
        verb="decide_amendment",
        subject_kind="amendment_request",
        subject_id=row.id,
        student_id=row.student_id,
        reason=command.reason,
        before={"status": "OPEN"},
        after={"status": row.status},
    )
    await record(session, actor, act, now=now)
    if command.granted:
        where = "in the school's own register system" if row.subject_kind == "MARK" else "where it was written"
        title = f"Put the record right {where}: an amendment was granted"
        await _task(session, actor, row, (AMEND_TASK, title, "attendance_officer", row.due_on), now)
        await pack_recalls.ask_back(session, actor, row.student_id, now=now)
    return row


def hearing_of(row: AmendmentRequest) -> tuple[str, bool]:
    """What a family is told about its rights when refused (else nothing), and whether that text has been checked."""
    if row.status != "REFUSED":
        return "", False
    regime = next(regime for regime in regimes() if regime.key == row.regime)
    return regime.hearing, regime.hearing_checked_on is not None


async def of_student(session: AsyncSession, student_id: UUID, window: Window) -> Sequence[AmendmentRequest]:
    """A page of a student's requests, the oldest first."""
    mine = select(AmendmentRequest).where(AmendmentRequest.student_id == student_id)
    return (await session.scalars(paged(mine, (AmendmentRequest.id,), window))).all()


async def any_open(session: AsyncSession, student_id: UUID) -> bool:
    """Whether a request waits: nothing about the child may be destroyed meanwhile."""
    waiting = select(AmendmentRequest.id).where(
        AmendmentRequest.student_id == student_id, AmendmentRequest.status == "OPEN"
    )
    return (await session.scalars(waiting.limit(1))).first() is not None
