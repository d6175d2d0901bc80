"""Runs an operator's command on the configured database, and says a refusal in one line."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NoReturn, TypeVar
from uuid import uuid4

import typer

from gateways.keyring import MasterKeyRing
from models.session import Sessions, engine_for
from models.tenants import Tenant
from rules.errors import DomainError
from rules.ids import TenantId
from services import tenants
from services.audit_keys import sessions_with
from services.context import Actor, system
from settings import Settings, SettingsError, parse_keys, secret

T = TypeVar("T")
REFUSED = 2


def with_sessions(work: Callable[[Sessions], Awaitable[T]]) -> T:
    """Open the database, do the work, close it; a refusal ends the command with status 2."""
    return opened_for(lambda: Settings.load().require("database_url"), work)


def opened_for(settings: Callable[[], Settings], work: Callable[[Sessions], Awaitable[T]]) -> T:
    """The same on the database that these settings name."""
    try:
        return asyncio.run(_opened(settings(), work))
    except (DomainError, SettingsError) as refusal:
        refuse(refusal.message if isinstance(refusal, DomainError) else str(refusal))


async def _opened(settings: Settings, work: Callable[[Sessions], Awaitable[T]]) -> T:
    sessions = opened_on(settings)
    try:
        return await work(sessions)
    finally:
        await sessions.engine.dispose()


def opened_on(settings: Settings) -> Sessions:
    """Units of work on the configured database; without master keys they read, but write nothing that is audited."""
    engine = engine_for(secret(settings.database_url), pool_size=2)
    if settings.master_keys is None:
        return Sessions(engine)
    masters = parse_keys(settings.master_keys)
    return sessions_with(engine, MasterKeyRing(masters, next(iter(masters))))


def refuse(message: str) -> NoReturn:
    """Say why on stderr and end with status 2."""
    print(message, file=sys.stderr)
    raise typer.Exit(REFUSED)


async def the_tenant(sessions: Sessions, key: str | None) -> Tenant:
    """The tenant of this key, or the only one."""
    async with sessions.untenanted() as session:
        return await tenants.require(session, key)


def operator(tenant: Tenant) -> Actor:
    """Whoever runs commands on this machine; the audit entry says that it came from here."""
    return system(TenantId(tenant.id), "cli", str(uuid4()))


def now() -> datetime:
    return datetime.now(UTC)
