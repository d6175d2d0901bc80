"""Letter templates: read, draft, judge, submit, approve, retire; the texts they start from."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.governed import Move
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.letters import (
    StarterOut,
    StartersOut,
    TemplateEditIn,
    TemplateIn,
    TemplateTextOut,
    TemplateVersionOut,
)
from models.queries.keyset import Window
from models.session import Session
from rules.access.permissions import Permission
from rules.letters.templates import starter_templates
from rules.letters.versions import TemplateText, Translation
from services import letter_templates as templates
from services.governed import VersionQuery
from services.letter_templates import DraftTemplate, EditTemplate, TemplateVersion

router = APIRouter(prefix="/letters/templates", tags=["letters"], route_class=HandrailRoute)
Status = Literal["DRAFT", "IN_REVIEW", "APPROVED", "RETIRED"]


async def _reached(session: Session, caller: Caller, version_id: UUID, *, lock: bool = False) -> TemplateVersion:
    """The version, if the caller may touch it: a district's text is for people of every school to change."""
    found = await templates.get(session, version_id, lock=lock)
    reach.school_or_tenant(caller, found.template.school_id)
    return found


@router.get("")
async def list_templates(
    caller: Annotated[Caller, permit(Permission.TEMPLATE_READ)],
    session: Work,
    key: Annotated[str | None, Query(max_length=64)] = None,
    status: Status | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[TemplateVersionOut]:
    """Versions of letter templates, the oldest first."""
    rows = await templates.listed(session, VersionQuery(key, status), Window(limit, after(cursor)))
    return page(rows, limit, TemplateVersionOut.of, lambda found: (found.row.id,))


@router.get("/starters")
async def list_starter_templates(caller: Annotated[Caller, permit(Permission.TEMPLATE_READ)]) -> StartersOut:
    """The templates shipped with Handrail."""
    items = []
    for one in starter_templates():
        source = Translation(title=one.title, subject=one.subject, body=one.body)
        text = TemplateText(
            language=one.language, texts={one.language: source}, merge_field_schema=one.merge_field_schema
        )
        items.append(StarterOut(key=one.key, purpose=one.purpose, text=text))
    return StartersOut(items=items)


@router.post("", status_code=201)
async def draft_template(
    body: TemplateIn, caller: Annotated[Caller, permit(Permission.TEMPLATE_WRITE)], _key: CommandKey, session: Work
) -> TemplateTextOut:
    """Draft the next version of a template, or the first of a new key."""
    if body.school_id is None:
        reach.school_or_tenant(caller, None)
    else:
        await reach.school(session, caller, body.school_id)
    command = DraftTemplate(body.key, body.school_id, body.purpose, body.lock_scope, body.text, body.reason)
    return TemplateTextOut.of(await templates.draft(session, caller.actor, command, now=caller.now))


@router.get("/{version_id:uuid}")
async def read_template(
    version_id: UUID,
    caller: Annotated[Caller, permit(Permission.TEMPLATE_READ)],
    session: Work,
    response: Response,
) -> TemplateTextOut:
    """One version with its text, what an approver must see, and the ETag that an edit needs."""
    return tagged(response, TemplateTextOut.of(await templates.get(session, version_id)))


@router.put("/{version_id:uuid}")
async def edit_template(
    version_id: UUID,
    body: TemplateEditIn,
    caller: Annotated[Caller, permit(Permission.TEMPLATE_WRITE)],
    session: Work,
    response: Response,
    if_match: IfMatch = None,
) -> TemplateTextOut:
    """Change a draft; a version that left DRAFT never changes."""
    unchanged(if_match, TemplateTextOut.of(await _reached(session, caller, version_id, lock=True)))
    command = EditTemplate(version_id, body.text, body.reason)
    return tagged(response, TemplateTextOut.of(await templates.edit(session, caller.actor, command, now=caller.now)))


@router.post("/{version_id:uuid}/submit")
async def submit_template(
    move: Move, caller: Annotated[Caller, permit(Permission.TEMPLATE_WRITE)], _key: CommandKey, session: Work
) -> TemplateVersionOut:
    """Hand a draft to a second person."""
    await _reached(session, caller, move.version_id)
    return TemplateVersionOut.of(await templates.submit(session, caller.actor, move, now=caller.now))


@router.post("/{version_id:uuid}/approve")
async def approve_template(
    move: Move, caller: Annotated[Caller, permit(Permission.TEMPLATE_APPROVE)], _key: CommandKey, session: Work
) -> TemplateVersionOut:
    """Agree to a wording somebody else wrote; nothing may block it. Letters already planned keep their version."""
    await _reached(session, caller, move.version_id)
    return TemplateVersionOut.of(await templates.approve(session, caller.actor, move, now=caller.now))


@router.post("/{version_id:uuid}/retire")
async def retire_template(
    move: Move, caller: Annotated[Caller, permit(Permission.TEMPLATE_APPROVE)], _key: CommandKey, session: Work
) -> TemplateVersionOut:
    """Take a version out of use for letters planned from now on."""
    await _reached(session, caller, move.version_id)
    return TemplateVersionOut.of(await templates.retire(session, caller.actor, move, now=caller.now))
