"""The feed of the tenant's events, and the events that other systems send."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import reach
from api.commands import HandrailRoute
from api.dependencies import Caller, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.events import EventFeedOut
from api.schemas.inbound import InboundEventOut, InboundIn, ReceivedOut, VerdictOut
from models.queries.keyset import Window
from rules.access.permissions import Permission
from rules.errors import Invalid
from rules.events.inbound import InboundStatus
from rules.ids import StudentId
from services import events, inbound
from services.events import FeedQuery
from services.inbound import Arrival, Result

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
    read = await events.feed(session, FeedQuery(cursor, tuple(types or ()), limit))
    return EventFeedOut.of(caller.actor.tenant_id, read)


@router.post("/events/inbound")
async def receive_events(
    body: InboundIn, caller: Annotated[Caller, permit(Permission.EVENT_SEND)], session: Work
) -> ReceivedOut:
    """Take in a CloudEvent, or a batch with an answer for each; sent again by source and id, it changes nothing."""
    reach.school_or_tenant(caller, None)
    verdicts = await inbound.receive(session, caller.actor, body.events, Arrival("api", caller.now))
    if body.single and verdicts[0].result is Result.REFUSED:
        (refused,) = verdicts
        fields = {f"body.{place}": problem for place, problem in refused.fields.items()}
        raise Invalid(refused.code or "event_invalid", refused.problem or "The event was refused.", fields=fields)
    return ReceivedOut(results=[VerdictOut.of(one) for one in verdicts])


@router.get("/events/inbound")
async def list_inbound_events(
    caller: Annotated[Caller, permit(Permission.EVENT_READ)],
    session: Work,
    status: Annotated[InboundStatus | None, Query(description="Only these.")] = None,
    event_type: Annotated[str | None, Query(alias="type", max_length=200)] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[InboundEventOut]:
    """The events that came in, the oldest first, and what became of each."""
    reach.school_or_tenant(caller, None)
    rows = await inbound.listed(session, status, event_type, Window(limit, after(cursor)))
    students = await inbound.students_of(session, rows[:limit])
    caller.reached.update(map(StudentId, students.values()))  # whoever reads what came in about a child, saw the child
    return page(rows, limit, lambda row: InboundEventOut.of(row, students.get(row.id)), lambda row: (row.id,))
