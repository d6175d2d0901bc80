"""The audit trail: read, taken out as CSV, verified."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from api import reach
from api.commands import HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.paging import Page, after, cursor_of
from api.schemas.audit import AuditOut, ChainOut, ExtractIn, TrailIn
from letters.report import render_report
from models.queries.audit_trail import TrailFilter
from models.queries.keyset import Window
from models.session import Session
from rules.access.permissions import Permission
from rules.ids import StudentId
from services import audit_extract, audit_trail, audit_verification, filters, people, schools
from services.audit_trail import Line

MOST_FINDINGS = 1000
CSV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page, or everything asked for as CSV.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}

PDF_OR_CSV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The extract.",
        "content": {kind: {"schema": {"type": "string"}} for kind in ("application/pdf", "text/csv")},
    }
}


class TrailRoute(HandrailRoute):
    """The trail tells of acts by id; a student was shown only where one was asked for, or values were opened."""

    names_shown = False


router = APIRouter(prefix="/audit", tags=["governance"], route_class=TrailRoute)


@router.get("", response_model=Page[AuditOut], responses=CSV)
async def read_audit(
    caller: Annotated[Caller, permit(Permission.AUDIT_READ)],
    given: Parts,
    session: Work,
    wanted: Annotated[TrailIn, Query()],
) -> Page[AuditOut] | Response:
    """What was done, by whom and why, or who was shown whom; the latest first."""
    ids = {"student_id": wanted.student_id, "instance_id": wanted.instance_id, "actor_id": wanted.actor_id}
    await filters.must_exist(session, **ids)
    # of an erased student the trail is what is left: nobody is shown by it, and whoever erased them must be found
    if wanted.student_id is not None and not await people.is_erased(session, wanted.student_id):
        await reach.student(session, caller, wanted.student_id)
    asked = wanted.filtered(caller.principal.relative_of)
    if wanted.form == "csv":
        await audit_trail.note_export(session, caller.actor, asked, wanted.kind, now=caller.now)
        lines = audit_trail.exported(given.sessions, caller.actor.tenant_id, asked, wanted.kind)
        named = {"Content-Disposition": f'attachment; filename="audit-{wanted.kind}.csv"'}
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=named)
    read = audit_trail.views if wanted.kind == "views" else audit_trail.acts
    rows = await read(session, asked, Window(wanted.limit, after(wanted.cursor)))
    return await _page(session, caller, rows, wanted)


async def _page(session: Session, caller: Caller, rows: list[Line], wanted: TrailIn) -> Page[AuditOut]:
    kept = rows[: wanted.limit]
    values = await audit_trail.opened(session, caller.actor.tenant_id, kept) if wanted.details else {}
    caller.reached.update(StudentId(one.student_id) for one in kept if one.student_id and one.id in values)
    following = cursor_of([kept[-1].key]) if len(rows) > wanted.limit else None
    return Page[AuditOut](items=[AuditOut.of(one, values.get(one.id)) for one in kept], next_cursor=following)


@router.get("/extract", response_class=Response, responses=PDF_OR_CSV)
async def extract_audit(
    caller: Annotated[Caller, permit(Permission.AUDIT_EXTRACT)],
    given: Parts,
    session: Work,
    wanted: Annotated[ExtractIn, Query()],
) -> Response:
    """What was done for one student, for an education plan or a referral; taking it out is an entry of its own."""
    file = await reach.student(session, caller, wanted.student_id)
    asked = TrailFilter(file.student.id, first=wanted.first, last=wanted.last)
    extract = await audit_extract.drawn_up(session, caller.actor, wanted.use, asked, now=caller.now)
    headers = {"Content-Disposition": f'attachment; filename="extract-{file.student.id}.{wanted.form}"'}
    if wanted.form == "csv":
        return Response("".join(audit_extract.csv(extract)), media_type="text/csv; charset=utf-8", headers=headers)
    school = await schools.of_id(session, min(file.school_ids)) if file.school_ids else None
    report = audit_extract.report(extract, file, school, caller.actor, caller.now)
    drawn = await given.working.threads.run(lambda: render_report(report))
    return Response(drawn.content, media_type="application/pdf", headers=headers)


@router.get("/verification")
async def verify_trail(caller: Annotated[Caller, permit(Permission.AUDIT_VERIFY)], given: Parts) -> ChainOut:
    """Walk the whole chain, its anchors in write-once storage too, and name what is not as it was sealed."""
    report = await audit_verification.verified(given.sessions, given.working.store, caller.actor.tenant_id)
    return ChainOut.of(report, MOST_FINDINGS)
