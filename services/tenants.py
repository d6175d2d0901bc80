"""Tenants: found by key, or made when the first register comes in; who is served, and who is suspended."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.people import Person, RoleAssignment
from models.session import Sessions, bind
from models.tenants import Tenant
from rules.access.permissions import Role
from rules.errors import Conflict, Invalid, NotFound
from rules.ids import TenantId
from services import audit, starter_content
from services.audit import Act
from services.context import Actor, system

KEY: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
COUNTRY: Final = re.compile(r"[A-Z]{2}")


async def listed(session: AsyncSession) -> Sequence[Tenant]:
    """All tenants by key, but those that are being deleted."""
    return (await session.scalars(select(Tenant).where(Tenant.status != "DELETING").order_by(Tenant.key))).all()


async def find(session: AsyncSession, key: str | None) -> Tenant | None:
    """The tenant of this key, or the only one there is; None when there is none at all."""
    tenants = await listed(session)
    if key is not None:
        return next((tenant for tenant in tenants if tenant.key == key), None)
    if len(tenants) > 1:
        keys = ", ".join(tenant.key for tenant in tenants)
        raise Invalid("tenant_not_named", f"There are several tenants: add --tenant with one of {keys}.")
    return tenants[0] if tenants else None


async def require(session: AsyncSession, key: str | None) -> Tenant:
    """The tenant of this key; NotFound says what to do."""
    tenant = await find(session, key)
    if tenant is None:
        going = None if key is None else await known(session, key)
        if going is not None:
            not_going(going)
        raise NotFound(
            "tenant_unknown",
            f"There is no tenant {key or ''}: make it by `handrail tenant create`, or import a district folder.",
        )
    return tenant


async def known(session: AsyncSession, key: str) -> Tenant | None:
    """The tenant of this key, whatever its standing."""
    return (await session.scalars(select(Tenant).where(Tenant.key == key))).first()


@dataclass(frozen=True, slots=True)
class NewTenant:
    """A district or trust about to be served; `settings` are its choices (`ladder.undo_seconds`, ...)."""

    key: str
    name: str
    country: str | None = None
    timezone: str = "Europe/London"
    settings: Mapping[str, Any] = field(default_factory=dict)


async def establish(
    session: AsyncSession, command: NewTenant, request_id: str, *, now: datetime
) -> tuple[Tenant, bool]:
    """The tenant of this key, made with its starter content unless it is there already (then False), never changed.

    Takes an untenanted unit of work; from here on it is bound to the tenant.
    """
    _check(command)
    made = insert(Tenant).values(
        key=command.key,
        name=command.name,
        country=command.country,
        timezone=command.timezone,
        settings=dict(command.settings),
    )
    tenant_id = await session.scalar(made.on_conflict_do_nothing(index_elements=["key"]).returning(Tenant.id))
    tenant = (await session.scalars(select(Tenant).where(Tenant.key == command.key))).one()
    not_going(tenant)
    await bind(session, tenant.id)
    if tenant_id is None:
        return tenant, False
    actor = system(TenantId(tenant.id), "cli", request_id)
    told = {"key": command.key, "country": command.country, "timezone": command.timezone}
    await audit.record(session, actor, Act("create_tenant", "tenant", tenant.id, after=told), now=now)
    await starter_content.stock(session, actor, now=now)
    return tenant, True


@dataclass(frozen=True, slots=True)
class Administrator:
    """The first person of a new tenant: its district administrator in every school."""

    subject: str
    display_name: str


async def appoint(
    session: AsyncSession, actor: Actor, first: Administrator, *, now: datetime, reason: str = ""
) -> None:
    """Give the tenant of this unit of work an administrator: a new person, or one in its list who is let in again.

    Raises Conflict where they administer every school already. Written to the tenant's audit.
    """
    person = (await session.scalars(select(Person).where(Person.subject == first.subject))).first()
    if person is None:
        person = Person(subject=first.subject, display_name=first.display_name)
        session.add(person)
        await session.flush()
    held = (
        await session.scalars(
            select(RoleAssignment).where(
                RoleAssignment.person_id == person.id, RoleAssignment.role == Role.DISTRICT_ADMIN.value
            )
        )
    ).first()
    if held is None:
        held = RoleAssignment(person_id=person.id, role=Role.DISTRICT_ADMIN.value)
        session.add(held)
    elif person.active and held.all_schools and held.starts_on is None and held.ends_on is None:
        raise Conflict(
            "administrator_already", f"{first.subject} administers this tenant already: nothing was changed."
        )
    held.all_schools, held.starts_on, held.ends_on, person.active = True, None, None, True
    await session.flush()
    act = Act("appoint_administrator", "person", person.id, reason=reason or None, after={"subject": first.subject})
    await audit.record(session, actor, act, now=now)


class TenantStanding(StrEnum):
    """Whether a tenant is served; from DELETING there is no way back."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    DELETING = "DELETING"


