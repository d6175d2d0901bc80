"""Make, list, suspend, resume, export and delete tenants; appoint their administrators; release an account."""

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from cli._database import now, operator, refuse, the_tenant, with_sessions
from cli._means import means_of
from cli._owner import with_owner
from cli._temporal import temporal_client
from models.session import Sessions
from models.tenants import Tenant, TenantTombstone
from orchestration.tenant_deletion import Deleter
from rules.ids import TenantId
from services import sign_in, tenant_deletion, tenant_export, tenants
from services.tenant_deletion import DeleteTenant
from services.tenants import Administrator, NewTenant, Stand, TenantStanding
from settings import Settings

REASON = typer.Option("--reason", help="Why; it stands in the audit.")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.command()
def create(
    key: Annotated[str, typer.Argument(help="Short name in commands and tokens: harrowby.")],
    name: Annotated[str, typer.Option(help="What people call it.")],
    country: Annotated[str | None, typer.Option(help="ISO 3166, such as GB.")] = None,
    timezone: Annotated[str, typer.Option(help="Where its schools' days begin.")] = "Europe/London",
) -> None:
    """Make a tenant with the shipped letter templates and, as a draft, the shipped rules; again: nothing changes."""

    async def work(sessions: Sessions) -> tuple[Tenant, bool]:
        async with sessions.untenanted() as session:
            wish = NewTenant(key, name, country, timezone)
            return await tenants.establish(session, wish, str(uuid4()), now=now())

    tenant, created = with_sessions(work)
    print(json.dumps({**_line(tenant), "created": created}))


@app.command()
def appoint(
    key: Annotated[str, typer.Argument(help="Its key.")],
    subject: Annotated[str, typer.Argument(help="How they sign in: the claim that names people, such as an address.")],
    name: Annotated[str, typer.Option(help="Their name, as colleagues know it.")],
    reason: Annotated[str, REASON],
) -> None:
    """Give a tenant its first administrator, or another one when none is left who could."""

    async def work(sessions: Sessions) -> Tenant:
        found = await the_tenant(sessions, key)
        async with sessions.tenant(found.id) as session:
            await tenants.appoint(session, operator(found), Administrator(subject, name), now=now(), reason=reason)
        return found

    print(json.dumps({"tenant": with_sessions(work).key, "administrator": subject}))


@app.command(name="list")
def list_(
    deleted: Annotated[bool, typer.Option("--deleted", help="What is left of those that were deleted.")] = False,
) -> None:
    """One line of JSON for each tenant."""
    if deleted:
        for stone in with_sessions(_stones):
            print(json.dumps(_stone_line(stone)))
        return

    async def work(sessions: Sessions) -> list[Tenant]:
        async with sessions.untenanted() as session:
            return list(await tenants.listed(session))

    for tenant in with_sessions(work):
        print(json.dumps(_line(tenant)))


@app.command()
def suspend(key: Annotated[str, typer.Argument(help="Its key.")], reason: Annotated[str, REASON]) -> None:
    """Answer nobody of a tenant; its running cases wait, nothing of it goes out."""
    _stand(key, TenantStanding.SUSPENDED, reason)


@app.command()
def resume(key: Annotated[str, typer.Argument(help="Its key.")], reason: Annotated[str, REASON]) -> None:
    """Serve a tenant again; what waited goes on."""
    _stand(key, TenantStanding.ACTIVE, reason)


def _stand(key: str, standing: TenantStanding, reason: str) -> None:
    async def work(sessions: Sessions) -> Tenant:
        found = await the_tenant(sessions, key)
        async with sessions.untenanted() as session:
            return await tenants.stand(session, operator(found), Stand(found.id, standing, reason), now=now())

    print(json.dumps(_line(with_sessions(work))))


@app.command()
def export(
    key: Annotated[str, typer.Argument(help="Its key.")],
    to: Annotated[Path, typer.Option(help="The zip to write; it must not be there yet.")],
) -> None:
    """Take everything of a tenant out, as `POST /tenants/{id}/export` does; it may be suspended."""
    if to.exists():
        refuse(f"{to} is there already: name another file.")

    async def work(sessions: Sessions) -> dict[str, Any]:
        found, means = await the_tenant(sessions, key), means_of(sessions)
        digest, size, part = sha256(), 0, to.with_name(f"{to.name}.part")
        try:
            with part.open("wb") as file:
                async for piece in tenant_export.exported(means, operator(found), now=now()):
                    digest.update(piece)
                    size += file.write(piece)
            part.rename(to)
        finally:
            part.unlink(missing_ok=True)
            await means.threads.close()
        return {"tenant": found.key, "file": str(to), "bytes": size, "sha256": digest.hexdigest()}

    print(json.dumps(with_sessions(work)))


