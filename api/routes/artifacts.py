"""Stored letters: written by hand, listed, downloaded through the API only, verified; templates drawn for a look."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.artifacts import ArtifactOut, GenerateIn, PreviewIn, VerificationOut
from letters.render import render
from models.queries.keyset import Window
from rules.access.permissions import Permission
from rules.errors import Invalid
from rules.letters.checks import SAMPLES
from rules.letters.filling import fill
from services import artifact_lists, artifacts, filters, letter_templates, letters
from services.artifact_lists import ArtifactQuery
from services.letters import GenerateLetter

router = APIRouter(prefix="/letters", tags=["letters"], route_class=HandrailRoute)
PDF: dict[int | str, dict[str, Any]] = {
    200: {"description": "The document.", "content": {"application/pdf": {"schema": {"type": "string"}}}}
}


@router.post("/generate", status_code=201)
async def generate_letter(
    body: GenerateIn, caller: Annotated[Caller, permit(Permission.LETTER_GENERATE)], key: CommandKey, given: Parts
) -> ArtifactOut:
    """Write a letter to one entitled guardian and store it; nothing is sent."""
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        await reach.student(session, caller, body.student_id)
        await reach.school(session, caller, body.school_id)
    command = GenerateLetter(**body.model_dump(), key=key)
    return ArtifactOut.model_validate(await letters.generate(given.working, caller.actor, command, now=caller.now))


@router.get("/artifacts")
async def list_artifacts(
    caller: Annotated[Caller, permit(Permission.ARTIFACT_READ)],
    session: Work,
    school_id: UUID | None = None,
    student_id: UUID | None = None,
    instance_id: UUID | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ArtifactOut]:
    """Stored letters and reports, the oldest first."""
    await filters.must_exist(session, student_id=student_id, instance_id=instance_id)
    asked = ArtifactQuery(await reach.scope(session, caller, school_id), student_id, instance_id)
    rows = await artifact_lists.listed(session, asked, Window(limit, after(cursor)))
    return page(rows, limit, ArtifactOut.model_validate, lambda row: (row.generated_at.isoformat(), row.id))


async def _reached(given: Parts, caller: Caller, artifact_id: UUID) -> None:
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        row = await artifacts.one(session, artifact_id)
        reach.of_school(caller, row.school_id, row.student_id)


@router.get("/artifacts/{artifact_id:uuid}", response_class=Response, responses=PDF)
async def download_artifact(
    artifact_id: UUID, caller: Annotated[Caller, permit(Permission.ARTIFACT_READ)], given: Parts
) -> Response:
    """The document itself, both hashes checked; every download is written down."""
    await _reached(given, caller, artifact_id)
    content = await artifacts.content(given.working, caller.actor, artifact_id, now=caller.now)
    named = {"Content-Disposition": f'attachment; filename="{artifact_id}.pdf"'}
    return Response(content, media_type="application/pdf", headers=named)


@router.get("/artifacts/{artifact_id:uuid}/verification")
async def verify_artifact(
    artifact_id: UUID, caller: Annotated[Caller, permit(Permission.ARTIFACT_READ)], given: Parts
) -> VerificationOut:
    """Whether the stored document still is what was recorded."""
    await _reached(given, caller, artifact_id)
    return VerificationOut.model_validate(await artifacts.verification(given.working, caller.actor, artifact_id))


@router.post("/templates/{version_id:uuid}/preview", response_class=Response, responses=PDF)
async def preview_template(
    version_id: UUID,
    body: PreviewIn,
    caller: Annotated[Caller, permit(Permission.TEMPLATE_READ)],
    given: Parts,
) -> Response:
    """The template as a letter, with sample values; nothing is stored."""
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        text = (await letter_templates.get(session, version_id)).text
    language = body.language or text.language
    if language not in text.texts:
        raise Invalid("no_translation", f"There is no text in {language}.", fields={"body.language": "choose another"})
    document = text.document(language)
    values = {name: SAMPLES[spec.type] for name, spec in document.fields.items()} | body.values
    drawn = await given.working.threads.run(lambda: render(fill(document, values)))
    return Response(drawn.content, media_type="application/pdf")
