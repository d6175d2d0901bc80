"""Compare every case with Temporal, and what left with what is known; after a restore, before sending resumes."""

import json
from typing import Annotated, Any

import typer

from cli._database import now, the_tenant, with_sessions
from cli._temporal import temporal_client
from models.session import Sessions
from orchestration.reconcile import WHAT_TO_DO, Report, reconcile
from rules.ids import TenantId
from services import tenants

DISAGREES = 1


def command(
    tenant: Annotated[str | None, typer.Option(help="Key of one tenant; all of them unless told.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Start what never started; nothing else is safe.")] = False,
) -> None:
    """One line of JSON for each tenant, the findings on the lines before it; status 1 when anything disagrees."""

    async def work(sessions: Sessions) -> list[Report]:
        client = await temporal_client()
        if tenant is not None:
            ids = [(await the_tenant(sessions, tenant)).id]
        else:
            async with sessions.untenanted() as session:
                ids = [one.id for one in await tenants.listed(session)]
        return [await reconcile(sessions, client, TenantId(one), now=now(), repair=repair) for one in ids]

    reports = with_sessions(work)
    for report in reports:
        _show(report)
    if any(len(report.findings) > report.repaired for report in reports):
        raise typer.Exit(DISAGREES)


def _show(report: Report) -> None:
    for finding in report.findings:
        print(
            f"{finding.kind.value:<21} {finding.subject}  {finding.detail}".rstrip() + f": {WHAT_TO_DO[finding.kind]}"
        )
    line: dict[str, Any] = {
        "tenant_id": str(report.tenant_id),
        "open_instances": report.instances,
        "running_workflows": report.workflows,
        "findings": report.counts,
        "repaired": report.repaired,
    }
    print(json.dumps(line))
