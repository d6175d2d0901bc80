"""For how long records are kept, and the lists of what was kept long enough; made and carried out on the machine."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api import reach
from api.commands import HandrailRoute
from api.dependencies import Caller, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.retention import PeriodOut, PeriodsOut, RetentionFileOut, RetentionListOut
from models.queries.keyset import Window
from rules.access.permissions import Permission
from rules.ids import StudentId
from services import retention

router = APIRouter(prefix="/retention", tags=["governance"], route_class=HandrailRoute)


@router.get("/periods")
async def list_retention_periods(
    caller: Annotated[Caller, permit(Permission.ERASURE_READ)], session: Work
) -> PeriodsOut:
    """How long each class of records is kept at which schools, what the law asks, and whether somebody verified it."""
    reach.school_or_tenant(caller, None)
    found = await retention.periods(session, caller.actor.tenant_id)
    return PeriodsOut(items=[PeriodOut.of(one) for one in found])


@router.get("/lists")
async def list_retention_lists(
    caller: Annotated[Caller, permit(Permission.ERASURE_READ)],
    session: Work,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[RetentionListOut]:
    """The lists that were made, the oldest first: by whom, approved by whom, why, and whether they were carried out."""
    reach.school_or_tenant(caller, None)
    rows = await retention.listed(session, Window(limit, after(cursor)))
    return page(rows, limit, RetentionListOut.model_validate, lambda row: (row.known_at.isoformat(), row.id))


@router.get("/lists/{run_id:uuid}")
async def read_retention_list(
    run_id: UUID, caller: Annotated[Caller, permit(Permission.ERASURE_READ)], session: Work
) -> RetentionFileOut:
    """One list, line by line, and what came of it; whoever is named on it was shown to the reader."""
    reach.school_or_tenant(caller, None)
    run = await retention.get(session, run_id)
    caller.reached.update(StudentId(UUID(one)) for line in run.lines for one in line.get("students", ()))
    return RetentionFileOut.of(run)
