"""What other systems told of students and schools: behaviour, predictions, timetables."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api import reach
from api.commands import HandrailRoute
from api.dependencies import Caller, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.inbound_records import BehaviourOut, PredictionOut, SectionOut
from models.queries.keyset import Window
from rules.access.permissions import Permission
from services import inbound_records

router = APIRouter(tags=["people"], route_class=HandrailRoute)


@router.get("/students/{student_id:uuid}/behaviour")
async def list_behaviour(
    student_id: UUID,
    caller: Annotated[Caller, permit(Permission.BEHAVIOUR_READ)],
    session: Work,
    withdrawn: Annotated[bool, Query(description="Also what the source took back.")] = False,  # noqa: FBT002 - a query
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[BehaviourOut]:
    """A student's behaviour events, the oldest first."""
    file = await reach.student(session, caller, student_id)
    window = Window(limit, after(cursor))
    rows = await inbound_records.behaviour(session, file.student.id, window, withdrawn=withdrawn)
    return page(rows, limit, BehaviourOut.model_validate, lambda row: (row.occurred_at.isoformat(), row.id))


@router.get("/students/{student_id:uuid}/predictions")
async def list_predictions(
    student_id: UUID,
    caller: Annotated[Caller, permit(Permission.PREDICTION_READ)],
    session: Work,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[PredictionOut]:
    """The risk scores that models gave a student, the oldest first. No rule reads them, nothing starts by them."""
    file = await reach.student(session, caller, student_id)
    rows = await inbound_records.predictions(session, file.student.id, Window(limit, after(cursor)))
    return page(rows, limit, PredictionOut.model_validate, lambda row: (row.predicted_at.isoformat(), row.id))


@router.get("/students/{student_id:uuid}/sections")
async def list_student_sections(
    student_id: UUID,
    caller: Annotated[Caller, permit(Permission.SECTION_READ)],
    session: Work,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[SectionOut]:
    """The sections of the timetable that a student sits in, by name."""
    file = await reach.student(session, caller, student_id)
    rows = await inbound_records.sections_of_student(session, file.student.id, Window(limit, after(cursor)))
    return page(rows, limit, SectionOut.of, lambda told: (told.section.name, told.section.id))


@router.get("/schools/{school_id:uuid}/sections")
async def list_sections(
    school_id: UUID,
    caller: Annotated[Caller, permit(Permission.SECTION_READ)],
    session: Work,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[SectionOut]:
    """A school's timetable by section; it names no student."""
    own = await reach.school(session, caller, school_id)
    rows = await inbound_records.sections_of_school(session, own.id, Window(limit, after(cursor)))
    return page(rows, limit, SectionOut.of, lambda told: (told.section.name, told.section.id))
