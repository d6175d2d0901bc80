"""Incidents: something about a child went to the wrong person."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.privacy import IncidentCloseIn, IncidentIn, IncidentOut
from models.privacy import Incident
from models.queries.keyset import Window
from rules.access.permissions import Permission
from services import filters, incidents
from services.incidents import CloseIncident, IncidentQuery, ReportIncident

router = APIRouter(prefix="/incidents", tags=["governance"], route_class=HandrailRoute)


def _shown(row: Incident, now: datetime) -> IncidentOut:
    kept = {name: getattr(row, name) for name in IncidentOut.model_fields if name != "hours_left"}
    return IncidentOut(**kept, hours_left=round((row.clock_ends_at - now).total_seconds() / 3600, 1))


@router.get("")
async def list_incidents(
    caller: Annotated[Caller, permit(Permission.INCIDENT_READ)],
    session: Work,
    school_id: UUID | None = None,
    status: Literal["OPEN", "CLOSED"] | None = None,
    student_id: UUID | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[IncidentOut]:
    """Incidents of your schools; whose 72 hours end first stands first."""
    await filters.must_exist(session, student_id=student_id)
    asked = IncidentQuery(await reach.scope(session, caller, school_id), status, student_id)
    rows = await incidents.listed(session, asked, Window(limit, after(cursor)))
    return page(rows, limit, lambda row: _shown(row, caller.now), lambda row: (row.clock_ends_at.isoformat(), row.id))


@router.post("", status_code=201)
async def report_incident(
    body: IncidentIn, caller: Annotated[Caller, permit(Permission.INCIDENT_REPORT)], _key: CommandKey, session: Work
) -> IncidentOut:
    """It went to the wrong person: what can still be stopped is stopped now, and the clock starts."""
    file = await reach.student(session, caller, body.student_id)
    reach.enrolled(file, body.school_id)
    command = ReportIncident(**body.model_dump())
    return _shown(await incidents.report(session, caller.actor, command, now=caller.now), caller.now)


@router.get("/{incident_id:uuid}")
async def read_incident(
    incident_id: UUID, caller: Annotated[Caller, permit(Permission.INCIDENT_READ)], session: Work
) -> IncidentOut:
    """One incident with its clock."""
    row = await incidents.get(session, incident_id)
    reach.of_school(caller, row.school_id, row.student_id)
    return _shown(row, caller.now)


@router.post("/{incident_id:uuid}/close")
async def close_incident(
    incident_id: UUID,
    body: IncidentCloseIn,
    caller: Annotated[Caller, permit(Permission.INCIDENT_CLOSE)],
    _key: CommandKey,
    session: Work,
) -> IncidentOut:
    """Close it: the regulator, the family and the recall each need an answer."""
    row = await incidents.get(session, incident_id)
    reach.of_school(caller, row.school_id, row.student_id)
    command = CloseIncident(incident_id, **body.model_dump())
    return _shown(await incidents.close(session, caller.actor, command, now=caller.now), caller.now)
