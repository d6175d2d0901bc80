"""The disclosure log: who outside the school saw or was given what."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, after, page
from api.schemas.privacy import DisclosureIn, DisclosureOut, DisclosuresOut
from models.privacy import Disclosure
from models.queries.keyset import Window
from rules.access.permissions import Permission
from rules.ids import TenantId
from services import amendments, disclosures
from services.disclosures import Disclose
from services.means import Means

router = APIRouter(tags=["governance"], route_class=HandrailRoute)


@router.get("/students/{student_id:uuid}/disclosures")
async def list_disclosures(
    student_id: UUID,
    caller: Annotated[Caller, permit(Permission.DISCLOSURE_READ)],
    given: Parts,
    session: Work,
    guardian_id: Annotated[UUID | None, Query(description="Show what this guardian would be shown.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> DisclosuresOut:
    """The whole log for staff, after an erasure too; a guardian gets their own looks and what tells of nobody else."""
    own = await reach.former_student(session, caller, student_id)
    reader = caller.principal.guardian_id or guardian_id
    if reader is not None:
        await amendments.must_be_linked(session, own, reader)
        lines = await disclosures.told_lines(session, own, reader)
        told = [DisclosureOut.model_validate(line) for line in lines]
        return DisclosuresOut(student_id=own, guardian_view=True, items=told, next_cursor=None)
    rows = await disclosures.of_student(session, own, Window(limit, after(cursor)))
    shown = page(rows, limit, _bare, lambda row: (row.at.isoformat(), row.id))
    tenant_id = caller.principal.tenant_id
    read = [
        _bare(row) if row.words is None else await _read(session, given.working, tenant_id, row) for row in rows[:limit]
    ]
    return DisclosuresOut(student_id=own, guardian_view=False, items=read, next_cursor=shown.next_cursor)


def _bare(row: Disclosure) -> DisclosureOut:
    return DisclosureOut.model_validate(disclosures.line_of(row))


async def _read(session: Work, means: Means, tenant_id: TenantId, row: Disclosure) -> DisclosureOut:
    return DisclosureOut.model_validate(await disclosures.read(session, means.keyring, tenant_id, row))


@router.post("/students/{student_id:uuid}/disclosures", status_code=201)
async def record_disclosure(
    student_id: UUID,
    body: DisclosureIn,
    caller: Annotated[Caller, permit(Permission.DISCLOSURE_WRITE)],
    _key: CommandKey,
    given: Parts,
    session: Work,
) -> DisclosureOut:
    """Write down what was handed over by other ways: by telephone, on paper, at a meeting."""
    file = await reach.student(session, caller, student_id)
    told = Disclose(student_id=file.student.id, **body.model_dump())
    keyring = given.working.keyring
    made = await disclosures.give(session, keyring, caller.actor, told, now=caller.now)
    row = await session.get_one(Disclosure, made)
    return await _read(session, given.working, caller.principal.tenant_id, row)
