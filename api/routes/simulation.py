"""What-if for one student: what a rule set would have done; nothing is written."""

from typing import Annotated

from fastapi import APIRouter

from api import reach
from api.commands import HandrailRoute
from api.dependencies import Caller, Work, permit
from api.schemas.simulation import SimulateIn, SimulationOut
from rules.access.permissions import Permission
from rules.errors import Invalid
from services import simulation
from services.simulation import Pasted, PastedDay, Span

router = APIRouter(prefix="/interventions", tags=["rules"], route_class=HandrailRoute)


@router.post("/simulate")
async def simulate_student(
    body: SimulateIn, caller: Annotated[Caller, permit(Permission.SIMULATE)], session: Work
) -> SimulationOut:
    """The steps a rule set would have taken for a student or for pasted days, each explained."""
    ruleset = await simulation.ruleset_for(session, body.version_id, body.document)
    span = Span(body.from_date, body.to_date)
    if body.pasted is not None:
        return SimulationOut.of(
            await simulation.of_pasted(_pasted(body), ruleset, span, now=caller.now, language=body.language)
        )
    if body.student_id is None or body.school_id is None:
        fields = {"body.student_id": "with school_id, or pasted", "body.pasted": "or student_id and school_id"}
        raise Invalid("register_missing", "Name a student and a school, or paste days.", fields=fields)
    file = await reach.student(session, caller, body.student_id)
    school = await reach.school(session, caller, body.school_id)
    who = (file.student.id, school.id)
    return SimulationOut.of(
        await simulation.of_student(session, who, ruleset, span, now=caller.now, language=body.language)
    )


def _pasted(body: SimulateIn) -> Pasted:
    assert body.pasted is not None
    days = [PastedDay(**day.model_dump()) for day in body.pasted.days]
    return Pasted(days, body.pasted.sessions_per_day, body.pasted.day_basis, body.pasted.code_set)
