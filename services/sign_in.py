"""Who a verified account is: its tenant, its person, its roles, as the tenant's own settings say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.people import Person, School
from models.session import Sessions
from models.sign_in import ConsoleSession, PersonIdentity
from models.tenants import Tenant
from rules.access.permissions import Permission, Role
from rules.access.sessions import SessionEnd
from rules.access.sign_in import EVERY_SCHOOL, Claims, Grant, ServiceAccount, SignInSettings, granted, person_key, texts
from rules.errors import Forbidden, Invalid, NotFound
from rules.ids import SchoolId, TenantId
from services import audit, role_grants
from services.audit import Act
from services.context import Actor

SECTION: Final = "auth"
SERVICE: Final = "service:"


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the deployment says of sign-in; tenants that name no issuer of their own use its one."""

    issuer: str | None
    audience: str
    client_id: str | None = None
    tenant_claim: str = "tenant"
    client_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class House:
    """One tenant and how its people sign in, the deployment's part filled in."""

    id: TenantId
    key: str
    name: str
    suspended: bool
    auth: SignInSettings
    issuer: str | None
    audience: str
    client_id: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller asks for beside the token: which tenant where several fit, which role of several."""

    tenant_key: str | None = None
    role: Role | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A person let in: the role chosen, all roles held, the schools and scopes beyond which it does not reach."""

    tenant_id: TenantId
    tenant_key: str
    person_key: str
    role: Role
    roles: tuple[Role, ...]
    within: frozenset[SchoolId] | None = None
    scopes: frozenset[Permission] | None = None


async def houses(session: AsyncSession, deployment: Deployment) -> Sequence[House]:
    """Every tenant with its sign-in."""
    tenants = (await session.scalars(select(Tenant).order_by(Tenant.key))).all()
    return [_house(tenant, deployment) for tenant in tenants]


def _house(tenant: Tenant, deployment: Deployment) -> House:
    auth = SignInSettings.model_validate(tenant.settings.get(SECTION, {}))
    return House(
        TenantId(tenant.id),
        tenant.key,
        tenant.name,
        tenant.status != "ACTIVE",
        auth,
        auth.issuer or deployment.issuer,
        auth.audience or deployment.audience,
        auth.client_id or deployment.client_id,
    )


def house_of(fitting: Sequence[House], deployment: Deployment, claims: Claims, wanted: Wanted) -> House:
    """The one tenant whose people this issuer vouches for with these claims."""
    open_to = [house for house in fitting if house.auth.meets(claims) and _claimed(house, deployment, claims)]
    if wanted.tenant_key is not None:
        open_to = [house for house in open_to if house.key == wanted.tenant_key]
    if not open_to:
        raise Forbidden(
            "tenant_unknown", "No tenant here admits this account: its issuer, audience or required claims do not fit."
        )
    if len(open_to) > 1:
        keys = ", ".join(house.key for house in open_to)
        raise Forbidden(
            "tenant_not_chosen", f"Several tenants admit this account: send Handrail-Tenant: one of {keys}."
        )
    if open_to[0].suspended:
        raise Forbidden("tenant_suspended", "This tenant is suspended; whoever runs this installation can resume it.")
    return open_to[0]


def _claimed(house: House, deployment: Deployment, claims: Claims) -> bool:
    """An issuer shared by the deployment must say whose people it speaks of; a tenant's own issuer need not."""
    return house.auth.issuer is not None or house.key in texts(claims.get(deployment.tenant_claim))


@dataclass(frozen=True, slots=True)
class Welcome:
    """A person or machine let in, before a role is chosen: per role the schools beyond which it does not reach."""

    house: House
    person: Person
    reach: Mapping[Role, frozenset[SchoolId] | None]
    scopes: frozenset[Permission] | None = None

    def speaking_as(self, wanted: Wanted) -> Admitted:
        """In the role asked for, or the only one."""
        roles = tuple(self.reach)
        role = chosen(roles, wanted)
        return Admitted(
            self.house.id,
            self.house.key,
            self.person.subject,
            role,
            roles,
            within=self.reach[role],
            scopes=self.scopes,
        )


async def admit(sessions: Sessions, house: House, claims: Claims, wanted: Wanted, *, now: datetime) -> Admitted:
    """Let a verified account in, as the person it is, in one of their roles; Forbidden says what is missing."""
    async with sessions.tenant(house.id) as session:
        return (await welcome(session, house, claims, wanted, now=now)).speaking_as(wanted)


