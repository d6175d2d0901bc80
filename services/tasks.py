"""Tasks: work for a person, with a due day; only a person completes one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Task
from models.queries.keyset import Window, paged
from rules.errors import Conflict, NotFound
from services import audit
from services.audit import Act
from services.context import Actor
from services.scopes import Scope

NEVER = date(9999, 12, 31)
# Ticking a task off never clears what the law asks for
ENDS_WITH_ITS_DUTY = frozenset({"duty", "duty_basis"})


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Which tasks: within the caller's reach, in this state, perhaps of one person, student or case."""

    scope: Scope
    status: str | None = "OPEN"
    assignee_id: UUID | None = None
    student_id: UUID | None = None
    case_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CreateTask:
    """A task as a person writes it down."""

    kind: str
    title: str
    school_id: UUID
    student_id: UUID | None = None
    case_id: UUID | None = None
    instance_id: UUID | None = None
    assignee_id: UUID | None = None
    role: str | None = None
    due_on: date | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CompleteTask:
    """What came of it."""

    task_id: UUID
    result: str


async def listed(session: AsyncSession, asked: TaskQuery, window: Window) -> Sequence[Task]:
    """A page of tasks, the most urgent first."""
    due = func.coalesce(Task.due_on, literal(NEVER))
    wanted = select(Task).where(*asked.scope.students(Task.student_id))
    if asked.scope.school_ids is not None:
        wanted = wanted.where(or_(Task.school_id.is_(None), Task.school_id.in_(asked.scope.school_ids)))
    for column, value in (
        (Task.status, asked.status),
        (Task.assignee_id, asked.assignee_id),
        (Task.student_id, asked.student_id),
        (Task.case_id, asked.case_id),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    return (await session.scalars(paged(wanted, (due, Task.id), window))).all()


async def get(session: AsyncSession, task_id: UUID) -> Task:
    """One task."""
    found = await session.get(Task, task_id, with_for_update=True)
    if found is None:
        raise NotFound("task_not_found", f"There is no task {task_id} here.")
    return found


async def settle(
    session: AsyncSession, actor: Actor, about: tuple[str, str, UUID], result: str, *, now: datetime
) -> None:
    """Whoever does by another verb what a task of this kind asks for has completed it; `about`: kind, detail, id."""
    kind, detail, wanted = about
    waiting = select(Task.id).where(
        Task.kind == kind, Task.status == "OPEN", Task.details[detail].as_string() == str(wanted)
    )
    for task_id in (await session.scalars(waiting.order_by(Task.id))).all():
        await complete(session, actor, CompleteTask(task_id, result), now=now)


async def create(session: AsyncSession, actor: Actor, command: CreateTask, *, now: datetime) -> Task:
    """Open a task."""
    task = Task(
        kind=command.kind,
        title=command.title,
        details=dict(command.details),
        school_id=command.school_id,
        student_id=command.student_id,
        case_id=command.case_id,
        instance_id=command.instance_id,
        assignee_id=command.assignee_id,
        role=command.role,
        due_on=command.due_on,
        status="OPEN",
    )
    session.add(task)
    await session.flush()
    act = Act(verb="create_task", subject_kind="task", subject_id=task.id, student_id=task.student_id)
    await audit.record(session, actor, act, now=now)
    return task


async def complete(session: AsyncSession, actor: Actor, command: CompleteTask, *, now: datetime) -> Task:
    """Close a task with what came of it."""
    task = await get(session, command.task_id)
    if task.status != "OPEN":
        raise Conflict(
            "task_closed",
            f"Task {task.id} is {task.status} already: reload the list; if there is more to do, open a new task.",
        )
    if task.kind in ENDS_WITH_ITS_DUTY:
        duty_id = task.details.get("duty_id")
        why = f"Task {task.id} ends with duty {duty_id}: close that with its artifact, or decide on its basis."
        raise Conflict("task_of_duty", why)
    task.status, task.done_by, task.done_at = "DONE", actor.person_id, now
    task.result = {"said": command.result}
    await session.flush()
    act = Act(
        verb="complete_task",
        subject_kind="task",
        subject_id=task.id,
        student_id=task.student_id,
        before={"status": "OPEN"},
        after={"status": "DONE", "result": command.result},
    )
    await audit.record(session, actor, act, now=now)
    return task
