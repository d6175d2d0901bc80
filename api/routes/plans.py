"""Support plans: read, written, agreed, reviewed, and copied for one guardian at a time."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.plans import PlanAgreeIn, PlanCopyIn, PlanCopyOut, PlanIn, PlanOut, PlanReviewIn
from models.plans import SupportPlan
from models.queries.keyset import Window
from models.session import Session
from rules.access.permissions import Permission
from rules.plans.content import PlanState
from services import filters, plans
from services.plans import PlanQuery, ReviewPlan, WritePlan

router = APIRouter(prefix="/plans", tags=["cases"], route_class=HandrailRoute)


async def _reached(session: Session, caller: Caller, plan_id: UUID) -> SupportPlan:
    row = await plans.get(session, plan_id)
    reach.of_school(caller, row.school_id, row.student_id)
    return row


@router.get("")
async def list_plans(
    caller: Annotated[Caller, permit(Permission.PLAN_READ)],
    session: Work,
    school_id: UUID | None = None,
    student_id: UUID | None = None,
    status: PlanState | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[PlanOut]:
    """Support plans of your schools, the newest first."""
    await filters.must_exist(session, student_id=student_id)
    asked = PlanQuery(await reach.scope(session, caller, school_id), student_id, status)
    rows = await plans.listed(session, asked, Window(limit, after(cursor)))
    return page(rows, limit, PlanOut.of, lambda row: (row.id,))


@router.get("/{plan_id:uuid}")
async def read_plan(
    plan_id: UUID, caller: Annotated[Caller, permit(Permission.PLAN_READ)], session: Work, response: Response
) -> PlanOut:
    """One support plan, with the ETag that an edit needs."""
    return tagged(response, PlanOut.of(await _reached(session, caller, plan_id)))


@router.put("/{plan_id:uuid}")
async def put_plan(
    plan_id: UUID,
    body: PlanIn,
    caller: Annotated[Caller, permit(Permission.PLAN_WRITE)],
    session: Work,
    response: Response,
    if_match: IfMatch = None,
) -> PlanOut:
    """Write the plan: aims in the family's words, actions with owner and date, adjustments, review date, signatures."""
    unchanged(if_match, PlanOut.of(await _reached(session, caller, plan_id)))
    command = WritePlan(plan_id, body.content(), body.reason)
    row = await plans.write(session, caller.actor, command, now=caller.now)
    return tagged(response, PlanOut.of(row))


@router.post("/{plan_id:uuid}/agree")
async def agree_plan(
    plan_id: UUID,
    body: PlanAgreeIn,
    caller: Annotated[Caller, permit(Permission.PLAN_WRITE)],
    _key: CommandKey,
    session: Work,
) -> PlanOut:
    """Staff and family agree: the case counts from that day."""
    await _reached(session, caller, plan_id)
    return PlanOut.of(await plans.agree(session, caller.actor, plan_id, body.on, now=caller.now))


@router.post("/{plan_id:uuid}/review")
async def review_plan(
    plan_id: UUID,
    body: PlanReviewIn,
    caller: Annotated[Caller, permit(Permission.PLAN_WRITE)],
    _key: CommandKey,
    session: Work,
) -> PlanOut:
    """Look at an agreed plan again: it goes on until another day, or ends."""
    await _reached(session, caller, plan_id)
    command = ReviewPlan(plan_id, body.result, body.reason, body.review_on)
    return PlanOut.of(await plans.review(session, caller.actor, command, now=caller.now))


@router.post("/{plan_id:uuid}/copies", status_code=201)
async def copy_plan(
    plan_id: UUID,
    body: PlanCopyIn,
    caller: Annotated[Caller, permit(Permission.LETTER_GENERATE)],
    key: CommandKey,
    given: Parts,
) -> PlanCopyOut:
    """One guardian's own copy as a stored letter, with the task to hand it over; nothing of another guardian in it."""
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        await _reached(session, caller, plan_id)
    stored = await plans.copy(given.working, caller.actor, plan_id, body.guardian_id, key, now=caller.now)
    return PlanCopyOut(plan_id=plan_id, artifact_id=stored.id)