async def welcome(session: AsyncSession, house: House, claims: Claims, wanted: Wanted, *, now: datetime) -> Welcome:
    """Let a verified account in, with every role it has today."""
    machine = house.auth.service_account(claims["sub"])
    if machine is not None:
        return await _machine(session, house, machine, wanted, now=now)
    grants = granted(house.auth, claims) if house.auth.roles_from == "claims" else None
    if grants == ():
        raise Forbidden(
            "no_role_mapped",
            f"None of your groups has a role in {house.name}: ask its administrator for a rule in the settings.",
        )
    person = await _person(session, house, claims, wanted, now=now)
    if grants is None:
        return await _by_hand(session, house, person, on=now.date())
    places = await _places(session, grants)
    given = [role_grants.Given(one.role, places[one.role]) for one in grants]
    await role_grants.synchronise(session, actor_of(house, person, wanted), person.id, given, now=now)
    return Welcome(house, person, places)


def chosen(roles: tuple[Role, ...], wanted: Wanted) -> Role:
    """The role asked for, or the only one; nobody is given the widest of several by accident."""
    listed = ", ".join(roles)
    if wanted.role is not None and wanted.role not in roles:
        raise Forbidden("role_not_held", f"You do not hold the role {wanted.role} here; you hold: {listed}.")
    if wanted.role is None and len(roles) != 1:
        raise Forbidden("role_not_chosen", f"You hold several roles: send Handrail-Role: one of {listed}.")
    return wanted.role or roles[0]


async def _by_hand(session: AsyncSession, house: House, person: Person, *, on: date) -> Welcome:
    roles = await role_grants.held(session, person.id, on=on)
    if not roles:
        raise Forbidden("no_role", f"You have no role in {house.name} today: ask its administrator.")
    return Welcome(house, person, dict.fromkeys(roles))


async def _machine(
    session: AsyncSession, house: House, machine: ServiceAccount, wanted: Wanted, *, now: datetime
) -> Welcome:
    """A service account acts as a person of its own in the list of people, in the one role of machines."""
    subject = f"{SERVICE}{machine.subject}"
    person = await _named(session, subject) or await _made(session, house, subject, machine.name, wanted, now=now)
    _must_be_active(house, person)
    grant = Grant(Role.INTEGRATION, frozenset(machine.schools))
    places = await _places(session, [grant])
    given = [role_grants.Given(Role.INTEGRATION, places[Role.INTEGRATION])]
    await role_grants.synchronise(session, actor_of(house, person, wanted), person.id, given, now=now)
    return Welcome(house, person, places, frozenset(machine.scopes))


async def _person(session: AsyncSession, house: House, claims: Claims, wanted: Wanted, *, now: datetime) -> Person:
    """The person this account was bound to; at the first sign-in the one of that name, or a new one where allowed."""
    assert house.issuer is not None
    bound = select(Person).join(PersonIdentity, PersonIdentity.person_id == Person.id)
    bound = bound.where(PersonIdentity.issuer == house.issuer, PersonIdentity.subject == claims["sub"])
    person = await session.scalar(bound)
    if person is None:
        person = await _first_time(session, house, claims, wanted, now=now)
    _must_be_active(house, person)
    return person


async def _first_time(session: AsyncSession, house: House, claims: Claims, wanted: Wanted, *, now: datetime) -> Person:
    name = person_key(house.auth, claims)
    if name is None or name.startswith(SERVICE):
        raise Forbidden(
            "person_claim_missing",
            f"Your account says nothing usable in the claim {house.auth.person_claim}, by which {house.name} knows"
            " its people; an e-mail address must be verified. Ask the administrator of your identity provider.",
        )
    person = await _named(session, name)
    if person is None and not house.auth.provision:
        raise Forbidden(
            "person_unknown",
            f"Your account is good, but {house.name} does not know you: ask its administrator to add a person with the"
            f" subject that your account carries in the claim {house.auth.person_claim}.",
        )
    if person is None:
        shown = texts(claims.get("name"))
        person = await _made(session, house, name, shown[0] if shown else name, wanted, now=now)
    await _bind(session, house, person, claims["sub"], wanted, now=now)
    return person


