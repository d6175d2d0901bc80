"""What an authority has done about each guardian: read, recorded whole, confirmed by a second person."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.schemas.guardian_histories import GuardianHistoriesOut, GuardianHistoryIn, GuardianHistoryOut
from api.schemas.shared import ReasonIn
from rules.access.permissions import Permission
from services import guardian_histories

router = APIRouter(prefix="/students/{student_id:uuid}", tags=["people"], route_class=HandrailRoute)


@router.get("/prior-events")
async def list_prior_events(
    student_id: UUID, caller: Annotated[Caller, permit(Permission.GUARDIAN_HISTORY_READ)], session: Work
) -> GuardianHistoriesOut:
    """Penalty notices and the like of each guardian, with their source, and how many count."""
    file = await reach.student(session, caller, student_id)
    today = caller.now.date()
    found = await guardian_histories.of_student(session, file.student.id, on=today)
    items = [GuardianHistoryOut.of(one, today) for one in found]
    return GuardianHistoriesOut(student_id=file.student.id, items=items)


@router.get("/guardians/{guardian_id:uuid}/prior-events")
async def read_prior_events(
    student_id: UUID,
    guardian_id: UUID,
    caller: Annotated[Caller, permit(Permission.GUARDIAN_HISTORY_READ)],
    session: Work,
    response: Response,
) -> GuardianHistoryOut:
    """One guardian's history, with the ETag that an edit needs."""
    file = await reach.student(session, caller, student_id)
    today = caller.now.date()
    found = await guardian_histories.of_guardian(session, file.student.id, guardian_id, on=today)
    return tagged(response, GuardianHistoryOut.of(found, today))


@router.put("/guardians/{guardian_id:uuid}/prior-events")
async def record_prior_events(
    student_id: UUID,
    guardian_id: UUID,
    body: GuardianHistoryIn,
    caller: Annotated[Caller, permit(Permission.GUARDIAN_HISTORY_WRITE)],
    session: Work,
    response: Response,
    if_match: IfMatch = None,
) -> GuardianHistoryOut:
    """Record the authority's whole history of a guardian; it counts as unknown until a second person confirms it."""
    file = await reach.student(session, caller, student_id)
    today = caller.now.date()
    present = await guardian_histories.of_guardian(session, file.student.id, guardian_id, on=today)
    unchanged(if_match, GuardianHistoryOut.of(present, today))
    command = body.command(file.student.id, guardian_id)
    found = await guardian_histories.put(session, caller.actor, command, now=caller.now)
    return tagged(response, GuardianHistoryOut.of(found, today))


@router.post("/guardians/{guardian_id:uuid}/prior-events/confirm")
async def confirm_prior_events(
    student_id: UUID,
    guardian_id: UUID,
    body: ReasonIn,
    caller: Annotated[Caller, permit(Permission.GUARDIAN_HISTORY_CONFIRM)],
    _key: CommandKey,
    session: Work,
) -> GuardianHistoryOut:
    """Confirm, as the second person, that this is the authority's history; from now on rules count by it."""
    file = await reach.student(session, caller, student_id)
    who = (file.student.id, guardian_id)
    found = await guardian_histories.confirm(session, caller.actor, who, body.reason, now=caller.now)
    return GuardianHistoryOut.of(found, caller.now.date())
