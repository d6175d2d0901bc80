"""Legal holds, and erasures that two people decide."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.erasing import Eraser
from api.schemas.erasures import ErasureIn, ErasureOut, LegalHoldIn, LegalHoldOut
from models.erasures import LegalHold
from rules.access.permissions import Permission
from services import erasures, legal_holds
from services.erasures import AskErasure
from services.legal_holds import PutHold

router = APIRouter(prefix="/students", tags=["governance"], route_class=HandrailRoute)


def _shown(student_id: UUID, hold: LegalHold | None) -> LegalHoldOut:
    if hold is None:
        return LegalHoldOut(student_id=student_id, held=False, reason=None, placed_by=None, placed_at=None)
    return LegalHoldOut(
        student_id=student_id, held=True, reason=hold.reason, placed_by=hold.placed_by, placed_at=hold.placed_at
    )


@router.get("/{student_id:uuid}/legal-hold")
async def read_legal_hold(
    student_id: UUID, caller: Annotated[Caller, permit(Permission.LEGAL_HOLD_READ)], session: Work
) -> LegalHoldOut:
    """Whether the record is held, since when and why."""
    file = await reach.student(session, caller, student_id)
    return _shown(file.student.id, await legal_holds.in_force(session, file.student.id))


@router.put("/{student_id:uuid}/legal-hold")
async def put_legal_hold(
    student_id: UUID,
    body: LegalHoldIn,
    caller: Annotated[Caller, permit(Permission.LEGAL_HOLD_WRITE)],
    session: Work,
) -> LegalHoldOut:
    """Hold the record, so that nothing about the student is destroyed, or let it go again."""
    file = await reach.student(session, caller, student_id)
    command = PutHold(file.student.id, body.held, body.reason)
    return _shown(file.student.id, await legal_holds.put(session, caller.actor, command, now=caller.now))


@router.get("/{student_id:uuid}/erasure")
async def read_erasure(
    student_id: UUID, caller: Annotated[Caller, permit(Permission.ERASURE_READ)], session: Work
) -> ErasureOut:
    """The erasure of this student and how far it has come."""
    own = await reach.former_student(session, caller, student_id)
    return ErasureOut.model_validate(await erasures.get(session, own))


@router.post("/{student_id:uuid}/erasure")
async def ask_erasure(
    student_id: UUID,
    body: ErasureIn,
    caller: Annotated[Caller, permit(Permission.ERASURE_WRITE)],
    _key: CommandKey,
    given: Parts,
) -> ErasureOut:
    """Ask for an erasure; sent by a second person it is decided and carried out: keys destroyed, words emptied."""
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        own = await reach.former_student(session, caller, student_id)
    row = await Eraser(given, caller).ask_or_decide(own, AskErasure(own, body.ground))
    return ErasureOut.model_validate(row)
