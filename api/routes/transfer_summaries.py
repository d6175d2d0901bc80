"""A student leaves for a school outside: the summary that is handed over."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Parts, permit
from api.schemas.transfer_summaries import TransferSummaryIn, TransferSummaryOut
from rules.access.permissions import Permission
from services import transfer_summaries
from services.transfer_summaries import MakeSummary

router = APIRouter(prefix="/students/{student_id:uuid}", tags=["people"], route_class=HandrailRoute)


@router.post("/transfer-summaries", status_code=201)
async def make_transfer_summary(
    student_id: UUID,
    body: TransferSummaryIn,
    caller: Annotated[Caller, permit(Permission.DISCLOSURE_WRITE)],
    key: CommandKey,
    given: Parts,
) -> TransferSummaryOut:
    """Store a summary of days and figures for a school outside, and write down that it is handed over there."""
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        file = await reach.student(session, caller, student_id)
        school = await reach.school(session, caller, body.school_id)
        reach.enrolled(file, school.id)
    command = MakeSummary(file.student.id, school.id, body.recipient, body.interest, key)
    return TransferSummaryOut.of(await transfer_summaries.make(given.working, caller.actor, command, now=caller.now))
