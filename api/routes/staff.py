"""Staff: who works here, what they hold, whom they reach."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.staff import PersonFileOut, PersonIn, PersonOut, RolesIn
from models.queries.keyset import Window
from rules.access.permissions import Permission, Role
from services import staff
from services.staff import NewPerson, PutRoles, StaffQuery

router = APIRouter(tags=["people"], route_class=HandrailRoute)


@router.get("/people")
async def list_people(
    caller: Annotated[Caller, permit(Permission.PERSON_READ)],
    session: Work,
    school_id: UUID | None = None,
    role: Role | None = None,
    *,
    active: Annotated[bool, Query(description="False: those who have left.")] = True,
    search: Annotated[str | None, Query(max_length=100, description="Beginning of a name.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[PersonOut]:
    """Staff of your schools by name, for assigning work."""
    asked = StaffQuery(await reach.schools(session, caller, school_id), search, role, active)
    rows = await staff.listed(session, asked, Window(limit, after(cursor)))
    return page(rows, limit, PersonOut.of, lambda row: (row.person.display_name, row.person.id))


@router.post("/people", status_code=201)
async def create_person(
    body: PersonIn, caller: Annotated[Caller, permit(Permission.PERSON_WRITE)], _key: CommandKey, session: Work
) -> PersonFileOut:
    """Add a member of staff; they reach nothing until they are given roles."""
    reach.school_or_tenant(caller, None)
    return PersonFileOut.of(await staff.create(session, caller.actor, NewPerson(**body.model_dump()), now=caller.now))


@router.get("/people/{person_id:uuid}/roles")
async def read_roles(
    person_id: UUID, caller: Annotated[Caller, permit(Permission.PERSON_WRITE)], session: Work, response: Response
) -> PersonFileOut:
    """One member of staff with all they hold and reach, and the ETag that an edit needs."""
    reach.school_or_tenant(caller, None)
    return tagged(response, PersonFileOut.of(await staff.file_of(session, person_id)))


@router.put("/people/{person_id:uuid}/roles")
async def put_roles(
    person_id: UUID,
    body: RolesIn,
    caller: Annotated[Caller, permit(Permission.PERSON_WRITE)],
    session: Work,
    response: Response,
    if_match: IfMatch = None,
) -> PersonFileOut:
    """Replace what somebody holds and reaches; it counts from their next request. Nobody changes their own."""
    reach.school_or_tenant(caller, None)
    unchanged(if_match, PersonFileOut.of(await staff.file_of(session, person_id)))
    command = PutRoles(person_id, body.standing(), body.reason)
    return tagged(response, PersonFileOut.of(await staff.put_roles(session, caller.actor, command, now=caller.now)))
