"""What a notice tells one guardian: its time, what improvement is sufficient, and what was offered to them before."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Self
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import Message
from models.instances import Contact
from models.plans import SupportPlan
from models.queries import calendar
from rules.ladder.stages import Stage, StageType
from services import school_days
from services.context import CaseRef
from services.entitlement import BASE_LANGUAGE

LETTER, MEETING, CONTACT, PLAN = "a letter to you", "an invitation to a meeting", "a talk with you", "our plan together"
TRIED = "we tried to reach you"


@dataclass(frozen=True, slots=True)
class NoticeTerms:
    """The terms of a notice as its rung has them; `waits` in school days."""

    weeks: int
    waits: int
    sufficient: tuple[str, ...]
    early: tuple[str, ...]

    @classmethod
    def of(cls, stage: Stage) -> Self | None:
        """Those of a notice; None for every other rung."""
        if stage.type is not StageType.NOTICE or stage.period_school_weeks is None:
            return None
        return cls(stage.period_school_weeks, stage.wait_school_days, stage.sufficient, stage.early)


async def notice_fields(
    session: AsyncSession, case: CaseRef, guardian_id: UUID, terms: NoticeTerms, language: str
) -> dict[str, Any]:
    """The merge values of a notice. Its printed day is the earliest: the time counts from the day it arrives."""
    until = await school_days.day_after(session, case, terms.waits)
    offered = sorted([one async for one in _offered(session, case, guardian_id)])
    known = language == BASE_LANGUAGE
    return {
        "notice_weeks": terms.weeks,
        "notice_until": until.isoformat(),
        "sufficient_improvement": list(terms.sufficient),
        "early_grounds": list(terms.early),
        "support_so_far": [f"{day.isoformat()}: {what}" if known else day.isoformat() for day, what in offered],
    }


async def _offered(session: AsyncSession, case: CaseRef, guardian_id: UUID) -> AsyncIterator[tuple[date, str]]:
    """What was done towards this one guardian, and nothing that would tell them of another."""
    mine = (Message.instance_id == case.instance_id, Message.guardian_id == guardian_id)
    sent = select(Message.effective_day, Message.meeting_id).where(*mine, Message.effective_day.is_not(None))
    for day, meeting_id in await session.execute(sent):
        assert day is not None
        yield day, MEETING if meeting_id else LETTER
    spoken = select(Contact.contacted_at, Contact.reached).where(
        Contact.instance_id == case.instance_id, Contact.guardian_id == guardian_id
    )
    for at, reached in await session.execute(spoken):
        yield await calendar.local_date(session, case.school_id, at), CONTACT if reached else TRIED
    agreed = select(SupportPlan).where(SupportPlan.instance_id == case.instance_id, SupportPlan.agreed_on.is_not(None))
    for plan in (await session.scalars(agreed)).all():
        if any(one.get("guardian_id") == str(guardian_id) for one in plan.signatures):
            assert plan.agreed_on is not None
            yield plan.agreed_on, PLAN
