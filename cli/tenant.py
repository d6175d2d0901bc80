"""Make a tenant (a district or trust) with its starter content, list those there are, release an account."""

import json
from typing import Annotated
from uuid import uuid4

import typer

from cli._database import now, operator, the_tenant, with_sessions
from models.session import Sessions
from models.tenants import Tenant
from services import sign_in, tenants
from services.tenants import NewTenant, Stand, TenantStanding

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


@app.command(name="list")
def list_() -> None:
    """One line of JSON for each tenant."""

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
