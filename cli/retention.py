"""List what has been kept long enough, let a second person approve the list, and destroy what it names."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from cli._database import now, refuse, the_tenant, with_sessions
from cli._people import person
from cli._temporal import temporal_client
from models.retention import RetentionRun
from models.session import Session, Sessions
from orchestration import retention as carrying
from orchestration.handles import CaseHandles
from rules.access.permissions import Permission
from rules.ids import TenantId
from services import retention
from services.context import Actor
from services.retention import Approve

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
Tenant = Annotated[str | None, typer.Option("--tenant", help="Key of the tenant; needed when there are several.")]
By = Annotated[str, typer.Option("--by", help="Sign-in name of somebody who may erase records of the whole tenant.")]
Run = Annotated[UUID, typer.Argument(help="Id of the list.")]


@app.command(name="list")
def list_(
    by: By,
    tenant: Tenant = None,
    to: Annotated[Path | None, typer.Option(help="Write the signed list into this file as well.")] = None,
) -> None:
    """Make and sign a list of what is due today; nothing is destroyed."""
    if to is not None and to.exists():
        refuse(f"{to} is there already: name another file.")
    told = _as_person(tenant, by, lambda session, actor: retention.propose(session, actor, now=now()))
    if to is not None:
        to.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(told))


@app.command()
def show(run: Run, by: By, tenant: Tenant = None) -> None:
    """The list again, and what came of it."""
    print(json.dumps(_as_person(tenant, by, lambda session, _: retention.get(session, run))))


@app.command()
def approve(
    run: Run,
    by: By,
    sha256: Annotated[str, typer.Option(help="The list you saw, by its SHA-256.")],
    reason: Annotated[str, typer.Option(help="Why this may be destroyed; it stands in the audit.")],
    tenant: Tenant = None,
) -> None:
    """Agree to exactly this list; whoever made it cannot."""
    command = Approve(run, sha256, reason)
    told = _as_person(tenant, by, lambda session, actor: retention.approve(session, actor, command, now=now()))
    print(json.dumps(told))


@app.command(name="carry-out")
def carry_out(run: Run, by: By, tenant: Tenant = None) -> None:
    """Destroy what an approved list names and nothing holds by now; interrupted, ask again."""

    async def work(sessions: Sessions) -> dict[str, Any]:
        tenant_id = TenantId((await the_tenant(sessions, tenant)).id)
        async with sessions.tenant(tenant_id) as session:
            actor = await person(session, tenant_id, by, Permission.ERASURE_WRITE)
        cases = CaseHandles(await temporal_client())
        return _told(await carrying.carry_out(sessions, cases, actor, run, now=now()))

    print(json.dumps(with_sessions(work)))


def _as_person(
    tenant: str | None, by: str, verb: Callable[[Session, Actor], Awaitable[RetentionRun]]
) -> dict[str, Any]:
    async def work(sessions: Sessions) -> dict[str, Any]:
        tenant_id = TenantId((await the_tenant(sessions, tenant)).id)
        async with sessions.tenant(tenant_id) as session:
            return _told(await verb(session, await person(session, tenant_id, by, Permission.ERASURE_WRITE)))

    return with_sessions(work)


def _told(run: RetentionRun) -> dict[str, Any]:
    return {
        "id": str(run.id),
        "status": run.status,
        "today": run.today.isoformat(),
        "known_at": run.known_at.isoformat(),
        "lines": run.lines,
        "sha256": run.sha256,
        "signature": run.signature,
        "listed_by": str(run.listed_by),
        "approved_by": str(run.approved_by) if run.approved_by else None,
        "reason": run.reason,
        "done": run.done,
        "done_at": run.done_at.isoformat() if run.done_at else None,
    }
