"""The register: imports, marks and corrections, summaries, code maps, quarantined rows, and a pass by hand."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api import reach, uploads
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.attendance import (
    CodeMapIn,
    CodeMapOut,
    CodeOut,
    CorrectionIn,
    EvaluationOut,
    ImportOut,
    ImportReportOut,
    MarkOut,
    PassOut,
    QuarantineOut,
    SettleIn,
    SummaryOut,
)
from models.queries.keyset import Window
from models.session import Session
from rules.access.permissions import Permission
from rules.bounds import AnyDay
from rules.errors import Unavailable
from services import attendance, filters, nightly, register, schools
from services.attendance import CorrectRegister
from services.register import Coded, PutCodeMap, SettleRow, Span

router = APIRouter(prefix="/attendance", tags=["attendance"], route_class=HandrailRoute)
UPLOAD_BYTES = 1024**3


async def _report(given: Parts, caller: Caller, import_id: UUID) -> ImportReportOut:
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        row = await register.one_import(session, import_id)
        return ImportReportOut(run=ImportOut.model_validate(row), counts=row.counts, issues=row.issues)


@router.post("/imports", status_code=201, max_body_size=UPLOAD_BYTES, openapi_extra=uploads.FORM)
async def import_register(
    request: Request, caller: Annotated[Caller, permit(Permission.IMPORT_WRITE)], given: Parts
) -> ImportReportOut:
    """Import a zip of a district folder, or one CSV of a declared feed; the same file again changes nothing."""
    reach.school_or_tenant(caller, None)
    async with uploads.received(request) as upload:
        done = await uploads.imported(given, caller, upload)
    return await _report(given, caller, done.import_id)


@router.get("/imports")
async def list_imports(
    caller: Annotated[Caller, permit(Permission.IMPORT_READ)],
    session: Work,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ImportOut]:
    """Imports, the oldest first."""
    rows = await register.imports(session, Window(limit, after(cursor)))
    return page(rows, limit, ImportOut.model_validate, lambda row: (row.id,))


@router.get("/imports/{import_id:uuid}")
async def read_import(
    import_id: UUID, caller: Annotated[Caller, permit(Permission.IMPORT_READ)], given: Parts
) -> ImportReportOut:
    """One import with its progress and what was odd about it."""
    return await _report(given, caller, import_id)


@router.get("/students/{student_id:uuid}/summaries")
async def list_summaries(
    student_id: UUID,
    caller: Annotated[Caller, permit(Permission.ATTENDANCE_READ)],
    session: Work,
    from_date: Annotated[AnyDay, Query(alias="from")],
    to_date: Annotated[AnyDay, Query(alias="to")],
    school_id: UUID | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[SummaryOut]:
    """A student's attendance day by day, with running totals."""
    file = await reach.student(session, caller, student_id)
    if school_id is not None:
        await schools.of_id(session, school_id)
    span, codes = Span(file.student.id, from_date, to_date, school_id), reach.sees_codes(caller)
    rows = await register.summaries(session, span, Window(limit, after(cursor)))
    return page(rows, limit, lambda row: SummaryOut.of(row, codes=codes), lambda row: (row.date, row.school_id))


