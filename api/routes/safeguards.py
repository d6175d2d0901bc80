"""Contact stops and the sending switch: what stops anything from going out."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.cases import ContactStopIn, ContactStopOut, RestoreHoldOut, SendingOut, SwitchIn, SwitchOut
from models.queries.keyset import Window
from models.session import Session
from rules.access.permissions import Permission
from rules.ids import StudentId
from services import contact_stops, restores, sending
from services.contact_stops import LiftContactStop, SetContactStop, SubjectKind
from services.sending import TurnSwitch

router = APIRouter(tags=["cases"], route_class=HandrailRoute)


async def _reach_covered(session: Session, caller: Caller, kind: SubjectKind, subject_id: UUID) -> None:
    covered = await contact_stops.students_covered(session, kind, subject_id)
    if not covered:
        reach.school_or_tenant(caller, None)
        return
    await reach.any_student(session, caller, covered)


@router.get("/contact-stops")
async def list_contact_stops(
    caller: Annotated[Caller, permit(Permission.CONTACT_STOP_READ)],
    session: Work,
    student_id: Annotated[UUID | None, Query(description="Only those on this student or their guardians.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ContactStopOut]:
    """The contact stops in force among your students, the oldest first."""
    if student_id is not None:
        await reach.student(session, caller, student_id)
    asked = contact_stops.StopQuery(await reach.scope(session, caller), student_id, caller.now.date())
    rows = await contact_stops.in_force(session, asked, Window(limit, after(cursor)))
    caller.reached.update(StudentId(row.subject_id) for row in rows[:limit] if row.subject_kind != SubjectKind.GUARDIAN)
    return page(rows, limit, ContactStopOut.model_validate, lambda row: (row.id,))


@router.post("/contact-stops", status_code=201)
async def set_contact_stop(
    body: ContactStopIn,
    caller: Annotated[Caller, permit(Permission.CONTACT_STOP_SET)],
    _key: CommandKey,
    session: Work,
) -> ContactStopOut:
    """Stop all contact at once: what waits to be sent is cancelled, pending steps are held."""
    await _reach_covered(session, caller, body.subject_kind, body.subject_id)
    command = SetContactStop(body.subject_kind, body.subject_id, body.reason_code, body.note)
    return ContactStopOut.model_validate(await contact_stops.put(session, caller.actor, command, now=caller.now))


@router.delete("/contact-stops/{stop_id:uuid}")
async def lift_contact_stop(
    stop_id: UUID,
    caller: Annotated[Caller, permit(Permission.CONTACT_STOP_LIFT)],
    session: Work,
    reason: Annotated[str, Query(min_length=3, max_length=500, description="Why contact may begin again.")],
) -> ContactStopOut:
    """Allow contact again; a stop after a death stays."""
    stop = await contact_stops.get(session, stop_id)
    await _reach_covered(session, caller, SubjectKind(stop.subject_kind), stop.subject_id)
    lifted = await contact_stops.lift(session, caller.actor, LiftContactStop(stop_id, reason), now=caller.now)
    return ContactStopOut.model_validate(lifted)


@router.get("/sending")
async def read_sending(caller: Annotated[Caller, permit(Permission.SENDING_READ)], session: Work) -> SendingOut:
    """Every sending switch, and what a restore holds back; where there is neither, sending is on."""
    mine = caller.principal.school_ids
    rows = await sending.switches(session)
    seen = [row for row in rows if mine is None or row.school_id is None or row.school_id in mine]
    held = [RestoreHoldOut.model_validate(hold) for hold in await restores.held(session)]
    return SendingOut(items=[SwitchOut.model_validate(row) for row in seen], held_after_restore=held)


@router.put("/sending")
async def turn_sending(
    body: SwitchIn, caller: Annotated[Caller, permit(Permission.SENDING_SWITCH)], session: Work
) -> SwitchOut:
    """Stop or resume everything that goes out, for the scope named; it holds for the next send."""
    reach.school_or_tenant(caller, body.school_id)
    command = TurnSwitch(body.school_id, body.channel, body.enabled, body.reason)
    return SwitchOut.model_validate(await sending.turn(session, caller.actor, command, now=caller.now))
