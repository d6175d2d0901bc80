"""Care flags: set and read by named roles, seen by nobody else."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from api import reach
from api.commands import HandrailRoute
from api.dependencies import Caller, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.schemas.care_flags import CareFlagFields, CareFlagsIn, CareFlagsOut
from models.session import Session
from rules.access.permissions import Permission
from services import care_flags
from services.care_flags import PutFlags, WantedFlag

router = APIRouter(tags=["people"], route_class=HandrailRoute)


async def _shown(session: Session, caller: Caller, student_id: UUID) -> CareFlagsOut:
    rows = await care_flags.of_student(session, student_id, on=caller.now.date())
    return CareFlagsOut(student_id=student_id, care_flags=[CareFlagFields.model_validate(row) for row in rows])


@router.get("/students/{student_id:uuid}/care-flags")
async def read_care_flags(
    student_id: UUID,
    caller: Annotated[Caller, permit(Permission.CARE_FLAG_READ)],
    session: Work,
    response: Response,
) -> CareFlagsOut:
    """A student's care flags, with the ETag that an edit needs."""
    file = await reach.student(session, caller, student_id)
    return tagged(response, await _shown(session, caller, file.student.id))


@router.put("/students/{student_id:uuid}/care-flags")
async def put_care_flags(
    student_id: UUID,
    body: CareFlagsIn,
    caller: Annotated[Caller, permit(Permission.CARE_FLAG_WRITE)],
    session: Work,
    response: Response,
    if_match: IfMatch = None,
) -> CareFlagsOut:
    """Replace the list. A flagged student's steps are never automatic, never in bulk, and need one approver higher."""
    file = await reach.student(session, caller, student_id)
    unchanged(if_match, await _shown(session, caller, file.student.id))
    wanted = [WantedFlag(one.kind.value, one.starts_on, one.ends_on) for one in body.care_flags]
    await care_flags.put(session, caller.actor, PutFlags(file.student.id, wanted, body.reason), now=caller.now)
    return tagged(response, await _shown(session, caller, file.student.id))
