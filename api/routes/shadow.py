"""Shadow mode: a candidate beside the version in force, night by night, before anybody is written to by it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Work, permit
from api.governed import Move
from api.languages import InLanguage
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.rules import VersionOut
from api.schemas.shadow import Change, ShadowNightOut, ShadowStudentOut
from models.queries.keyset import Window
from rules.access.permissions import Permission
from rules.bounds import AnyDay
from rules.rulesets.messages import SOURCE
from services import shadow
from services.shadow import Asked

router = APIRouter(prefix="/interventions/rules/{version_id:uuid}/shadow", tags=["rules"], route_class=HandrailRoute)
Night = Annotated[AnyDay | None, Query(description="One night only; else every one, of students the latest.")]


@router.post("")
async def begin_shadow(
    move: Move, caller: Annotated[Caller, permit(Permission.RULESET_ACTIVATE)], _key: CommandKey, session: Work
) -> VersionOut:
    """Evaluate a version in review or approved every night beside the one in force; nothing starts by it."""
    return VersionOut.of(await shadow.begin(session, caller.actor, move, now=caller.now))


@router.post("/end")
async def end_shadow(
    move: Move, caller: Annotated[Caller, permit(Permission.RULESET_ACTIVATE)], _key: CommandKey, session: Work
) -> VersionOut:
    """Stop evaluating it; what its nights said stays to be read."""
    return VersionOut.of(await shadow.end(session, caller.actor, move, now=caller.now))


@router.get("")
async def list_shadow_nights(
    version_id: UUID,
    caller: Annotated[Caller, permit(Permission.SIMULATE)],
    session: Work,
    school_id: UUID | None = None,
    on: Night = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ShadowNightOut]:
    """What each night came to at each school: how many the candidate would add and drop."""
    asked = Asked(version_id, await reach.scope(session, caller, school_id), on)
    rows = await shadow.nights(session, asked, Window(limit, after(cursor)))
    return page(rows, limit, ShadowNightOut.model_validate, lambda row: (row.id,))


@router.get("/students")
async def list_shadow_students(
    version_id: UUID,
    caller: Annotated[Caller, permit(Permission.SIMULATE)],
    session: Work,
    school_id: UUID | None = None,
    on: Night = None,
    change: Change | None = None,
    language: InLanguage = SOURCE,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ShadowStudentOut]:
    """Whom the candidate would add or drop, each with the figures that say so; by default on the last night."""
    asked = Asked(version_id, await reach.scope(session, caller, school_id), on, change)
    rows = await shadow.students(session, asked, Window(limit, after(cursor)), language)
    return page(rows, limit, ShadowStudentOut.of, lambda found: (found.row.id,))
