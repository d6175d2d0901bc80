"""Reasons for absences: given by the family, accepted or refused by staff; the register stays as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.students import AbsenceReason
from rules.ladder.commands import FactChanged
from services import audit, pack_recalls, tasks
from services.audit import Act
from services.context import Actor
from services.signals import tell_students
from services.tasks import CreateTask

AMEND_WITHIN = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class RecordReason:
    """One reason for one or more absent sessions of a student."""

    student_id: UUID
    school_id: UUID
    sessions: Sequence[tuple[date, str]]
    reason: str
    status: str
    given_by: UUID | None


async def record(
    session: AsyncSession, actor: Actor, command: RecordReason, *, now: datetime
) -> Sequence[AbsenceReason]:
    """Write the reason down; an accepted one opens the task to amend the register and tells the running cases."""
    decided = command.status != "GIVEN"
    said = {
        "reason": command.reason,
        "status": command.status,
        "given_by": command.given_by,
        "decided_by": actor.person_id if decided else None,
        "decided_at": now if decided else None,
    }
    where = {"student_id": command.student_id, "school_id": command.school_id}
    statement = insert(AbsenceReason).values(
        [{**where, "date": on, "session": half, **said} for on, half in command.sessions]
    )
    merged = statement.on_conflict_do_update(
        index_elements=["tenant_id", "student_id", "school_id", "date", "session"], set_=said
    ).returning(AbsenceReason)
    rows = (await session.scalars(merged, execution_options={"populate_existing": True})).all()
    act = Act(
        verb="record_absence_reason",
        subject_kind="student",
        subject_id=command.student_id,
        student_id=command.student_id,
        after={"status": command.status, "sessions": [f"{on} {half}" for on, half in command.sessions]},
    )
    await audit.record(session, actor, act, now=now)
    if command.status == "ACCEPTED":
        await _amend(session, actor, command, now)
        fact = FactChanged()
        await tell_students(session, [command.student_id], "guardian_reason", fact)
    if decided:
        await pack_recalls.ask_back(session, actor, command.student_id, now=now)
    return sorted(rows, key=lambda row: (row.date, row.session))


async def _amend(session: AsyncSession, actor: Actor, command: RecordReason, now: datetime) -> None:
    task = CreateTask(
        kind="AMEND_REGISTER",
        title="Amend the register in the school's own system: a reason was accepted",
        school_id=command.school_id,
        student_id=command.student_id,
        role="attendance_officer",
        due_on=(now + AMEND_WITHIN).date(),
        details={"sessions": [f"{on} {half}" for on, half in command.sessions]},
    )
    await tasks.create(session, actor, task, now=now)
