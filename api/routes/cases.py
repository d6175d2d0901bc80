"""Cases, tasks, exemptions and reasons."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.cases import (
    AbsenceReasonIn,
    AbsenceReasonOut,
    AbsenceReasonsOut,
    CaseFileOut,
    CaseOut,
    ExemptionFields,
    ExemptionsIn,
    ExemptionsOut,
    InstanceSummary,
    ResolveIn,
    TaskDoneIn,
    TaskIn,
    TaskOut,
)
from models.queries.keyset import Window
from models.session import Session
from rules.access.permissions import Permission
from services import absence_reasons, cases, exemptions, filters, tasks
from services.absence_reasons import RecordReason
from services.cases import CaseQuery, ResolveCase
from services.exemptions import PutExemptions, WantedExemption
from services.tasks import NEVER, CompleteTask, CreateTask, TaskQuery

router = APIRouter(tags=["cases"], route_class=HandrailRoute)


@router.get("/cases")
async def list_cases(
    caller: Annotated[Caller, permit(Permission.CASE_READ)],
    session: Work,
    school_id: UUID | None = None,
    status: Literal["OPEN", "RESOLVED"] | None = None,
    tier: Annotated[int | None, Query(ge=1, le=3)] = None,
    student_id: UUID | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[CaseOut]:
    """Cases of your schools, the oldest first."""
    await filters.must_exist(session, student_id=student_id)
    asked = CaseQuery(await reach.scope(session, caller, school_id), status, tier, student_id)
    rows = await cases.listed(session, asked, Window(limit, after(cursor)))
    return page(rows, limit, CaseOut.model_validate, lambda row: (row.id,))


@router.get("/cases/{case_id:uuid}")
async def read_case(
    case_id: UUID, caller: Annotated[Caller, permit(Permission.CASE_READ)], session: Work
) -> CaseFileOut:
    """One case with its walks."""
    case = await cases.get(session, case_id)
    reach.of_school(caller, case.school_id, case.student_id)
    walks = await cases.instances(session, case.id)
    return CaseFileOut(
        case=CaseOut.model_validate(case), instances=[InstanceSummary.model_validate(walk) for walk in walks]
    )


@router.post("/cases/{case_id:uuid}/resolve")
async def resolve_case(
    case_id: UUID,
    body: ResolveIn,
    caller: Annotated[Caller, permit(Permission.CASE_RESOLVE)],
    _key: CommandKey,
    session: Work,
) -> CaseOut:
    """Say that the matter is settled; running ladders hear of it."""
    case = await cases.get(session, case_id)
    reach.of_school(caller, case.school_id, case.student_id)
    command = ResolveCase(case_id, body.resolution)
    return CaseOut.model_validate(await cases.resolve(session, caller.actor, command, now=caller.now))


@router.get("/tasks")
async def list_tasks(
    caller: Annotated[Caller, permit(Permission.TASK_READ)],
    session: Work,
    school_id: UUID | None = None,
    status: Literal["OPEN", "DONE", "CANCELLED"] = "OPEN",
    assignee_id: UUID | None = None,
    student_id: UUID | None = None,
    case_id: UUID | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[TaskOut]:
    """Tasks of your schools, the most urgent first."""
    await filters.must_exist(session, assignee_id=assignee_id, student_id=student_id, case_id=case_id)
    asked = TaskQuery(await reach.scope(session, caller, school_id), status, assignee_id, student_id, case_id)
    rows = await tasks.listed(session, asked, Window(limit, after(cursor)))
    return page(rows, limit, TaskOut.model_validate, lambda row: (row.due_on or NEVER, row.id))


@router.post("/tasks", status_code=201)
async def create_task(
    body: TaskIn, caller: Annotated[Caller, permit(Permission.TASK_WRITE)], _key: CommandKey, session: Work
) -> TaskOut:
    """Write a task down."""
    await reach.school(session, caller, body.school_id)
    await _reach_named(session, caller, body)
    task = await tasks.create(session, caller.actor, CreateTask(**body.model_dump()), now=caller.now)
    return TaskOut.model_validate(task)


async def _reach_named(session: Session, caller: Caller, body: TaskIn) -> None:
    if body.student_id is not None:
        await reach.student(session, caller, body.student_id)
    if body.case_id is not None:
        case = await cases.get(session, body.case_id)
        reach.of_school(caller, case.school_id, case.student_id)


@router.post("/tasks/{task_id:uuid}/complete")
async def complete_task(
    task_id: UUID,
    body: TaskDoneIn,
    caller: Annotated[Caller, permit(Permission.TASK_WRITE)],
    _key: CommandKey,
    session: Work,
) -> TaskOut:
    """Close a task with what came of it."""
    task = await tasks.get(session, task_id)
    reach.task(caller, task.school_id, task.student_id)
    done = await tasks.complete(session, caller.actor, CompleteTask(task_id, body.result), now=caller.now)
    return TaskOut.model_validate(done)


async def _exemptions(session: Session, student_id: UUID) -> ExemptionsOut:
    rows = await exemptions.of_student(session, student_id)
    listed = [ExemptionFields.model_validate({name: getattr(row, name) for name in FIELDS}) for row in rows]
    return ExemptionsOut(student_id=student_id, exemptions=listed)


FIELDS = tuple(ExemptionFields.model_fields)


@router.get("/students/{student_id:uuid}/exemptions")
async def read_exemptions(
    student_id: UUID,
    caller: Annotated[Caller, permit(Permission.CASE_READ)],
    session: Work,
    response: Response,
) -> ExemptionsOut:
    """A student's exemptions, with the ETag that an edit needs."""
    file = await reach.student(session, caller, student_id)
    return tagged(response, await _exemptions(session, file.student.id))


@router.put("/students/{student_id:uuid}/exemptions")
async def put_exemptions(
    student_id: UUID,
    body: ExemptionsIn,
    caller: Annotated[Caller, permit(Permission.EXEMPTION_WRITE)],
    session: Work,
    response: Response,
    if_match: IfMatch = None,
) -> ExemptionsOut:
    """Set a student's exemptions; what is left out is withdrawn, and running ladders hear of it."""
    file = await reach.student(session, caller, student_id)
    unchanged(if_match, await _exemptions(session, file.student.id))
    wanted = [WantedExemption(**one.model_dump()) for one in body.exemptions]
    await exemptions.put(session, caller.actor, PutExemptions(file.student.id, wanted, body.reason), now=caller.now)
    return tagged(response, await _exemptions(session, file.student.id))


@router.post("/students/{student_id:uuid}/absence-reasons", status_code=201)
async def record_absence_reason(
    student_id: UUID,
    body: AbsenceReasonIn,
    caller: Annotated[Caller, permit(Permission.REASON_WRITE)],
    _key: CommandKey,
    session: Work,
) -> AbsenceReasonsOut:
    """Write a reason down; accepting it opens the task to amend the register."""
    file = await reach.student(session, caller, student_id)
    await reach.school(session, caller, body.school_id)
    command = RecordReason(
        file.student.id,
        body.school_id,
        [(one.date, one.session) for one in body.sessions],
        body.reason,
        body.status,
        body.given_by,
    )
    rows = await absence_reasons.record(session, caller.actor, command, now=caller.now)
    return AbsenceReasonsOut(items=[AbsenceReasonOut.model_validate(row) for row in rows])
