"""Schools, students and guardians."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.people import GuardianOut, GuardiansOut, LinkIn, SchoolOut, StudentFileOut, StudentOut
from api.schemas.shared import ReasonIn
from models.queries.keyset import Window
from rules.access.permissions import Permission, Role
from services import guardian_links, people
from services.guardian_links import ConfirmLink, PutLink
from services.people import StudentQuery

router = APIRouter(tags=["people"], route_class=HandrailRoute)
_SEES_CONFIDENTIAL = frozenset({Role.SAFEGUARDING_LEAD, Role.SCHOOL_LEADER, Role.DISTRICT_ADMIN})


def _sees(caller: Caller) -> bool:
    return caller.principal.role in _SEES_CONFIDENTIAL


@router.get("/schools")
async def list_schools(caller: Annotated[Caller, permit(Permission.SCHOOL_READ)], session: Work) -> Page[SchoolOut]:
    """The schools you may see, by name."""
    rows = await people.schools(session, caller.principal.school_ids)
    return Page[SchoolOut](items=[SchoolOut.model_validate(row) for row in rows])


@router.get("/students")
async def list_students(
    caller: Annotated[Caller, permit(Permission.STUDENT_READ)],
    session: Work,
    school_id: UUID | None = None,
    search: Annotated[str | None, Query(max_length=100, description="Beginning of a name or source id.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[StudentOut]:
    """The students you may see, by name."""
    asked = StudentQuery(reach.schools(caller, school_id), caller.now.date(), search, reach.own_students(caller))
    rows = await people.students(session, asked, Window(limit, after(cursor)))
    return page(rows, limit, StudentOut.model_validate, lambda row: (row.last_name or "", row.first_name or "", row.id))


@router.get("/students/{student_id:uuid}")
async def read_student(
    student_id: UUID, caller: Annotated[Caller, permit(Permission.STUDENT_READ)], session: Work
) -> StudentFileOut:
    """One student."""
    return StudentFileOut.of(await reach.student(session, caller, student_id))


@router.get("/students/{student_id:uuid}/guardians")
async def list_guardians(
    student_id: UUID, caller: Annotated[Caller, permit(Permission.GUARDIAN_READ)], session: Work
) -> GuardiansOut:
    """A student's guardians by priority, and what each may know."""
    file = await reach.student(session, caller, student_id)
    views = await guardian_links.of_student(session, file.student.id, on=caller.now.date())
    return GuardiansOut(items=[GuardianOut.of(view, confidential=_sees(caller)) for view in views])


@router.get("/students/{student_id:uuid}/guardians/{guardian_id:uuid}")
async def read_guardian_link(
    student_id: UUID,
    guardian_id: UUID,
    caller: Annotated[Caller, permit(Permission.GUARDIAN_READ)],
    session: Work,
    response: Response,
) -> GuardianOut:
    """One guardian link, with the ETag that an edit needs."""
    file = await reach.student(session, caller, student_id)
    view = await guardian_links.view(session, file.student.id, guardian_id, on=caller.now.date())
    return tagged(response, GuardianOut.of(view, confidential=_sees(caller)))


@router.put("/students/{student_id:uuid}/guardians/{guardian_id:uuid}")
async def put_guardian_link(
    student_id: UUID,
    guardian_id: UUID,
    body: LinkIn,
    caller: Annotated[Caller, permit(Permission.GUARDIAN_LINK_WRITE)],
    session: Work,
    response: Response,
    if_match: IfMatch = None,
) -> GuardianOut:
    """Change the link: narrowing holds at once, widening waits for a second person."""
    file = await reach.student(session, caller, student_id)
    present = await guardian_links.view(session, file.student.id, guardian_id, on=caller.now.date())
    unchanged(if_match, GuardianOut.of(present, confidential=_sees(caller)))
    command = PutLink(file.student.id, guardian_id, body.model_dump(exclude={"reason"}), body.reason)
    view = await guardian_links.put(session, caller.actor, command, now=caller.now)
    return tagged(response, GuardianOut.of(view, confidential=_sees(caller)))


@router.post("/students/{student_id:uuid}/guardians/{guardian_id:uuid}/confirm")
async def confirm_guardian_link(
    student_id: UUID,
    guardian_id: UUID,
    body: ReasonIn,
    caller: Annotated[Caller, permit(Permission.GUARDIAN_LINK_CONFIRM)],
    _key: CommandKey,
    session: Work,
) -> GuardianOut:
    """Agree, as the second person, to a change that widens what the adult may know."""
    file = await reach.student(session, caller, student_id)
    command = ConfirmLink(file.student.id, guardian_id, body.reason)
    view = await guardian_links.confirm(session, caller.actor, command, now=caller.now)
    return GuardianOut.of(view, confidential=_sees(caller))
