"""Schools, students and guardians."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.people import (
    CalendarIn,
    CalendarOut,
    GuardianOut,
    GuardiansOut,
    LinkIn,
    OpenSession,
    SchoolOut,
    StudentFileOut,
    StudentOut,
)
from api.schemas.shared import ReasonIn
from models.queries.keyset import Window
from models.session import Session
from rules.access.permissions import Permission, Role
from rules.bounds import AnyDay
from rules.ids import StudentId
from services import attendance, guardian_links, people
from services.attendance import SetCalendar
from services.guardian_links import ConfirmLink, PutLink
from services.people import StudentQuery

router = APIRouter(tags=["people"], route_class=HandrailRoute)
_SEES_CONFIDENTIAL = frozenset({Role.SAFEGUARDING_LEAD, Role.SCHOOL_LEADER, Role.DISTRICT_ADMIN})


def _sees(caller: Caller) -> bool:
    return caller.principal.role in _SEES_CONFIDENTIAL


async def _hidden(session: Session, caller: Caller) -> frozenset[UUID]:
    """A guardian's children whose whereabouts another guardian keeps confidential."""
    if caller.principal.guardian_id is None:
        return frozenset()
    return await guardian_links.kept_from(session, caller.principal.guardian_id)


@router.get("/schools")
async def list_schools(caller: Annotated[Caller, permit(Permission.SCHOOL_READ)], session: Work) -> Page[SchoolOut]:
    """The schools you may see, by name."""
    rows = await people.schools(session, caller.principal.school_ids)
    return Page[SchoolOut](items=[SchoolOut.model_validate(row) for row in rows])


async def _calendar(session: Session, school_id: UUID, first: date, last: date) -> CalendarOut:
    rows = await attendance.open_sessions(session, school_id, first, last)
    listed = [OpenSession.model_validate(row) for row in rows]
    return CalendarOut(school_id=school_id, from_date=first, to_date=last, sessions=listed)


@router.get("/schools/{school_id:uuid}/calendar")
async def read_calendar(
    school_id: UUID,
    caller: Annotated[Caller, permit(Permission.SCHOOL_READ)],
    session: Work,
    response: Response,
    from_date: Annotated[AnyDay, Query(alias="from")],
    to_date: Annotated[AnyDay, Query(alias="to")],
) -> CalendarOut:
    """The open sessions of a school between two days, with the ETag that an edit of the same span needs."""
    await reach.school(session, caller, school_id)
    return tagged(response, await _calendar(session, school_id, from_date, to_date))


@router.put("/schools/{school_id:uuid}/calendar")
async def put_calendar(
    school_id: UUID,
    body: CalendarIn,
    caller: Annotated[Caller, permit(Permission.CALENDAR_WRITE)],
    given: Parts,
    response: Response,
    if_match: IfMatch = None,
) -> CalendarOut:
    """Replace the open sessions between two days; summaries and ladders follow."""
    opened = [attendance.OpenSession(one.date, one.session, one.minutes) for one in body.sessions]
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        await reach.school(session, caller, school_id)
        unchanged(if_match, await _calendar(session, school_id, body.from_date, body.to_date))
        command = SetCalendar(school_id, body.from_date, body.to_date, opened, body.reason)
        await attendance.set_calendar(session, caller.actor, command, now=caller.now)
        return tagged(response, await _calendar(session, school_id, body.from_date, body.to_date))


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
    whereabouts = await _hidden(session, caller)
    asked = StudentQuery(await reach.scope(session, caller, school_id), caller.now.date(), search)
    rows = await people.students(session, asked, Window(limit, after(cursor)))
    caller.reached.update(StudentId(row.id) for row in rows[:limit])
    return page(
        rows,
        limit,
        lambda row: StudentOut.for_family(row, hidden=row.id in whereabouts),
        lambda row: (row.last_name or "", row.first_name or "", row.id),
    )


@router.get("/students/{student_id:uuid}")
async def read_student(
    student_id: UUID, caller: Annotated[Caller, permit(Permission.STUDENT_READ)], session: Work
) -> StudentFileOut:
    """One student."""
    file = await reach.student(session, caller, student_id)
    if caller.principal.role in {Role.STUDENT, Role.GUARDIAN}:
        return StudentFileOut.for_family(file, hidden=file.student.id in await _hidden(session, caller))
    return StudentFileOut.of(file)


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
