"""Prove that what was stored still is what was recorded."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from cli._database import now, operator, refuse, the_tenant, with_sessions
from cli._means import means_of
from cli._people import person
from models.session import Sessions
from models.tenants import Tenant
from rules.access.permissions import Permission
from rules.ids import TenantId
from services import audit_acknowledgement, tenants
from services.audit_verification import ChainReport, verified
from services.means import Means
from services.verification import Checked, check_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
MISMATCH = 1


@app.callback()
def group() -> None:
    """Prove that what was stored still is what was recorded."""


@app.command(name="artifacts")
def artifacts_(
    tenant: Annotated[str | None, typer.Option(help="Key of the tenant; needed when there are several.")] = None,
) -> None:
    """Read and re-hash every stored object; each mismatch on a line of its own, status 1 when there is any.

    Letters and reports, evidence packs, the audit's anchors; `artifacts` counts all of them.
    """
    counts = {"artifacts": 0, "evidence_packs": 0, "anchors": 0, "verified": 0, "erased": 0, "mismatches": 0}

    async def work(sessions: Sessions) -> None:
        actor = operator(await the_tenant(sessions, tenant))
        means = means_of(sessions)
        try:
            async for one in check_all(means, actor):
                _count(one, counts)
        finally:
            await means.threads.close()

    with_sessions(work)
    print(json.dumps(counts))
    if counts["mismatches"]:
        raise typer.Exit(MISMATCH)


@app.command(name="audit")
def audit_(
    tenant: Annotated[str | None, typer.Option(help="Key of the tenant; all of them when left out.")] = None,
    acknowledge_restore: Annotated[
        bool,
        typer.Option("--acknowledge-restore", help="Say that a restored database lost the end of the chain."),
    ] = False,
    by: Annotated[str, typer.Option(help="Who says so: a person's sign-in name.")] = "",
    reason: Annotated[str, typer.Option(help="What was restored, from when, why; it stands in the audit.")] = "",
) -> None:
    """Check every link of the audit chain and its anchors; each fault on a line of its own, status 1 when there is any.

    Entries too young for a seal are counted, not faulted. Keep the head it prints: it proves the chain up to there.
    """
    faults = 0
    if acknowledge_restore and not (tenant and by and reason.strip()):
        refuse("--acknowledge-restore needs --tenant, --by (who says so) and --reason (it stands in the audit).")

    async def work(sessions: Sessions) -> None:
        nonlocal faults
        means = means_of(sessions)
        try:
            chosen = await _chosen(sessions, tenant)
            if acknowledge_restore:
                await _acknowledged(means, TenantId(chosen[0].id), by, reason)
            for one in chosen:
                report = await verified(sessions, means.store, one.id)
                _say(one.key, report)
                faults += len(report.findings)
        finally:
            await means.threads.close()

    with_sessions(work)
    if faults:
        raise typer.Exit(MISMATCH)


async def _acknowledged(means: Means, tenant_id: TenantId, by: str, reason: str) -> None:
    async with means.sessions.tenant(tenant_id) as session:
        actor = await person(session, tenant_id, by, Permission.AUDIT_VERIFY)
    await audit_acknowledgement.acknowledge(means.sessions, means.store, actor, reason, now=now())


async def _chosen(sessions: Sessions, key: str | None) -> Sequence[Tenant]:
    if key is not None:
        return [await the_tenant(sessions, key)]
    async with sessions.untenanted() as session:
        return await tenants.listed(session)


def _say(key: str, report: ChainReport) -> None:
    for one in report.findings:
        where = "" if one.position is None else f" position {one.position}"
        which = "" if one.entry_id is None else f" entry {one.entry_id}"
        print(f"FAULT {key} {one.fault.value}{where}{which}")
    for lost in report.restores:
        gap = f"entries {lost.agrees_to + 1}..{lost.lost_last} lost"
        print(f"RESTORE {key} {lost.number}: acknowledged, {gap} by {lost.person_id} at {lost.at}")
    oldest = report.oldest_unsealed.isoformat() if report.oldest_unsealed else None
    counts = {"tenant": key, "checked": report.checked, "anchors": report.anchors, "faults": len(report.findings)}
    counts["restores"] = len(report.restores)
    tail = {"unsealed": report.unsealed, "oldest_unsealed": oldest}
    print(json.dumps({**counts, **tail, "position": report.head.position, "hash": report.head.hash}))


def _count(one: Checked, counts: dict[str, int]) -> None:
    counts["artifacts"] += 1
    if one.kind in counts:
        counts[one.kind] += 1
    if one.problem:
        counts["mismatches"] += 1
        print(f"MISMATCH {one.object_id} {one.storage_path}: {one.problem}")
    else:
        counts["erased" if one.erased else "verified"] += 1
