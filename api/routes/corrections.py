"""Walks held because the register was corrected: who would hear what, and decisions on many of them at once."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api import reach
from api.bulk import in_bulk
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.ladder import Asked, Cases
from api.paging import Cursor, after, page
from api.schemas.corrections import (
    CorrectionOut,
    CorrectionResult,
    CorrectionResults,
    CorrectionRow,
    CorrectionsIn,
    CorrectionsOut,
)
from models.queries.keyset import Window
from orchestration.handles import Told
from rules.access.permissions import Permission
from rules.access.policy import BULK_ROWS
from rules.errors import Conflict
from rules.ladder.commands import ResolveBasis
from rules.ladder.verbs import Verb
from services import corrections

router = APIRouter(prefix="/interventions/corrections", tags=["ladder"], route_class=HandrailRoute)
Few = Annotated[int, Query(ge=1, le=BULK_ROWS, description="How many items a page holds: as many as a decision.")]


@router.get("")
async def list_corrections(
    caller: Annotated[Caller, permit(Permission.QUEUE_READ)],
    session: Work,
    school_id: UUID | None = None,
    limit: Few = BULK_ROWS,
    cursor: Cursor = None,
) -> CorrectionsOut:
    """The walks whose reason a correction took away, the longest held first, each with whom taking back would tell."""
    scope = await reach.scope(session, caller, school_id)
    rows = await corrections.held(session, scope, Window(limit, after(cursor)))
    shown = page(rows, limit, lambda row: row, lambda row: (row.event.occurred_at.isoformat(), row.event.id))
    items = [
        CorrectionOut.of(row, await corrections.rescission(session, row.instance, now=caller.now))
        for row in shown.items
    ]
    families = {one.guardian_id for item in items for one in item.rescinding.hears}
    waiting = await corrections.count(session, scope)
    return CorrectionsOut(items=items, waiting=waiting, families=len(families), next_cursor=shown.next_cursor)


@router.post(
    "/decisions",
    responses={
        202: {"model": CorrectionResults, "description": "Some rows are not yet confirmed: send them again, same key."}
    },
)
async def decide_corrections(
    body: CorrectionsIn,
    caller: Annotated[Caller, permit(Permission.BASIS_RESOLVE)],
    key: CommandKey,
    cases: Cases,
    given: Parts,
) -> CorrectionResults:
    """Take back or keep the steps of many walks; each row has its own result, one refusal stops no other."""

    async def tell(row: CorrectionRow) -> Told:
        found = await cases.reached(caller, row.instance_id, Asked(rows=max(2, len(body.rows))))
        async with given.sessions.tenant(caller.actor.tenant_id) as session:
            _not_stale(row, await corrections.newest(session, row.instance_id))
        command = ResolveBasis(
            command_id=f"{key}:{row.event_id}",
            actor_id=caller.actor.person_id,
            role=caller.actor.role,
            reason=body.reason,
            choice=row.choice,
        )
        return await cases.tell(caller, found, Verb.RESOLVE_BASIS, command)

    outcomes = await in_bulk(cases, body.rows, lambda row: row.instance_id, tell)
    told = zip(body.rows, outcomes, strict=True)
    return CorrectionResults(results=[CorrectionResult.of(one, instance_id=row.instance_id) for row, one in told])


def _not_stale(row: CorrectionRow, newest: UUID | None) -> None:
    if newest != row.event_id:
        raise Conflict(
            "stale_correction",
            "The register was corrected again since this list was read: read it again and decide on what it says now.",
            current=None if newest is None else str(newest),
        )
