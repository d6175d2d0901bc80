"""Links that lead a guardian to one thing: made, listed and withdrawn by staff; `routes/visits.py` opens them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from api import reach
from api.commands import CommandKey, HandrailRoute, shown_once
from api.dependencies import Caller, Parts, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.pointers import PointerIn, PointerMadeOut, PointerOut
from models.pointers import Pointer
from models.queries.keyset import Window
from models.session import Session
from rules.access.permissions import Permission
from services import pointers, preferences
from services.pointers import MakePointer

router = APIRouter(tags=["people"], route_class=HandrailRoute)


def _shown(row: Pointer, caller: Caller) -> PointerOut:
    kept = {name: getattr(row, name) for name in PointerOut.model_fields if name not in {"link_id", "state"}}
    return PointerOut(**kept, link_id=row.id, state=pointers.state_of(row, caller.now))


async def _reached(session: Session, caller: Caller, guardian_id: UUID) -> None:
    guardian = await preferences.of_guardian(session, guardian_id)
    await reach.guardian(session, caller, guardian.id)


@router.get("/guardians/{guardian_id:uuid}/links")
async def list_pointers(
    guardian_id: UUID,
    caller: Annotated[Caller, permit(Permission.POINTER_READ)],
    session: Work,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[PointerOut]:
    """The guardian's links to things within your reach, the oldest first."""
    await _reached(session, caller, guardian_id)
    rows = await pointers.listed(session, guardian_id, await reach.scope(session, caller), Window(limit, after(cursor)))
    return page(rows, limit, lambda row: _shown(row, caller), lambda row: (row.id,))


@router.post("/guardians/{guardian_id:uuid}/links", status_code=201)
async def make_pointer(
    guardian_id: UUID,
    body: PointerIn,
    caller: Annotated[Caller, permit(Permission.POINTER_WRITE)],
    _key: CommandKey,
    session: Work,
    given: Parts,
    request: Request,
) -> PointerMadeOut:
    """Make a link to one thing of this guardian; its address is shown this once."""
    await _reached(session, caller, guardian_id)
    about = await pointers.thing(session, guardian_id, body.kind, body.thing_id, caller.now)
    reach.of_school(caller, about.school_id, about.student_id)
    command = MakePointer(guardian_id, body.kind, body.thing_id, body.days)
    row, token = await pointers.make(session, caller.actor, command, now=caller.now)
    shown_once(request, "address")
    host = given.console.public_url.rstrip("/") if given.console else ""
    return PointerMadeOut(**dict(_shown(row, caller)), address=f"{host}/g/{token}")


@router.delete("/guardians/{guardian_id:uuid}/links/{link_id:uuid}")
async def withdraw_pointer(
    guardian_id: UUID,
    link_id: UUID,
    caller: Annotated[Caller, permit(Permission.POINTER_WRITE)],
    session: Work,
    reason: Annotated[str, Query(min_length=3, max_length=500, description="Why it is taken back.")],
) -> PointerOut:
    """Take a link back: it opens nothing from now on, and whoever is looking is out."""
    row = await pointers.of_guardian(session, guardian_id, link_id)
    reach.of_school(caller, row.school_id, row.student_id)
    return _shown(await pointers.withdraw(session, caller.actor, row, reason, now=caller.now), caller)
