"""Compare every case with Temporal, and what left with what is known; after a restore, release what was held."""

import json
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from cli._database import now, refuse, the_tenant, with_sessions
from cli._people import person
from cli._temporal import temporal_client
from models.session import Sessions
from orchestration.reconcile import WHAT_TO_DO, Report, reconcile
from rules.access.permissions import Permission
from rules.ids import TenantId
from services import restores, tenants
from services.restores import Cause, HoldKind, ReleaseClass, Restored

DISAGREES = 1


@dataclass(frozen=True)
class Wish:
    """What the person asked for."""

    tenant: str | None
    repair: bool
    release: HoldKind | None
    hold: bool
    by: str
    reason: str


def command(
    tenant: Annotated[str | None, typer.Option(help="Key of one tenant; all of them unless told.")] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Start what never started; go on with what was lost.")
    ] = False,
    release: Annotated[
        HoldKind | None, typer.Option(help="Release one class after a restore: you have seen it.")
    ] = None,
    hold: Annotated[bool, typer.Option("--hold", help="Say that something was restored: nothing leaves.")] = False,
    by: Annotated[str, typer.Option(help="Who releases or holds: a person's sign-in name.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it stands in the audit.")] = "",
) -> None:
    """One line of JSON for each tenant, the findings on the lines before it; status 1 when anything disagrees."""
    if (release or hold) and not (by and reason):
        refuse("--release and --hold need --by (who decides this) and --reason (why; it stands in the audit).")
    wish = Wish(tenant, repair, release, hold, by, reason)
    reports = with_sessions(lambda sessions: _work(sessions, wish))
    for report in reports:
        _show(report)
    if any(len(report.findings) > report.repaired for report in reports):
        raise typer.Exit(DISAGREES)


async def _work(sessions: Sessions, wish: Wish) -> list[Report]:
    if wish.tenant is not None or wish.release or wish.hold:
        ids = [(await the_tenant(sessions, wish.tenant)).id]
    else:
        async with sessions.untenanted() as session:
            ids = [one.id for one in await tenants.listed(session)]
    if wish.hold:
        await _hold(sessions, TenantId(ids[0]), wish)
    client = await temporal_client()
    reports = [await reconcile(sessions, client, TenantId(one), now=now(), repair=wish.repair) for one in ids]
    return [await _released(sessions, report, wish.release, wish) for report in reports] if wish.release else reports


async def _hold(sessions: Sessions, tenant_id: TenantId, wish: Wish) -> None:
    async with sessions.tenant(tenant_id) as session:
        actor = await person(session, tenant_id, wish.by, Permission.SENDING_SWITCH)
        await restores.hold(session, actor, Restored(Cause.BY_HAND, wish.reason), now=now())


async def _released(sessions: Sessions, report: Report, kind: HoldKind, wish: Wish) -> Report:
    """The class as it was just looked at is what the person takes over."""
    tenant_id = TenantId(report.tenant_id)
    found = [one for one in report.findings if one.held_as is kind]
    async with sessions.tenant(tenant_id) as session:
        actor = await person(session, tenant_id, wish.by, Permission.SENDING_SWITCH)
        await restores.release(session, actor, ReleaseClass(kind, len(found), wish.reason), now=now())
        left = await restores.held(session)
    return replace(report, held=tuple(one.kind for one in left))


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
        "held": list(report.held),
    }
    print(json.dumps(line))
