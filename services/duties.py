"""Duties as people deal with them: listed, closed by the required artifact or with a reason, their basis decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.duties import Duty
from models.instances import Event, Task
from models.queries import calendar
from models.queries.keyset import Window, paged
from models.students import Student
from rules.duties.words import LEADERS, DutyArtifact, DutyBasis, DutyEffect, DutyState
from rules.errors import Conflict, Forbidden, Invalid, NotFound
from rules.events.catalogue import DUTY_BASIS_DECIDED, DUTY_BASIS_LOST, DUTY_CLOSED, DUTY_OPENED, DomainEvent
from services import duty_artifacts
from services.audit import Act, record
from services.context import Actor
from services.events import emit
from services.scopes import Scope

EVENTS: Final[Mapping[str, DomainEvent]] = {
    "DUTY_OPENED": DUTY_OPENED,
    "DUTY_CLOSED": DUTY_CLOSED,
    "DUTY_BASIS_LOST": DUTY_BASIS_LOST,
    "DUTY_BASIS_RESTORED": DUTY_BASIS_DECIDED,
    "DUTY_BASIS_KEPT": DUTY_BASIS_DECIDED,
    "DUTY_WITHDRAWN": DUTY_BASIS_DECIDED,
}
"""What stands in the timeline, and what the world is told."""
TOLD: Final = ("student_id", "school_id", "rule_set_key", "duty_key", "effect", "status", "basis", "due_on")
TASK, REMINDER, BASIS_TASK, WITHDRAW_TASK = "duty", "duty_reminder", "duty_basis", "duty_withdraw"
OFFICE, LEADER = "attendance_officer", "school_leader"


class DutyChoice(StrEnum):
    """What a leader does with a duty whose basis a correction removed."""

    KEEP = "KEEP"
    WITHDRAW = "WITHDRAW"


@dataclass(frozen=True, slots=True)
class DutyQuery:
    """Which duties: within the caller's reach, in this state, perhaps of one student, perhaps due by a day."""

    scope: Scope
    status: DutyState | None = DutyState.OPEN
    student_id: UUID | None = None
    due_by: date | None = None
    basis: DutyBasis | None = None


@dataclass(frozen=True, slots=True)
class CloseDuty:
    """How a duty ends: with its artifact, elsewhere with evidence, or because it does not apply."""

    duty_id: UUID
    state: DutyState
    artifact_kind: DutyArtifact | None = None
    artifact_id: UUID | None = None
    recipient: str | None = None
    on: date | None = None
    reason: str | None = None
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class DecideDutyBasis:
    """Keep it although the register was corrected, or withdraw it with the authority; either with a reason."""

    duty_id: UUID
    choice: DutyChoice
    reason: str


@dataclass(frozen=True, slots=True)
class News:
    """One fact about a duty: its type in the timeline, the audit verb, why and what changed."""

    type: str
    verb: str
    reason: str | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DutyTask:
    """A task of a duty; `nth` tells repeated ones apart."""

    kind: str
    title: str
    role: str
    due_on: date
    nth: int = 0


@dataclass(frozen=True, slots=True)
class DutyRow:
    """A duty and whose it is; None: the school's."""

    duty: Duty
    student: Student | None


