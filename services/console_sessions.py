"""Sessions of browsers: begun at sign-in, looked up at every request, ended by their person, by time or by an operator.

A cookie's value is `TENANT.SECRET`: the tenant is known before the look-up, which row-level security therefore guards
like any other; whoever writes another tenant before a secret finds nothing there.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.people import Person
from models.session import Sessions
from models.sign_in import ConsoleSession
from models.tenants import Tenant
from rules.access.permissions import Role
from rules.access.sessions import Limits, SessionEnd, fingerprint
from rules.access.sign_in import SignInSettings
from rules.errors import Forbidden
from rules.ids import SchoolId, TenantId
from services import audit, sign_in
from services.audit import Act
from services.context import Actor
from services.sign_in import Wanted, Welcome

_VALUE = re.compile(r"[0-9a-f]{32}\.[A-Za-z0-9_-]{43}")
SEEN_EVERY: Final = timedelta(minutes=1)  # a busy page writes once a minute, not at every request


@dataclass(frozen=True, slots=True)
class Standing:
    """A session that lasts: who it is, the roles to choose from, the one chosen, and when it ends."""

    id: UUID
    tenant_id: TenantId
    tenant_key: str
    person_id: UUID
    person_key: str
    display: str
    role: Role | None
    reach: Mapping[Role, frozenset[SchoolId] | None]
    idle_until: datetime
    ends_at: datetime

    def role_for(self, wanted: Wanted) -> Role:
        """The role this request speaks in: asked for, else chosen before, else the only one."""
        return sign_in.chosen(tuple(self.reach), Wanted(role=wanted.role or self.role))

    def actor(self, request_id: str) -> Actor:
        """The person, as the one who signs in or out."""
        role = self.role or next(iter(self.reach))
        return Actor(self.tenant_id, self.person_id, role.value, self.display, request_id, "api")  # type: ignore[arg-type]  # ids of rows are plain UUIDs


def limits(auth: SignInSettings) -> Limits:
    """How long sessions of a tenant last."""
    return Limits(timedelta(minutes=auth.idle_minutes), timedelta(hours=auth.absolute_hours))


async def begin(session: AsyncSession, welcome: Welcome, attempt: str, wanted: Wanted, *, now: datetime) -> str:
    """Begin a session after a sign-in; the value of its cookie. An attempt makes one session, ever."""
    if welcome.scopes is not None:
        raise Forbidden("machines_sign_in_by_token", "A service account sends a bearer token; it has no pages.")
    value = f"{welcome.house.id.hex}.{secrets.token_urlsafe(32)}"
    roles = tuple(welcome.reach)
    row = insert(ConsoleSession).values(
        person_id=welcome.person.id,
        token_hash=fingerprint(value),
        attempt_hash=fingerprint(attempt),
        issuer=welcome.house.issuer,
        role=roles[0].value if len(roles) == 1 else None,
        reach={role.value: _kept(places) for role, places in welcome.reach.items()},
        started_at=now,
        seen_at=now,
    )
    made = await session.scalar(
        row.on_conflict_do_nothing(index_elements=["tenant_id", "attempt_hash"]).returning(ConsoleSession.id)
    )
    if made is None:
        raise Forbidden("sign_in_used", "This sign-in was used before; begin again.")
    act = Act("sign_in", "person", welcome.person.id, after={"session": str(made), "issuer": welcome.house.issuer})
    await audit.record(session, sign_in.actor_of(welcome.house, welcome.person, wanted), act, now=now)
    return value


async def resume(sessions: Sessions, value: str, *, now: datetime) -> Standing | None:
    """The session behind a cookie, kept alive; None when there is none, or it is over."""
    if not _VALUE.fullmatch(value):
        return None
    async with sessions.tenant(UUID(value[:32])) as session:
        found = await _found(session, value)
        if found is None:
            return None
        row, person, tenant = found
        allowed = limits(sign_in.parsed(tenant.settings))
        ended = allowed.ended(row.started_at, row.seen_at, now)
        if ended is not None:
            await _end(session, row.id, ended, now=now)
            return None
        if now - row.seen_at >= SEEN_EVERY:
            still = (ConsoleSession.id == row.id, ConsoleSession.seen_at < now)
            await session.execute(update(ConsoleSession).where(*still).values(seen_at=now))
        return Standing(
            row.id,
            TenantId(tenant.id),
            tenant.key,
            person.id,
            person.subject,
            person.display_name,
            Role(row.role) if row.role else None,
            {Role(role): _places(ids) for role, ids in row.reach.items()},
            now + allowed.idle,
            row.started_at + allowed.absolute,
        )


async def _found(session: AsyncSession, value: str) -> tuple[ConsoleSession, Person, Tenant] | None:
    rows = await session.execute(
        select(ConsoleSession, Person, Tenant)
        .join(Person, Person.id == ConsoleSession.person_id)
        .join(Tenant, Tenant.id == ConsoleSession.tenant_id)
        .where(ConsoleSession.token_hash == fingerprint(value), ConsoleSession.ended_at.is_(None), Person.active)
    )
    found = rows.one_or_none()
    return None if found is None else (found[0], found[1], found[2])


async def choose(sessions: Sessions, standing: Standing, role: Role, request_id: str, *, now: datetime) -> str:
    """Speak in another of one's roles from now on: the new value of the cookie, the old one opens nothing more."""
    if role not in standing.reach:
        raise Forbidden("role_not_held", f"You do not hold the role {role} here.")
    value = f"{standing.tenant_id.hex}.{secrets.token_urlsafe(32)}"
    async with sessions.tenant(standing.tenant_id) as session:
        lasting = (ConsoleSession.id == standing.id, ConsoleSession.ended_at.is_(None))
        told = {"role": role.value, "token_hash": fingerprint(value), "seen_at": now}
        await session.execute(update(ConsoleSession).where(*lasting).values(**told))
        after = {"session": str(standing.id), "role": role.value}
        act = Act("choose_role", "person", standing.person_id, after=after)
        await audit.record(session, standing.actor(request_id), act, now=now)
    return value


async def end(sessions: Sessions, standing: Standing, why: SessionEnd, request_id: str, *, now: datetime) -> None:
    """End a session, and write that down."""
    async with sessions.tenant(standing.tenant_id) as session:
        if await _end(session, standing.id, why, now=now):
            act = Act("sign_out", "person", standing.person_id, after={"session": str(standing.id), "why": why.value})
            await audit.record(session, standing.actor(request_id), act, now=now)


async def _end(session: AsyncSession, session_id: UUID, why: SessionEnd, *, now: datetime) -> bool:
    lasting = update(ConsoleSession).where(ConsoleSession.id == session_id, ConsoleSession.ended_at.is_(None))
    ended = lasting.values(ended_at=now, ended_by=why.value).returning(ConsoleSession.id)
    return await session.scalar(ended) is not None


def _kept(places: frozenset[SchoolId] | None) -> list[str] | None:
    return None if places is None else sorted(map(str, places))


def _places(ids: list[str] | None) -> frozenset[SchoolId] | None:
    return None if ids is None else frozenset(SchoolId(UUID(one)) for one in ids)