@dataclass(frozen=True, slots=True)
class Stand:
    """Serve a tenant, or let everything of it wait."""

    tenant_id: UUID
    standing: TenantStanding
    reason: str


async def stand(session: AsyncSession, operator: Actor, command: Stand, *, now: datetime) -> Tenant:
    """Change a tenant's standing; repeated, it changes nothing. Takes an untenanted unit of work.

    Suspended, it answers nobody, its running cases wait where they are, and nothing of it goes out; resumed, they flow
    on. The act stands in the tenant's own trail and, where that is another, in the operator's.
    """
    tenant = await session.get(Tenant, command.tenant_id, with_for_update=True)
    if tenant is None:
        raise NotFound("tenant_unknown", f"There is no tenant {command.tenant_id}.")
    if operator.person_id is not None and operator.tenant_id == tenant.id:
        raise Conflict("own_tenant", "The operator's own tenant cannot be suspended by itself: use `handrail tenant`.")
    not_going(tenant)
    before, after = tenant.status, command.standing.value
    if before == after:
        return tenant
    tenant.status = after
    await session.flush()
    verb = "suspend_tenant" if command.standing is TenantStanding.SUSPENDED else "resume_tenant"
    act = Act(verb, "tenant", tenant.id, reason=command.reason, before={"status": before}, after={"status": after})
    await in_both_trails(session, operator, tenant, act, now=now)
    return tenant


def not_going(tenant: Tenant) -> None:
    """Refuse a tenant whose deletion was ordered."""
    if tenant.status == TenantStanding.DELETING:
        raise Conflict(
            "tenant_going", f"Tenant {tenant.key} is being deleted: `handrail tenant delete {tenant.key}` goes on."
        )


async def in_both_trails(session: AsyncSession, operator: Actor, tenant: Tenant, act: Act, *, now: datetime) -> None:
    """Record an operator's act with the tenant it concerns, where the operator is nobody, and with the operator."""
    await bind(session, tenant.id)
    await audit.record(session, as_guest(operator, tenant.id), act, now=now)
    if operator.tenant_id != tenant.id:
        await bind(session, operator.tenant_id)
        await audit.record(session, operator, act, now=now)


def as_guest(operator: Actor, tenant_id: UUID) -> Actor:
    """The operator in another tenant's trail: no person of that tenant."""
    if operator.tenant_id == tenant_id:
        return operator
    return replace(operator, tenant_id=TenantId(tenant_id), person_id=None, role="operator")


def _check(command: NewTenant) -> None:
    wrong = {}
    if not KEY.fullmatch(command.key):
        wrong["key"] = "small letters, digits and hyphens, beginning with a letter, at most 40"
    if not command.name.strip():
        wrong["name"] = "what people call the district"
    if command.country is not None and not COUNTRY.fullmatch(command.country):
        wrong["country"] = "two capital letters (ISO 3166), such as GB"
    if command.timezone not in available_timezones():
        wrong["timezone"] = "a name of the time-zone database, such as Europe/London"
    if wrong:
        what = "; ".join(f"{name}: {should}" for name, should in wrong.items())
        raise Invalid("tenant_invalid", f"The tenant cannot be made. {what}.", fields=wrong)


async def change_settings(
    session: AsyncSession, actor: Actor, settings: Mapping[str, Any], reason: str, *, now: datetime
) -> None:
    """Replace the named settings of the actor's tenant and leave the others; cases read them when they start."""
    tenant = await session.get_one(Tenant, actor.tenant_id, with_for_update=True)
    before = {name: tenant.settings.get(name) for name in settings}
    tenant.settings = {**tenant.settings, **settings}
    await session.flush()
    act = Act("change_settings", "tenant", tenant.id, reason=reason, before=before, after=dict(settings))
    await audit.record(session, actor, act, now=now)


async def is_suspended(sessions: Sessions, tenant_id: UUID) -> bool:
    """Whether the tenant's work must wait; an unknown tenant counts as suspended, so that nothing acts for it."""
    async with sessions.untenanted() as session:
        status = (await session.scalars(select(Tenant.status).where(Tenant.id == tenant_id))).first()
    return status != "ACTIVE"


async def name_of(session: AsyncSession, tenant_id: UUID) -> str:
    """What the tenant is called."""
    return (await session.get_one(Tenant, tenant_id)).name
