"""Breakers: what is held because it looks wrong, and the leader's release."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.breakers import BreakerOut
from api.schemas.shared import ReasonIn
from models.delivery import Breaker
from models.queries.keyset import Window
from models.session import Session
from rules.access.permissions import Permission
from services import breaker_words, breakers
from services.breakers import BreakerQuery, ReleaseBreaker

router = APIRouter(prefix="/breakers", tags=["cases"], route_class=HandrailRoute)
Status = Literal["OPEN", "RELEASED", "CLEARED", "ALL"]


@router.get("")
async def list_breakers(
    caller: Annotated[Caller, permit(Permission.BREAKER_READ)],
    session: Work,
    school_id: UUID | None = None,
    status: Annotated[Status, Query(description="Only those in this state.")] = "OPEN",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[BreakerOut]:
    """What is held because it looks wrong, the oldest first."""
    asked = BreakerQuery(await reach.schools(session, caller, school_id), None if status == "ALL" else status)
    rows = await breakers.listed(session, asked, Window(limit, after(cursor)))
    shown = {row.id: await _shown(session, caller, row) for row in rows}
    return page(rows, limit, lambda row: shown[row.id], lambda row: (row.id,))


@router.post("/{breaker_id:uuid}/release")
async def release_breaker(
    breaker_id: UUID,
    body: ReasonIn,
    caller: Annotated[Caller, permit(Permission.BREAKER_RELEASE)],
    _key: CommandKey,
    session: Work,
) -> BreakerOut:
    """Let what was held go on, with the reason why it is right; for suspect days the school is evaluated at once."""
    row = await breakers.get(session, breaker_id)
    reach.school_or_tenant(caller, row.school_id)
    done = await breakers.release(session, caller.actor, ReleaseBreaker(breaker_id, body.reason), now=caller.now)
    return await _shown(session, caller, done)


async def _shown(session: Session, caller: Caller, row: Breaker) -> BreakerOut:
    told = await breaker_words.told(session, row, codes=reach.sees_codes(caller))
    return BreakerOut.model_validate(
        {
            **{name: getattr(row, name) for name in BreakerOut.model_fields if hasattr(row, name)},
            "cause": told.cause,
            "sentence": told.sentence,
            "holds": told.holds,
            "opened_at": row.created_at,
        }
    )
