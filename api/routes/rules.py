"""Rule sets: read, draft, submit, approve, activate, retire; the packs they start from."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.governed import Move
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.rules import ChecksOut, DiffOut, PackOut, PacksOut, RuleSetIn, VersionDocumentOut, VersionOut
from models.queries.keyset import Window
from rules.access.permissions import Permission
from rules.rulesets.publishing import json_schema
from rules.rulesets.ruleset import PACKS, load_pack
from services import rulesets
from services.governed import VersionQuery
from services.rulesets import DraftRuleSet, EditDraft

router = APIRouter(prefix="/interventions/rules", tags=["rules"], route_class=HandrailRoute)
Status = Literal["DRAFT", "IN_REVIEW", "APPROVED", "ACTIVE", "RETIRED"]


@router.get("")
async def list_rulesets(
    caller: Annotated[Caller, permit(Permission.RULESET_READ)],
    session: Work,
    key: Annotated[str | None, Query(max_length=48)] = None,
    status: Status | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[VersionOut]:
    """Versions of rule sets, the oldest first."""
    rows = await rulesets.listed(session, VersionQuery(key, status), Window(limit, after(cursor)))
    return page(rows, limit, VersionOut.of, lambda found: (found.row.id,))


@router.get("/packs")
async def list_packs(caller: Annotated[Caller, permit(Permission.RULESET_READ)]) -> PacksOut:
    """The rule sets shipped with Handrail: where each rule is written, when that was checked, what is not confirmed."""
    return PacksOut(items=[PackOut.of(name, load_pack(name)) for name in PACKS])


@router.get("/schema")
async def read_schema(caller: Annotated[Caller, permit(Permission.RULESET_READ)]) -> dict[str, Any]:
    """The JSON Schema of a rule set's document, the same as docs/rules/ruleset.schema.json."""
    return json_schema()


@router.post("", status_code=201)
async def draft_ruleset(
    body: RuleSetIn, caller: Annotated[Caller, permit(Permission.RULESET_WRITE)], _key: CommandKey, session: Work
) -> VersionDocumentOut:
    """Draft the next version of a rule set, or the first of a new key."""
    reach.shared(caller)
    command = DraftRuleSet(body.document, body.reason)
    return VersionDocumentOut.of(await rulesets.draft(session, caller.actor, command, now=caller.now))


@router.get("/{version_id:uuid}")
async def read_ruleset(
    version_id: UUID,
    caller: Annotated[Caller, permit(Permission.RULESET_READ)],
    session: Work,
    response: Response,
) -> VersionDocumentOut:
    """One version with its document, and the ETag that an edit needs."""
    return tagged(response, VersionDocumentOut.of(await rulesets.get(session, version_id)))


@router.get("/{version_id:uuid}/checks")
async def check_ruleset(
    version_id: UUID, caller: Annotated[Caller, permit(Permission.RULESET_READ)], session: Work
) -> ChecksOut:
    """What is wrong whoever the student is, which tests fail, what cannot be done yet; each leaf at its threshold."""
    return ChecksOut.of(await rulesets.checked(session, version_id, today=caller.now.date()))


@router.get("/{version_id:uuid}/diff")
async def compare_rulesets(
    version_id: UUID,
    caller: Annotated[Caller, permit(Permission.RULESET_READ)],
    session: Work,
    against: Annotated[UUID | None, Query(description="Another version; else the one in force or before")] = None,
) -> DiffOut:
    """What a version says differently from another one, in words, with whether each condition asks for more or less."""
    return DiffOut.of(await rulesets.compared(session, version_id, against))


@router.put("/{version_id:uuid}")
async def edit_ruleset(
    version_id: UUID,
    body: RuleSetIn,
    caller: Annotated[Caller, permit(Permission.RULESET_WRITE)],
    session: Work,
    response: Response,
    if_match: IfMatch = None,
) -> VersionDocumentOut:
    """Change a draft; a version that left DRAFT never changes."""
    unchanged(if_match, VersionDocumentOut.of(await rulesets.get(session, version_id, lock=True)))
    command = EditDraft(version_id, body.document, body.reason)
    return tagged(response, VersionDocumentOut.of(await rulesets.edit(session, caller.actor, command, now=caller.now)))


@router.post("/{version_id:uuid}/submit")
async def submit_ruleset(
    move: Move, caller: Annotated[Caller, permit(Permission.RULESET_WRITE)], _key: CommandKey, session: Work
) -> VersionOut:
    """Hand a draft to a second person."""
    return VersionOut.of(await rulesets.submit(session, caller.actor, move, now=caller.now))


@router.post("/{version_id:uuid}/approve")
async def approve_ruleset(
    move: Move, caller: Annotated[Caller, permit(Permission.RULESET_APPROVE)], _key: CommandKey, session: Work
) -> VersionOut:
    """Agree to a version somebody else wrote; attached and generated tests must pass, its checks find nothing."""
    return VersionOut.of(await rulesets.approve(session, caller.actor, move, now=caller.now))


@router.post("/{version_id:uuid}/activate")
async def activate_ruleset(
    move: Move, caller: Annotated[Caller, permit(Permission.RULESET_ACTIVATE)], _key: CommandKey, session: Work
) -> VersionOut:
    """Put an approved version in force; running cases keep the version they began with."""
    return VersionOut.of(await rulesets.activate(session, caller.actor, move, now=caller.now))


@router.post("/{version_id:uuid}/retire")
async def retire_ruleset(
    move: Move, caller: Annotated[Caller, permit(Permission.RULESET_ACTIVATE)], _key: CommandKey, session: Work
) -> VersionOut:
    """Take a version out of force: no new entries, running cases go on."""
    return VersionOut.of(await rulesets.retire(session, caller.actor, move, now=caller.now))
