"""Duties beside the ladder: listed by deadline, closed by the required artifact, their basis decided by a leader."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.duties import DutiesOut, DutyBasisIn, DutyCloseIn, DutyOut, RegisterEventIn
from models.queries.keyset import Window
from rules.access.permissions import Permission
from rules.duties.words import DutyBasis, DutyState
from services import duties, filters, register_events
from services.duties import CloseDuty, DecideDutyBasis, DutyQuery
from services.register_events import RaiseEvent

router = APIRouter(tags=["cases"], route_class=HandrailRoute)


@router.get("/duties")
async def list_duties(
    caller: Annotated[Caller, permit(Permission.DUTY_READ)],
    session: Work,
    school_id: UUID | None = None,
    status: DutyState = DutyState.OPEN,
    basis: Annotated[DutyBasis | None, Query(description="LOST: only those whose basis waits for a leader.")] = None,
    student_id: UUID | None = None,
    due_by: Annotated[date | None, Query(description="Only duties due on this day or before.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[DutyOut]:
    """What the law asks of your schools, the nearest deadline first."""
    await filters.must_exist(session, student_id=student_id)
    asked = DutyQuery(await reach.scope(session, caller, school_id), status, student_id, due_by, basis)
    rows = await duties.listed(session, asked, Window(limit, after(cursor)))
    today = caller.now.date()
    return page(rows, limit, lambda row: DutyOut.of(row, today), lambda row: (row.duty.due_on, row.duty.id))


@router.post("/duties/{duty_id:uuid}/close")
async def close_duty(
    duty_id: UUID,
    body: DutyCloseIn,
    caller: Annotated[Caller, permit(Permission.DUTY_CLOSE)],
    _key: CommandKey,
    session: Work,
) -> DutyOut:
    """Close a duty: with the artifact that went out, elsewhere with evidence, or as not applicable."""
    row = await duties.get(session, duty_id)
    reach.of_school(caller, row.school_id, row.student_id)
    closed = await duties.close(session, caller.actor, CloseDuty(duty_id, **body.model_dump()), now=caller.now)
    return DutyOut.of(await duties.shown(session, closed), caller.now.date())


@router.post("/duties/{duty_id:uuid}/basis")
async def decide_duty_basis(
    duty_id: UUID,
    body: DutyBasisIn,
    caller: Annotated[Caller, permit(Permission.DUTY_DECIDE)],
    _key: CommandKey,
    session: Work,
) -> DutyOut:
    """Keep a duty whose basis a correction removed, or withdraw it with the authority."""
    row = await duties.get(session, duty_id)
    reach.of_school(caller, row.school_id, row.student_id)
    command = DecideDutyBasis(duty_id, body.choice, body.reason)
    decided = await duties.decide_basis(session, caller.actor, command, now=caller.now)
    return DutyOut.of(await duties.shown(session, decided), caller.now.date())


@router.post("/students/{student_id:uuid}/register-events", status_code=201)
async def record_register_event(
    student_id: UUID,
    body: RegisterEventIn,
    caller: Annotated[Caller, permit(Permission.REGISTER_EVENT_WRITE)],
    _key: CommandKey,
    session: Work,
) -> DutiesOut:
    """Write down what happened on the register; the duties that name it arise, once."""
    file = await reach.student(session, caller, student_id)
    reach.enrolled(file, body.school_id)
    command = RaiseEvent(file.student.id, body.school_id, body.event, body.on, body.reason)
    rows = await register_events.raised(session, caller.actor, command, now=caller.now)
    shown = [DutyOut.of(await duties.shown(session, row), caller.now.date()) for row in rows]
    return DutiesOut(items=shown)
