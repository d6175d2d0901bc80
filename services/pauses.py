"""The facts that hold a case today: exemptions of scope hold, accepted reasons that the register does not show yet."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from models.people import School
from models.queries import case_facts
from rules.ladder.state import Pause
from rules.ladder.words import PauseKind
from services import school_days
from services.context import CaseRef
from services.facts import year_start


async def in_force(session: AsyncSession, case: CaseRef) -> tuple[Pause, ...]:
    """Every one of them; an exemption lasts through its last day, a reason until a mark or correction agrees."""
    today = await school_days.today(session, case)
    school = await session.get(School, case.school_id)
    assert school is not None
    exemptions = await case_facts.covering(session, case.student_id, today, "hold")
    who = (case.student_id, case.school_id)
    reasons = await case_facts.unconfirmed_reasons(session, who, year_start(school.year_start, today))
    return (
        *(
            Pause(id=one.id, kind=PauseKind.EXEMPTION, until=one.ends_on + timedelta(days=1) if one.ends_on else None)
            for one in exemptions
        ),
        *(Pause(id=reason_id, kind=PauseKind.AMEND_REGISTER) for reason_id in reasons),
    )
