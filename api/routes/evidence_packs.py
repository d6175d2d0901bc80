"""Evidence packs: prepared, seen, released by two people, recalled; and the inspection of a record by a family."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.artifacts import VerificationOut
from api.schemas.evidence_packs import InspectionOut, PackIn, PackOut, RecipientOut, ReleaseIn
from api.schemas.shared import ReasonIn
from models.evidence_packs import EvidencePack
from models.queries.keyset import Window
from models.session import Session
from rules.access.permissions import Permission
from rules.access.policy import Resource
from rules.errors import NotFound
from rules.ids import GuardianId, SchoolId, StudentId
from rules.privacy.packs import PackKind
from services import cases, evidence_packs, jurisdictions, pack_recalls
from services.evidence_packs import PackQuery, PreparePack

router = APIRouter(tags=["cases"], route_class=HandrailRoute)
PDF: dict[int | str, dict[str, Any]] = {
    200: {"description": "The pages.", "content": {"application/pdf": {"schema": {"type": "string"}}}}
}
MOST_COPIES = 100


def _shown(row: EvidencePack, *, to_recall: bool) -> PackOut:
    kept = {name: getattr(row, name) for name in PackOut.model_fields if name != "to_recall"}
    return PackOut(**kept, to_recall=to_recall and row.status == "RELEASED")


async def _all(session: Session, rows: Sequence[EvidencePack]) -> dict[UUID, PackOut]:
    late = await pack_recalls.outdated(session, rows)
    return {row.id: _shown(row, to_recall=row.id in late) for row in rows}


async def _reached(session: Session, caller: Caller, pack_id: UUID) -> EvidencePack:
    """The pack, if the caller reaches its student; to a guardian only their own released copy exists."""
    row = await evidence_packs.get(session, pack_id)
    caller.must(
        Resource(
            caller.principal.tenant_id,
            school_ids=frozenset({SchoolId(row.school_id)}),
            student_id=StudentId(row.student_id),
            guardian_id=None if row.guardian_id is None else GuardianId(row.guardian_id),
        )
    )
    reader = caller.principal.guardian_id
    if reader is not None and not evidence_packs.held_out_to(row, reader, caller.now):
        raise NotFound("pack_not_found", f"There is no evidence pack {pack_id} here.")
    return row


@router.post("/cases/{case_id:uuid}/evidence-packs", status_code=201)
async def prepare_evidence_pack(
    case_id: UUID,
    body: PackIn,
    caller: Annotated[Caller, permit(Permission.PACK_WRITE)],
    _key: CommandKey,
    given: Parts,
) -> PackOut:
    """Draw a pack for one recipient about one guardian's dealings; nothing goes out before two people release it."""
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        case = await cases.get(session, case_id)
        reach.of_school(caller, case.school_id, case.student_id)
    command = PreparePack(case_id=case_id, **dict(body))
    return _shown(await evidence_packs.prepare(given.working, caller.actor, command, now=caller.now), to_recall=False)


