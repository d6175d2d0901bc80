"""Amendment requests: a family says that a record is wrong."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.privacy import AmendmentDecisionIn, AmendmentIn, AmendmentOut
from models.privacy import AmendmentRequest
from models.queries.keyset import Window
from rules.access.permissions import Permission
from services import amendments
from services.amendments import AskAmendment, DecideAmendment

router = APIRouter(tags=["governance"], route_class=HandrailRoute)


def _shown(row: AmendmentRequest) -> AmendmentOut:
    hearing, checked = amendments.hearing_of(row)
    kept = {name: getattr(row, name) for name in AmendmentOut.model_fields if not name.startswith("hearing")}
    return AmendmentOut(**kept, hearing=hearing, hearing_checked=checked)


@router.get("/students/{student_id:uuid}/amendment-requests")
async def list_amendment_requests(
    student_id: UUID,
    caller: Annotated[Caller, permit(Permission.AMENDMENT_READ)],
    session: Work,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[AmendmentOut]:
    """What the family said is wrong, the oldest first."""
    file = await reach.student(session, caller, student_id)
    rows = await amendments.of_student(session, file.student.id, Window(limit, after(cursor)))
    return page(rows, limit, _shown, lambda row: (row.id,))


@router.post("/students/{student_id:uuid}/amendment-requests", status_code=201)
async def ask_amendment(
    student_id: UUID,
    body: AmendmentIn,
    caller: Annotated[Caller, permit(Permission.AMENDMENT_WRITE)],
    _key: CommandKey,
    session: Work,
) -> AmendmentOut:
    """Write down that a record is wrong; from now on nothing about the child is destroyed until it is decided."""
    file = await reach.student(session, caller, student_id)
    said = body.model_dump(exclude={"guardian_id"})
    guardian_id = caller.principal.guardian_id or body.guardian_id
    reach.enrolled(file, body.school_id)
    command = AskAmendment(student_id=file.student.id, guardian_id=guardian_id, **said)
    return _shown(await amendments.ask(session, caller.actor, command, now=caller.now))


@router.post("/amendment-requests/{request_id:uuid}/decision")
async def decide_amendment(
    request_id: UUID,
    body: AmendmentDecisionIn,
    caller: Annotated[Caller, permit(Permission.AMENDMENT_DECIDE)],
    _key: CommandKey,
    session: Work,
) -> AmendmentOut:
    """Grant it, or refuse it and tell the family its rights; a statement stays with the record either way."""
    row = await amendments.get(session, request_id)
    reach.of_school(caller, row.school_id, row.student_id)
    command = DecideAmendment(request_id, body.granted, body.reason, body.statement)
    return _shown(await amendments.decide(session, caller.actor, command, now=caller.now))
