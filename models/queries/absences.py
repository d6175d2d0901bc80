"""What a student's sessions came to, as known at one instant: for what letters say and what figures compare."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import SessionFact
from models.students import AbsenceReason
from rules.attendance.codes import ABSENCES, ATTENDED, POSSIBLE


@dataclass(frozen=True, slots=True)
class Whose:
    """One student at one school, with what was known at an instant."""

    student_id: UUID
    school_id: UUID
    known_at: datetime


@dataclass(frozen=True, slots=True)
class AbsentSession:
    """One absent session; `accepted` = staff accepted the family's reason for it."""

    date: date
    session: str
    status: str
    code: str
    accepted: bool


async def absent_sessions(session: AsyncSession, whose: Whose, first: date, last: date) -> list[AbsentSession]:
    """Every absent session of the span, oldest first."""
    reason = and_(
        AbsenceReason.student_id == SessionFact.student_id,
        AbsenceReason.school_id == SessionFact.school_id,
        AbsenceReason.date == SessionFact.date,
        AbsenceReason.session == SessionFact.session,
        AbsenceReason.status == "ACCEPTED",
    )
    absent = (
        select(
            SessionFact.date, SessionFact.session, SessionFact.status, SessionFact.code, AbsenceReason.id.is_not(None)
        )
        .outerjoin(AbsenceReason, reason)
        .where(_known(whose, first, last), SessionFact.status.in_(list(ABSENCES)))
        .order_by(SessionFact.date, SessionFact.session)
    )
    return [AbsentSession(*row) for row in (await session.execute(absent)).all()]


async def attended_of_possible(session: AsyncSession, whose: Whose, first: date, last: date) -> tuple[int, int]:
    """Attended and possible sessions of the span."""
    counted = select(
        func.count().filter(SessionFact.status.in_(list(ATTENDED))),
        func.count().filter(SessionFact.status.in_(list(POSSIBLE))),
    ).where(_known(whose, first, last))
    attended, possible = (await session.execute(counted)).one()
    return attended, possible


def _known(whose: Whose, first: date, last: date) -> ColumnElement[bool]:
    return and_(
        SessionFact.student_id == whose.student_id,
        SessionFact.school_id == whose.school_id,
        SessionFact.date.between(first, last),
        SessionFact.known_from <= whose.known_at,
        SessionFact.known_to > whose.known_at,
    )
