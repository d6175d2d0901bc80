"""Transfers inside the tenant: both schools read the handover, the receiving leader chooses."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api.commands import HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.ladder import Walk, still_open
from api.schemas.ladder import AnswerOut
from api.schemas.transfers import HandoverOut
from api.schemas.verbs import TransferIn
from models.session import Session
from rules.access.permissions import Permission
from rules.access.policy import Resource
from rules.ids import SchoolId, StudentId
from rules.ladder import commands
from rules.ladder.verbs import Verb
from rules.ladder.words import TransferChoice
from services import handover_pages, instances, transfers
from services.instances import InstanceFile

router = APIRouter(prefix="/interventions/instances/{instance_id:uuid}", tags=["ladder"], route_class=HandrailRoute)


@router.get("/handover")
async def read_handover(
    instance_id: UUID, caller: Annotated[Caller, permit(Permission.INSTANCE_READ)], session: Work
) -> HandoverOut:
    """The latest handover of a walk, for both schools: facts and dates, no notes, reasons or words of the family."""
    row = await transfers.of_instance(session, instance_id)
    schools = frozenset({SchoolId(row.from_school_id), SchoolId(row.to_school_id)})
    student_id = StudentId(row.student_id)
    caller.must(Resource(caller.principal.tenant_id, school_ids=schools, student_id=student_id))
    instance = await instances.get(session, instance_id)
    return HandoverOut.of(await handover_pages.page(session, instance, now=caller.now))


@router.post(
    "/transfer",
    responses={202: {"model": AnswerOut, "description": "Accepted, not yet confirmed: send it again, same key."}},
)
async def choose_transfer(
    body: TransferIn,
    caller: Annotated[Caller, permit(Permission.TRANSFER_CHOOSE)],
    walk: Walk,
    given: Parts,
) -> AnswerOut:
    """As leader of the school that receives the student: go on with the walk, support only, or close it."""
    choice = TransferChoice(body.choice)
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        file = await instances.file(session, walk.instance_id, on=caller.now.date())
        to_school_id = await _receiving(caller, session, file, choice)
    command = commands.ChooseTransfer(**walk.by(caller, body.reason), choice=choice, to_school_id=to_school_id)
    return await walk.tell(caller, file, Verb.CHOOSE_TRANSFER, command)


async def _receiving(caller: Caller, session: Session, file: InstanceFile, choice: TransferChoice) -> SchoolId:
    """The school that receives the student, if the caller leads it and the choice can be carried out there."""
    row = await transfers.of_instance(session, file.instance.id)
    to_school_id = SchoolId(row.to_school_id)
    student_id = StudentId(row.student_id)
    caller.must(Resource(caller.principal.tenant_id, school_ids=frozenset({to_school_id}), student_id=student_id))
    still_open(file)
    await transfers.choosable(session, file.instance, choice)
    return to_school_id