async def _bind(
    session: AsyncSession, house: House, person: Person, subject: str, wanted: Wanted, *, now: datetime
) -> None:
    row = insert(PersonIdentity).values(person_id=person.id, issuer=house.issuer, subject=subject)
    made = await session.scalar(row.on_conflict_do_nothing().returning(PersonIdentity.id))
    if made is not None:
        told = {"issuer": house.issuer, "subject": subject}
        await audit.record(
            session, actor_of(house, person, wanted), Act("bind_account", "person", person.id, after=told), now=now
        )
        return
    same = select(PersonIdentity.person_id).where(
        PersonIdentity.issuer == house.issuer, PersonIdentity.subject == subject
    )
    if await session.scalar(same) != person.id:
        raise Forbidden(
            "bound_to_another",
            f"In {house.name} this name belongs to another account of your identity provider: an administrator releases"
            " it by `handrail tenant release`.",
        )


async def release(session: AsyncSession, actor: Actor, subject: str, reason: str, *, now: datetime) -> int:
    """Forget which accounts a person signs in with, and end their sessions: the next sign-in binds anew.

    The number of accounts forgotten.
    """
    person = await _named(session, subject)
    if person is None:
        raise NotFound("person_not_found", f"There is no person with the subject {subject} here.")
    rows = (await session.scalars(select(PersonIdentity).where(PersonIdentity.person_id == person.id))).all()
    for row in rows:
        await session.delete(row)
    await session.flush()
    await end_all(session, person.id, now=now)
    told = {"accounts": [[row.issuer, row.subject] for row in rows]}
    act = Act("release_account", "person", person.id, reason=reason, before=told, after={"accounts": []})
    await audit.record(session, actor, act, now=now)
    return len(rows)


async def end_all(session: AsyncSession, person_id: UUID, *, now: datetime) -> None:
    """End every session of a person."""
    still = update(ConsoleSession).where(ConsoleSession.person_id == person_id, ConsoleSession.ended_at.is_(None))
    await session.execute(still.values(ended_at=now, ended_by=SessionEnd.RELEASED.value))


async def _named(session: AsyncSession, subject: str) -> Person | None:
    found: Person | None = await session.scalar(select(Person).where(Person.subject == subject))
    return found


async def _made(
    session: AsyncSession, house: House, subject: str, shown: str, wanted: Wanted, *, now: datetime
) -> Person:
    row = insert(Person).values(subject=subject, display_name=shown[:200]).on_conflict_do_nothing()
    created = await session.scalar(row.returning(Person.id))
    person = (await session.scalars(select(Person).where(Person.subject == subject))).one()
    if created is not None:  # two first sign-ins at once make one person
        act = Act("provision_person", "person", person.id, reason="first sign-in", after={"subject": subject})
        await audit.record(session, actor_of(house, person, wanted), act, now=now)
    return person


def _must_be_active(house: House, person: Person) -> None:
    if not person.active:
        raise Forbidden("person_inactive", f"Your access to {house.name} has ended: ask its administrator.")


async def _places(session: AsyncSession, grants: Sequence[Grant]) -> dict[Role, frozenset[SchoolId] | None]:
    """Per role our ids of the schools its grant names; None where it holds everywhere. Unknown names give nothing."""
    named = {name for grant in grants for name in grant.schools} - {EVERY_SCHOOL}
    known: dict[str, UUID] = {}
    if named:
        schools = await session.scalars(select(School).where(School.source_id.in_(named)))
        known = {school.source_id: school.id for school in schools}
    return {
        grant.role: None
        if grant.everywhere
        else frozenset(SchoolId(known[name]) for name in grant.schools if name in known)
        for grant in grants
    }


def actor_of(house: House, person: Person, wanted: Wanted) -> Actor:
    """The sign-in itself: what the tenant's rules did for this person."""
    return Actor(house.id, None, "system", "Sign-in", wanted.request_id or str(person.id), "api")


def parsed(settings: Mapping[str, Any]) -> SignInSettings:
    """The sign-in part of a tenant's settings."""
    return SignInSettings.model_validate(settings.get(SECTION, {}))


def role_named(text: str | None) -> Role | None:
    """The role a header names; Invalid when there is no such role."""
    if text is None:
        return None
    try:
        return Role(text)
    except ValueError as unknown:
        raise Invalid(
            "role_unknown", "Handrail-Role names no role.", fields={"header.Handrail-Role": ", ".join(Role)}
        ) from unknown
