"""The compliance report: to read, to print, to calculate with."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response

from api import reach
from api.commands import HandrailRoute
from api.dependencies import Caller, Parts, permit
from api.routes.audit import MOST_FINDINGS
from api.schemas.compliance import ComplianceIn, ComplianceOut
from letters.report import render_report
from rules.access.permissions import Permission
from services import audit_verification, compliance, compliance_report, schools, tenants
from services.compliance import Wanted

router = APIRouter(prefix="/analytics", tags=["governance"], route_class=HandrailRoute)
FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report.",
        "content": {kind: {"schema": {"type": "string"}} for kind in ("application/pdf", "text/csv")},
    }
}


@router.get("/compliance", response_model=ComplianceOut, responses=FORMS)
async def read_compliance(
    caller: Annotated[Caller, permit(Permission.COMPLIANCE_READ)],
    given: Parts,
    wanted: Annotated[ComplianceIn, Query()],
) -> ComplianceOut | Response:
    """What was done, by whom, within which time; open duties; whether the audit trail is whole."""
    tenant_id = caller.actor.tenant_id
    async with given.sessions.tenant(tenant_id) as session:
        asked = Wanted(wanted.first, wanted.last, await reach.schools(session, caller, wanted.school_id))
        house, zone = (await tenants.name_of(session, tenant_id)), "UTC"
        if wanted.school_id is not None:
            school = await schools.of_id(session, wanted.school_id)
            house, zone = school.name, school.timezone
        made = await compliance.drawn_up(session, asked, now=caller.now)
    if wanted.verify:
        made = made.verified(await audit_verification.verified(given.sessions, given.working.store, tenant_id))
    headers = {"Content-Disposition": f'attachment; filename="compliance-{wanted.first}-{wanted.last}.{wanted.form}"'}
    if wanted.form == "csv":
        return Response("".join(compliance.csv(made)), media_type="text/csv; charset=utf-8", headers=headers)
    if wanted.form == "pdf":
        report = compliance_report.report(made, house, ZoneInfo(zone))
        drawn = await given.working.threads.run(lambda: render_report(report))
        return Response(drawn.content, media_type="application/pdf", headers=headers)
    return ComplianceOut.of(made, MOST_FINDINGS)