async def listed(session: AsyncSession, asked: DutyQuery, window: Window) -> Sequence[DutyRow]:
    """A page of duties, the one due first at the top."""
    wanted = select(Duty, Student).outerjoin(Student, Student.id == Duty.student_id)
    wanted = wanted.where(*asked.scope.rows(Duty.school_id, Duty.student_id))
    for column, value in (
        (Duty.status, asked.status),
        (Duty.student_id, asked.student_id),
        (Duty.basis, asked.basis),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if asked.due_by is not None:
        wanted = wanted.where(Duty.due_on <= asked.due_by)
    return [DutyRow(*row) for row in await session.execute(paged(wanted, (Duty.due_on, Duty.id), window))]


async def get(session: AsyncSession, duty_id: UUID, *, lock: bool = False) -> Duty:
    """One duty."""
    found = await session.get(Duty, duty_id, with_for_update=lock)
    if found is None:
        raise NotFound("duty_not_found", f"There is no duty {duty_id} here.")
    return found


async def shown(session: AsyncSession, duty: Duty) -> DutyRow:
    """One duty as a list shows it."""
    return DutyRow(duty, await session.get(Student, duty.student_id) if duty.student_id else None)


async def blocking(session: AsyncSession, student_id: UUID) -> UUID | None:
    """The open duty, if there is one, that lets no hard step be taken for the student."""
    wanted = select(Duty.id).where(
        Duty.student_id == student_id,
        Duty.status == DutyState.OPEN,
        Duty.effect == DutyEffect.BLOCK,
        Duty.basis.in_((DutyBasis.HOLDS, DutyBasis.KEPT)),
    )
    return await session.scalar(wanted.order_by(Duty.due_on, Duty.id).limit(1))


async def close(session: AsyncSession, actor: Actor, command: CloseDuty, *, now: datetime) -> Duty:
    """End an open duty; a call, a note or a finished task never does (facts: only the required artefact clears it)."""
    row = await get(session, command.duty_id, lock=True)
    if row.status != DutyState.OPEN:
        raise Conflict("duty_closed", f"Duty {row.id} is {row.status} already: reload the list.")
    today = await calendar.local_date(session, row.school_id, now)
    match command.state:
        case DutyState.DONE:
            await _done(session, row, command, today)
        case DutyState.DONE_ELSEWHERE:
            _asked_for(command, "reason", "evidence")
        case DutyState.NOT_APPLICABLE:
            _leader(actor, "says that a duty does not apply")
            _asked_for(command, "reason")
        case DutyState.OPEN:
            raise Invalid("duty_state", "A duty is closed as something else.", fields={"body.state": "not OPEN"})
    row.reason, row.evidence = command.reason, command.evidence
    await _closed(session, actor, row, command.state, now)
    after = {"status": row.status, "artifact_id": row.artifact_id, "recipient": row.recipient, "on": row.done_on}
    said = {"reason": row.reason, "evidence": row.evidence}
    news = News("DUTY_CLOSED", "close_duty", row.reason, {"status": DutyState.OPEN}, {**after, **said})
    await tell(session, actor, row, news, now=now)
    return row


async def _done(session: AsyncSession, row: Duty, command: CloseDuty, today: date) -> None:
    if command.artifact_kind is None or command.artifact_id is None or not command.recipient:
        told = {f"body.{name}": "asked for with DONE" for name in ("artifact_kind", "artifact_id", "recipient")}
        raise Invalid(
            "artifact_missing", "Only the required artifact clears a duty: name it and who got it.", fields=told
        )
    left_on = await duty_artifacts.left_on(session, row, command.artifact_kind, command.artifact_id)
    on = command.on or left_on
    if not max(row.tripped_on, left_on) <= on <= today:
        told = {"body.on": f"a day from {max(row.tripped_on, left_on)} to {today}"}
        raise Invalid("done_on", "The day is before the artifact went out, or still to come.", fields=told)
    row.artifact_kind, row.artifact_id = command.artifact_kind, command.artifact_id
    row.recipient, row.done_on = command.recipient, on


def _asked_for(command: CloseDuty, *names: str) -> None:
    missing = {f"body.{name}": f"asked for with {command.state}" for name in names if not getattr(command, name)}
    if missing:
        raise Invalid("reason_missing", "Say why, so that an inspection can follow it.", fields=missing)


def _leader(actor: Actor, does: str) -> None:
    if actor.role not in LEADERS:
        raise Forbidden("leader_only", f"Only a leader {does}: ask one.")


async def _closed(session: AsyncSession, actor: Actor, row: Duty, state: DutyState, now: datetime) -> None:
    row.status, row.closed_at, row.closed_by, row.closed_role = state, now, actor.person_id, actor.role
    await session.flush()
    await end_tasks(session, row, (TASK, REMINDER), done=state is not DutyState.NOT_APPLICABLE, now=now)


async def decide_basis(session: AsyncSession, actor: Actor, command: DecideDutyBasis, *, now: datetime) -> Duty:
    """A leader keeps a duty whose basis is gone, or withdraws it: with the authority where it was done already."""
    row = await get(session, command.duty_id, lock=True)
    if row.basis != DutyBasis.LOST:
        raise Conflict("basis_not_lost", f"The basis of duty {row.id} is {row.basis}: there is nothing to decide.")
    kept = command.choice is DutyChoice.KEEP
    before = {"basis": row.basis, "status": row.status}
    row.basis = DutyBasis.KEPT if kept else DutyBasis.WITHDRAWN
    row.basis_reason, row.basis_by, row.basis_at = command.reason, actor.person_id, now
    if not kept:
        await _withdrawn(session, actor, row, command.reason, now)
    await session.flush()
    await end_tasks(session, row, (BASIS_TASK,), done=True, now=now)
    news = News(
        "DUTY_BASIS_KEPT" if kept else "DUTY_WITHDRAWN",
        "keep_duty" if kept else "withdraw_duty",
        command.reason,
        before,
        {"basis": row.basis, "status": row.status},
    )
    await tell(session, actor, row, news, now=now)
    return row


async def _withdrawn(session: AsyncSession, actor: Actor, row: Duty, reason: str, now: datetime) -> None:
    if row.status == DutyState.OPEN:  # nothing went out: there is nobody to tell
        row.reason = reason
        await _closed(session, actor, row, DutyState.NOT_APPLICABLE, now)
        return
    due = await next_school_day(session, row.school_id, now)
    task = DutyTask(WITHDRAW_TASK, f"Withdraw with the authority what was done under {row.cite}", OFFICE, due)
    await open_task(session, actor, row, task, now=now)


async def next_school_day(session: AsyncSession, school_id: UUID, now: datetime) -> date:
    """The first open day after today; today where the calendar has ended."""
    today = await calendar.local_date(session, school_id, now)
    return next((day for day in await calendar.open_days_from(session, school_id, today, 2) if day > today), today)


async def open_task(session: AsyncSession, actor: Actor, row: Duty, wanted: DutyTask, *, now: datetime) -> None:
    """A task of the duty, once for each kind and number."""
    made = await session.scalar(
        insert(Task)
        .values(
            kind=wanted.kind,
            title=wanted.title,
            details={"duty_id": str(row.id)},
            student_id=row.student_id,
            school_id=row.school_id,
            case_id=row.case_id,
            instance_id=row.instance_id,
            assignee_id=row.owner_id if wanted.role == OFFICE else None,
            role=wanted.role,
            due_on=wanted.due_on,
            dedupe_key=f"duty/{row.id}/{wanted.kind}/{wanted.nth}",
        )
        .on_conflict_do_nothing()
        .returning(Task.id)
    )
    if made is not None:
        await record(session, actor, Act("open_task", "task", made, row.student_id, wanted.kind), now=now)


async def end_tasks(session: AsyncSession, row: Duty, kinds: tuple[str, ...], *, done: bool, now: datetime) -> None:
    """Close the duty's open tasks of these kinds with it."""
    mine = update(Task).where(Task.dedupe_key.like(f"duty/{row.id}/%"), Task.kind.in_(kinds), Task.status == "OPEN")
    await session.execute(mine.values(status="DONE" if done else "CANCELLED", done_at=now))


async def tell(session: AsyncSession, actor: Actor, row: Duty, news: News, *, now: datetime) -> None:
    """The timeline, the audit trail and the world hear of it in one transaction."""
    if row.student_id is not None:
        session.add(_line(actor, row, row.student_id, news, now))
        await session.flush()
    act = Act(news.verb, "duty", row.id, row.student_id, news.reason, before=news.before, after=news.after)
    await record(session, actor, act, now=now)
    event = EVENTS[news.type]
    told = {name: getattr(row, name) for name in TOLD} | {"duty_id": row.id, "occurred_at": now}
    await emit(session, event, row.id, event.payload.model_validate(told), at=now)


def _line(actor: Actor, row: Duty, student_id: UUID, news: News, now: datetime) -> Event:
    return Event(
        instance_id=row.instance_id,
        case_id=row.case_id,
        student_id=student_id,
        school_id=row.school_id,
        type=news.type,
        occurred_at=now,
        actor_id=actor.person_id,
        actor_role=actor.role,
        reason=news.reason,
        data={"duty_id": str(row.id), "duty_key": row.duty_key, "due_on": row.due_on.isoformat()},
    )
