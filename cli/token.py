"""Print a bearer token for one person of the demo: `handrail token --as attendance_officer`."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from api.security import Claims, DemoTokens
from models.session import Sessions, engine_for
from rules.access.permissions import Role
from services import people
from settings import Settings, SettingsError, secret


def command(
    role: Annotated[Role, typer.Option("--as", help="The role the token speaks in.")],
    person: Annotated[str | None, typer.Option(help="Subject; else the first holder of the role.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Key of the tenant; needed when there are several.")] = None,
) -> None:
    """Print a token that the running demo stack accepts for twelve hours."""
    try:
        settings = Settings.load().require("token_secret", "database_url")
        claims = asyncio.run(_claims(secret(settings.database_url), role, person, tenant))
    except (SettingsError, LookupError) as refusal:
        typer.echo(f"handrail token: {refusal}", err=True)
        raise typer.Exit(2) from None
    typer.echo(DemoTokens(secret(settings.token_secret).encode()).issue(claims, now=datetime.now(UTC)))


async def _claims(url: str, role: Role, person: str | None, tenant: str | None) -> Claims:
    """Who the token speaks for; LookupError says what to name."""
    engine = engine_for(url, pool_size=1)
    try:
        sessions = Sessions(engine)
        async with sessions.untenanted() as session:
            keys = await people.active_tenant_keys(session)
            key = _chosen(keys, tenant)
            tenant_id = await people.open_tenant(session, key)
        assert tenant_id is not None
        async with sessions.tenant(tenant_id) as session:
            subject = person or await people.first_holder(session, role)
            known = subject and await people.identify(session, subject, role, on=datetime.now(UTC).date())
    finally:
        await engine.dispose()
    if not subject or not known:
        if person is None:
            raise LookupError(
                f"nobody holds the role {role} in {key} yet: a district_admin makes a person (POST /people) "
                "and gives it to them (PUT /people/{id}/roles); the first one is made by `handrail tenant appoint`."
            )
        raise LookupError(f"{person} does not hold the role {role} in {key}.")
    return Claims(key, subject, role)


def _chosen(keys: Sequence[str], tenant: str | None) -> str:
    listed = ", ".join(keys) or "none"
    if tenant is not None:
        if tenant not in keys:
            raise LookupError(f"there is no tenant {tenant}; there are: {listed}.")
        return tenant
    if len(keys) != 1:
        raise LookupError(f"name one of the tenants with --tenant; there are: {listed}.")
    return keys[0]