@dataclass(frozen=True)
class Wish:
    """What the operator asked for."""

    key: str
    by: str
    reason: str
    without_export: str | None
    confirmed: bool


@app.command()
def delete(
    key: Annotated[str, typer.Argument(help="Its key.")],
    by: Annotated[str, typer.Option(help="Your name; it stands on the tombstone.")] = "",
    reason: Annotated[str, REASON] = "",
    without_export: Annotated[str | None, typer.Option(help="Why nobody needs an export.")] = None,
    confirm: Annotated[str | None, typer.Option(help="The key once more: delete it now, for ever.")] = None,
) -> None:
    """Say what deleting a suspended tenant would destroy; with --confirm KEY destroy it. Interrupted: ask again."""
    if confirm is not None and confirm != key:
        refuse(f"--confirm says {confirm!r} and the tenant is {key!r}: nothing was changed.")
    wish = Wish(key, by, reason, without_export, confirmed=confirm is not None)
    print(json.dumps(with_owner(lambda sessions: _deleted(sessions, wish))))


async def _deleted(sessions: Sessions, wish: Wish) -> dict[str, Any]:
    async with sessions.untenanted() as session:
        tenant = await tenants.known(session, wish.key)
        stone = await tenant_deletion.tombstone(session, wish.key)
    if tenant is None:
        return _stone_line(stone) if stone else refuse(f"There is no tenant {wish.key}: see `handrail tenant list`.")
    actor = replace(operator(tenant), role="operator", display=wish.by or "operator")
    if not wish.confirmed:
        return await _foreseen(sessions, tenant)
    async with sessions.untenanted() as session:
        own = await tenant_deletion.own_trail(session, actor, Settings.load().operator_tenant)
    client = await temporal_client()
    if tenant.status != TenantStanding.DELETING:
        command = DeleteTenant(tenant.id, wish.by, wish.reason, wish.without_export)
        async with sessions.tenant(tenant.id) as session:
            await tenant_deletion.order(session, actor, command, now=now())
    means = means_of(sessions)
    try:
        deleter = Deleter(sessions, means.store, client)
        return _stone_line(await deleter.carry_out(TenantId(tenant.id), own, now=now()))
    finally:
        await means.threads.close()


async def _foreseen(sessions: Sessions, tenant: Tenant) -> dict[str, Any]:
    async with sessions.tenant(tenant.id) as session:
        found = await tenant_deletion.outlook(session, tenant.id)
    return {
        **_line(tenant),
        "rows": found.rows,
        "export": found.export,
        "legal_holds": [{"student_id": str(one.student_id), "since": one.since.isoformat()} for one in found.holds],
        "deleted": False,
        "next": f"nothing was changed; add --confirm {tenant.key} to delete it for ever",
    }


async def _stones(sessions: Sessions) -> list[TenantTombstone]:
    async with sessions.untenanted() as session:
        return list(await tenant_deletion.tombstones(session))


def _stone_line(stone: TenantTombstone) -> dict[str, Any]:
    return {
        "id": str(stone.id),
        "key": stone.key,
        "deleted": stone.done_at is not None,
        "deleted_by": stone.deleted_by,
        "reason": stone.reason,
        "ordered_at": stone.ordered_at.isoformat(),
        "done_at": stone.done_at.isoformat() if stone.done_at else None,
        "export": stone.export_sha256,
        "without_export": stone.without_export,
        "rows": stone.rows,
        "workflows": stone.workflows,
        "objects": stone.objects,
        "objects_locked": stone.objects_locked,
        "chain": {"position": stone.chain_position, "hash": stone.chain_hash},
    }


@app.command()
def release(
    person: Annotated[str, typer.Argument(help="Subject of the person in the list of people.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the audit.")],
    tenant: Annotated[str | None, typer.Option(help="Key of the tenant; needed when there are several.")] = None,
) -> None:
    """Forget which account of the identity provider a person signs in with: their next sign-in binds anew."""

    async def work(sessions: Sessions) -> int:
        found = await the_tenant(sessions, tenant)
        async with sessions.tenant(found.id) as session:
            return await sign_in.release(session, operator(found), person, reason, now=now())

    print(json.dumps({"person": person, "released": with_sessions(work)}))


def _line(tenant: Tenant) -> dict[str, str | None]:
    return {
        "id": str(tenant.id),
        "key": tenant.key,
        "name": tenant.name,
        "country": tenant.country,
        "timezone": tenant.timezone,
        "status": tenant.status,
    }