@router.get("/students/{student_id:uuid}/marks")
async def list_marks(
    student_id: UUID,
    caller: Annotated[Caller, permit(Permission.ATTENDANCE_READ)],
    session: Work,
    from_date: Annotated[AnyDay, Query(alias="from")],
    to_date: Annotated[AnyDay, Query(alias="to")],
    school_id: UUID | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[MarkOut]:
    """A student's raw marks as they came, corrections included."""
    file = await reach.student(session, caller, student_id)
    if school_id is not None:
        await schools.of_id(session, school_id)
    span, codes = Span(file.student.id, from_date, to_date, school_id), reach.sees_codes(caller)
    rows = await register.marks(session, span, Window(limit, after(cursor)))
    return page(
        rows, limit, lambda row: MarkOut.of(row, codes=codes), lambda row: (row.date, row.ingest_seq, row.row_key)
    )


@router.post("/students/{student_id:uuid}/corrections", status_code=201)
async def correct_register(
    student_id: UUID,
    body: CorrectionIn,
    caller: Annotated[Caller, permit(Permission.ATTENDANCE_CORRECT)],
    _key: CommandKey,
    given: Parts,
) -> ImportReportOut:
    """Correct a student's marks on every register of their sessions; running ladders look at their reasons again."""
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        file = await reach.student(session, caller, student_id)
        school = await reach.school(session, caller, body.school_id)
        command = CorrectRegister(file.student.id, school.id, [mark.corrected() for mark in body.marks], body.reason)
        done = await attendance.correct_register(session, caller.actor, command, now=caller.now)
    return await _report(given, caller, done.import_id)


async def _code_map(session: Session, code_set: str) -> CodeMapOut:
    rows = await register.code_map(session, code_set)
    return CodeMapOut(code_set=code_set, codes=[CodeOut.model_validate(row) for row in rows])


@router.get("/code-maps/{code_set}")
async def read_code_map(
    code_set: str, caller: Annotated[Caller, permit(Permission.CODE_MAP_READ)], session: Work, response: Response
) -> CodeMapOut:
    """What the codes of a set mean, with the ETag that an edit needs."""
    return tagged(response, await _code_map(session, code_set))


@router.put("/code-maps/{code_set}")
async def put_code_map(
    code_set: str,
    body: CodeMapIn,
    caller: Annotated[Caller, permit(Permission.CODE_MAP_WRITE)],
    given: Parts,
    response: Response,
    if_match: IfMatch = None,
) -> CodeMapOut:
    """Change what the codes of a set mean; whoever was marked so is computed anew."""
    codes = [Coded(one.code, one.status.value, one.is_tardy) for one in body.codes]
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        unchanged(if_match, await _code_map(session, code_set))
        command = PutCodeMap(code_set, codes, body.reason)
        touched = await register.put_code_map(session, caller.actor, command, now=caller.now)
        shown = tagged(response, await _code_map(session, code_set))
    await register.recompute(given.sessions, caller.actor, touched, now=caller.now)
    return shown


@router.get("/quarantine")
async def list_quarantine(
    caller: Annotated[Caller, permit(Permission.QUARANTINE_READ)],
    session: Work,
    import_id: UUID | None = None,
    status: Literal["OPEN", "RESOLVED", "DISMISSED"] = "OPEN",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[QuarantineOut]:
    """The rows that were not taken in, each with the reason."""
    reach.school_or_tenant(caller, None)
    await filters.must_exist(session, import_id=import_id)
    rows = await register.quarantined(session, import_id, status, Window(limit, after(cursor)))
    return page(rows, limit, QuarantineOut.model_validate, lambda row: (row.id,))


@router.post("/quarantine/{row_id:uuid}/resolve")
async def resolve_quarantine(
    row_id: UUID,
    body: SettleIn,
    caller: Annotated[Caller, permit(Permission.QUARANTINE_RESOLVE)],
    _key: CommandKey,
    session: Work,
) -> QuarantineOut:
    """Say what became of a quarantined row."""
    reach.school_or_tenant(caller, None)
    command = SettleRow(row_id, body.status, body.reason)
    return QuarantineOut.model_validate(await register.settle(session, caller.actor, command, now=caller.now))


@router.get("/evaluations")
async def list_evaluations(
    caller: Annotated[Caller, permit(Permission.EVALUATE)],
    session: Work,
    school_id: UUID | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[PassOut]:
    """What each pass came to at each school, the latest first: on which day, as of when, and what it began."""
    rows = await register.passes(session, await reach.schools(session, caller, school_id), Window(limit, after(cursor)))
    return page(rows, limit, PassOut.of, lambda row: (row.id,))


@router.post("/evaluations", status_code=202)
async def run_evaluation(
    caller: Annotated[Caller, permit(Permission.EVALUATE)], key: CommandKey, given: Parts
) -> EvaluationOut:
    """Run the nightly pass now; it looks at the last complete school day and changes nothing twice."""
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        await schools.refuse_without_calendar(session)
        zones = await schools.time_zones(session)
    if given.cases is None:
        raise Unavailable("temporal_unavailable", "The case engine is not connected; try again with the same key.")
    runs = await given.cases.evaluate(caller.actor.tenant_id, zones, because=f"by-hand-{key}")
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        await nightly.begun_by_hand(session, caller.actor, runs, now=caller.now)
    return EvaluationOut(runs=runs)
