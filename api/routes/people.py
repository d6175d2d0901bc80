"""Schools, calendars, students and guardians."""

from typing import Annotated

from fastapi import APIRouter

from api.commands import HandrailRoute
from api.dependencies import Caller, Work, permit
from api.paging import Page
from api.schemas.people import SchoolOut
from rules.access.permissions import Permission
from services import people

router = APIRouter(tags=["people"], route_class=HandrailRoute)


@router.get("/schools")
async def list_schools(caller: Annotated[Caller, permit(Permission.SCHOOL_READ)], session: Work) -> Page[SchoolOut]:
    """The schools you may see, by name."""
    rows = await people.schools(session, caller.principal.school_ids)
    return Page[SchoolOut](items=[SchoolOut.model_validate(row) for row in rows])
