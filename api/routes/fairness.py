"""The fairness page: figures about groups of students, never about one."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import reach
from api.commands import HandrailRoute
from api.dependencies import Caller, Work, permit
from api.schemas.fairness import FairnessIn, FairnessOut
from rules.access.permissions import Permission
from services import fairness
from services.fairness import Asked

router = APIRouter(prefix="/analytics", tags=["governance"], route_class=HandrailRoute)


@router.get("/fairness")
async def read_fairness(
    caller: Annotated[Caller, permit(Permission.FAIRNESS_READ)],
    session: Work,
    wanted: Annotated[FairnessIn, Query()],
) -> FairnessOut:
    """Per group how many were on roll, entered, got each step, beside the rest; who looked stands in the audit."""
    if wanted.school_id is None:
        reach.school_or_tenant(caller, None)
    else:
        await reach.school(session, caller, wanted.school_id)
    asked = Asked(wanted.first, wanted.last, wanted.school_id)
    return FairnessOut.of(await fairness.drawn_up(session, caller.actor, asked, now=caller.now))
