"""The end of the school year: what becomes of a running walk."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api.commands import HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.ladder import Asked, Walk, still_open
from api.schemas.ladder import AnswerOut
from api.schemas.verbs import YearEndIn
from api.schemas.year_ends import YearEndOut
from rules.access.permissions import Permission
from rules.access.policy import Resource
from rules.ids import SchoolId, StudentId
from rules.ladder import commands
from rules.ladder.verbs import Verb
from services import instances, year_ends

router = APIRouter(prefix="/interventions/instances/{instance_id:uuid}", tags=["ladder"], route_class=HandrailRoute)


@router.get("/year-end")
async def read_year_end(
    instance_id: UUID, caller: Annotated[Caller, permit(Permission.INSTANCE_READ)], session: Work
) -> YearEndOut:
    """The latest end of a school year that the walk was asked about: until when to choose, what was chosen, and the
    summary of a walk that was closed with one.
    """
    instance = await instances.get(session, instance_id)
    schools = frozenset({SchoolId(instance.lead_school_id)})
    student_id = StudentId(instance.student_id)
    caller.must(Resource(caller.principal.tenant_id, school_ids=schools, student_id=student_id))
    return YearEndOut.of(await year_ends.of_instance(session, instance_id), instance)


@router.post(
    "/year-end",
    responses={202: {"model": AnswerOut, "description": "Accepted, not yet confirmed: send it again, same key."}},
)
async def choose_year_end(
    body: YearEndIn,
    caller: Annotated[Caller, permit(Permission.YEAR_END_CHOOSE)],
    walk: Walk,
    given: Parts,
) -> AnswerOut:
    """Choose what becomes of the walk; it is carried out on the new year's first day, until then it can be changed."""
    file = await walk.reached(caller, Asked())
    still_open(file)
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        row = await year_ends.choosable(session, file.instance)
    command = commands.ChooseYearEnd(**walk.by(caller, body.reason), choice=body.choice, begins=row.begins)
    return await walk.tell(caller, file, Verb.CHOOSE_YEAR_END, command)
