"""Make a tenant (a district or trust) with its starter content, or list those there are."""

import json
from typing import Annotated
from uuid import uuid4

import typer

from cli._database import now, with_sessions
from models.session import Sessions
from models.tenants import Tenant
from services import tenants
from services.tenants import NewTenant

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


def _line(tenant: Tenant) -> dict[str, str | None]:
    return {
        "id": str(tenant.id),
        "key": tenant.key,
        "name": tenant.name,
        "country": tenant.country,
        "timezone": tenant.timezone,
        "status": tenant.status,
    }
