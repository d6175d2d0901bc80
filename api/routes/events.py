"""The feed of the tenant's events."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import reach
from api.commands import HandrailRoute
from api.dependencies import Caller, Work, permit
from api.paging import DEFAULT_LIMIT, Limit
from api.schemas.events import EventFeedOut
from rules.access.permissions import Permission
from services import events
from services.events import FeedQuery

router = APIRouter(tags=["events"], route_class=HandrailRoute)
HIGHEST = 2**63 - 1


@router.get("/events")
async def read_events(
    caller: Annotated[Caller, permit(Permission.EVENT_READ)],
    session: Work,
    types: Annotated[
        list[str] | None, Query(alias="type", max_length=50, description="Only these CloudEvents types.")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Annotated[
        int, Query(ge=0, le=HIGHEST, description="`next_cursor` of the read before; 0 is the beginning.")
    ] = 0,
) -> EventFeedOut:
    """The tenant's events in the order of their positions; what commits later never appears before what you read."""
    reach.school_or_tenant(caller, None)
    page = await events.feed(session, FeedQuery(cursor, tuple(types or ()), limit))
    return EventFeedOut.of(caller.actor.tenant_id, page)
