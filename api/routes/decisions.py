"""The decision log: one decision with its reasons, taken again on the spot."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api import reach
from api.commands import HandrailRoute
from api.dependencies import Caller, Work, permit
from api.languages import InLanguage
from api.schemas.decisions import DecisionOut
from rules.access.permissions import Permission
from rules.rulesets.messages import SOURCE
from services import decision_log

router = APIRouter(prefix="/interventions", tags=["rules"], route_class=HandrailRoute)


@router.get("/decisions/{decision_id:uuid}")
async def read_decision(
    decision_id: UUID,
    caller: Annotated[Caller, permit(Permission.INSTANCE_READ)],
    session: Work,
    language: InLanguage = SOURCE,
) -> DecisionOut:
    """One decision of a walk: what was decided, on which rules, why; `differences` is empty if it comes out again.

    The id may also be that of the evaluation which a step's basis names: then its latest decision.
    """
    row = await decision_log.get(session, decision_id)
    reach.of_school(caller, row.school_id, row.student_id)
    return DecisionOut.of(await decision_log.replay(session, row, language))