@router.get("/cases/{case_id:uuid}/evidence-packs")
async def list_case_evidence_packs(
    case_id: UUID,
    caller: Annotated[Caller, permit(Permission.PACK_LIST)],
    session: Work,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[PackOut]:
    """The packs of a case, the oldest first."""
    case = await cases.get(session, case_id)
    reach.of_school(caller, case.school_id, case.student_id)
    asked = PackQuery(await reach.scope(session, caller), case_id=case_id)
    rows = await evidence_packs.listed(session, asked, Window(limit, after(cursor)))
    told = await _all(session, rows)
    return page(rows, limit, lambda row: told[row.id], lambda row: (row.prepared_at.isoformat(), row.id))


@router.get("/evidence-packs")
async def list_evidence_packs(
    caller: Annotated[Caller, permit(Permission.PACK_LIST)],
    session: Work,
    school_id: UUID | None = None,
    *,
    to_recall: bool = False,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[PackOut]:
    """Packs of your schools; with `to_recall` the recall list: released, and their basis has changed since."""
    asked = PackQuery(await reach.scope(session, caller, school_id), to_recall=to_recall)
    rows = await evidence_packs.listed(session, asked, Window(limit, after(cursor)))
    told = await _all(session, rows)
    return page(rows, limit, lambda row: told[row.id], lambda row: (row.prepared_at.isoformat(), row.id))


@router.get("/evidence-packs/{pack_id:uuid}")
async def read_evidence_pack(
    pack_id: UUID, caller: Annotated[Caller, permit(Permission.PACK_READ)], session: Work
) -> PackOut:
    """One pack and how far it has come."""
    row = await _reached(session, caller, pack_id)
    return (await _all(session, [row]))[row.id]


@router.get("/evidence-packs/{pack_id:uuid}/pages", response_class=Response, responses=PDF)
async def download_evidence_pack(
    pack_id: UUID, caller: Annotated[Caller, permit(Permission.PACK_READ)], given: Parts
) -> Response:
    """The redacted pages as they would go out, or went out; every look is written down."""
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        await _reached(session, caller, pack_id)
    content = await evidence_packs.pages(given.working, caller.actor, pack_id, now=caller.now)
    named = {"Content-Disposition": f'attachment; filename="{pack_id}.pdf"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/pdf", headers=named)


@router.get("/evidence-packs/{pack_id:uuid}/recipients")
async def list_pack_recipients(
    pack_id: UUID, caller: Annotated[Caller, permit(Permission.PACK_LIST)], given: Parts, session: Work
) -> Page[RecipientOut]:
    """Whom to ask it back from: everybody who was given it or opened it, staff if it stays within the school."""
    row = await _reached(session, caller, pack_id)
    lines = await evidence_packs.received(session, given.working.keyring, caller.actor, row)
    return Page[RecipientOut](items=[RecipientOut.model_validate(line) for line in lines])


@router.get("/evidence-packs/{pack_id:uuid}/verification")
async def verify_evidence_pack(
    pack_id: UUID, caller: Annotated[Caller, permit(Permission.PACK_LIST)], given: Parts
) -> VerificationOut:
    """Whether the stored pages still are what was recorded."""
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        await _reached(session, caller, pack_id)
    return VerificationOut.model_validate(await evidence_packs.verification(given.working, caller.actor, pack_id))


@router.post("/evidence-packs/{pack_id:uuid}/release")
async def release_evidence_pack(
    pack_id: UUID,
    body: ReleaseIn,
    caller: Annotated[Caller, permit(Permission.PACK_RELEASE)],
    _key: CommandKey,
    given: Parts,
    session: Work,
) -> PackOut:
    """Sign the pages you have seen; the second of two people releases them, and the disclosure is written down."""
    await _reached(session, caller, pack_id)
    keyring = given.working.keyring
    row = await evidence_packs.release(session, keyring, caller.actor, (pack_id, body.sha256), now=caller.now)
    return _shown(row, to_recall=False)


@router.post("/evidence-packs/{pack_id:uuid}/recall")
async def recall_evidence_pack(
    pack_id: UUID,
    body: ReasonIn,
    caller: Annotated[Caller, permit(Permission.PACK_RELEASE)],
    _key: CommandKey,
    session: Work,
) -> PackOut:
    """Ask it back: nobody fetches it any more, and a task says whom to ring."""
    await _reached(session, caller, pack_id)
    row = await evidence_packs.recall(session, caller.actor, pack_id, body.reason, now=caller.now)
    return _shown(row, to_recall=False)


@router.get("/students/{student_id:uuid}/record")
async def read_record(
    student_id: UUID, caller: Annotated[Caller, permit(Permission.PACK_READ)], session: Work
) -> InspectionOut:
    """What a family may inspect: its released copies, and the clock; staff see the copies still under review too."""
    file = await reach.student(session, caller, student_id)
    if not file.school_ids:
        raise NotFound("no_school", f"Student {student_id} is at no school here.")
    school_id = min(file.school_ids)
    clock = await jurisdictions.inspection_clock(session, school_id, caller.now)
    reader = caller.principal.guardian_id
    asked = PackQuery(await reach.scope(session, caller), student_id=file.student.id, guardian_id=reader)
    rows = await evidence_packs.listed(session, asked, Window(MOST_COPIES, None))
    copies = [row for row in rows if row.kind == PackKind.FAMILY_COPY]
    if reader is not None:
        copies = [row for row in copies if evidence_packs.held_out_to(row, reader, caller.now)]
    told = await _all(session, copies)
    return InspectionOut(
        student_id=file.student.id,
        regime=clock.regime.key,
        due_on=clock.due_on,
        cites=list(clock.cites),
        unchecked=list(clock.unchecked),
        copies=list(told.values()),
    )
