"""Signing in by browser: where to send somebody, what must come back, and the session that follows."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.identity_provider import Exchange, IdentityProviders, OidcClient, TokenRefused
from gateways.sign_in_attempts import Attempt
from models.people import Person, RoleAssignment
from models.session import Sessions
from rules.access.permissions import Role
from rules.access.sign_in import Claims
from rules.errors import Forbidden, NotFound
from services import console_sessions, people, sign_in
from services.sign_in import Deployment, House, Wanted, Welcome

CALLBACK: Final = "/auth/callback"
PERSONAS_PER_ROLE: Final = 2


@dataclass(frozen=True)
class Answer:
    """What the browser brought back, and where it brought it."""

    path: str
    state: str
    code: str | None
    issuer: str | None
    error: str | None


@dataclass(frozen=True)
class Persona:
    """Somebody of the demo whom a visitor may be."""

    tenant_key: str
    tenant_name: str
    subject: str
    display: str
    role: Role


@dataclass(frozen=True)
class ConsoleSignIn:
    """Sign-in by browser at one deployment."""

    sessions: Sessions
    providers: IdentityProviders
    deployment: Deployment
    public_url: str

    async def begun(self, tenant_key: str | None, next_page: str) -> tuple[str, Attempt] | None:
        """The provider's address to go to and what to keep meanwhile; None when the tenant must be named first."""
        async with self.sessions.untenanted() as session:
            houses = await sign_in.houses(session, self.deployment)
        door = _door(houses, self.deployment, tenant_key)
        if door is None:
            return None
        issuer, client_id, callback = door
        attempt = Attempt(
            secrets.token_urlsafe(24),
            secrets.token_urlsafe(24),
            secrets.token_urlsafe(48),
            issuer,
            client_id,
            tenant_key,
            callback,
            next_page,
        )
        try:
            provider = await self.providers.provider(issuer)
        except TokenRefused as refusal:
            raise Forbidden("issuer_not_allowed", f"Nobody signs in by {issuer} here. {refusal}") from refusal
        exchange = Exchange("", attempt.verifier, attempt.nonce)
        address = self.providers.authorization_url(provider, self._client(attempt), attempt.state, exchange)
        return address, attempt

    async def finished(self, attempt: Attempt, answer: Answer, wanted: Wanted, *, now: datetime) -> str:
        """The session's cookie, when the answer is the one to this attempt and the person is known."""
        claims = await self._claims(attempt, answer)
        async with self.sessions.untenanted() as session:
            houses = await sign_in.houses(session, self.deployment)
        meant = [one for one in houses if (one.issuer, one.client_id) == (attempt.issuer, attempt.client_id)]
        asked = Wanted(attempt.tenant_key, request_id=wanted.request_id)
        house = sign_in.house_of(meant, self.deployment, claims, asked)
        async with self.sessions.tenant(house.id) as session:
            welcome = await sign_in.welcome(session, house, claims, asked, now=now)
            return await console_sessions.begin(session, welcome, attempt.state, asked, now=now)

    async def _claims(self, attempt: Attempt, answer: Answer) -> Claims:
        if answer.path != attempt.callback or not secrets.compare_digest(answer.state.encode(), attempt.state.encode()):
            raise Forbidden("sign_in_mixed_up", "This answer is not the one to your sign-in; begin again.")
        await self._same_provider(attempt, answer)
        if answer.error is not None or not answer.code:
            raise Forbidden("sign_in_refused", "The identity provider did not sign you in; begin again.")
        exchange = Exchange(answer.code, attempt.verifier, attempt.nonce)
        try:
            return await self.providers.exchanged(attempt.issuer, self._client(attempt), exchange)
        except TokenRefused as refusal:
            raise Forbidden("sign_in_refused", f"The identity provider's answer is not good. {refusal}") from refusal

    async def _same_provider(self, attempt: Attempt, answer: Answer) -> None:
        """An answer that names its issuer must come from the one that was asked (RFC 9207)."""
        if answer.issuer is None:
            provider = await self.providers.provider(attempt.issuer)
            if not provider.names_itself:
                return
        if answer.issuer != attempt.issuer:
            raise Forbidden("sign_in_mixed_up", "This answer comes from another identity provider; begin again.")

    def _client(self, attempt: Attempt) -> OidcClient:
        secret = self.deployment.client_secrets.get(attempt.client_id)
        return OidcClient(attempt.client_id, f"{self.public_url.rstrip('/')}{attempt.callback}", secret)

    async def provider_sign_out(self, tenant_key: str) -> str | None:
        """Where a person can also end their session at the identity provider."""
        async with self.sessions.untenanted() as session:
            houses = await sign_in.houses(session, self.deployment)
        issuer = next((house.issuer for house in houses if house.key == tenant_key), None)
        if issuer is None or not self.providers.allows(issuer):
            return None
        return (await self.providers.provider(issuer)).end_session_endpoint


def _door(houses: Sequence[House], deployment: Deployment, tenant_key: str | None) -> tuple[str, str, str] | None:
    """Issuer, client and address to come back to. A tenant's own issuer answers at an address of that tenant alone:
    what one provider sends can then never pass for what another was asked.
    """
    if tenant_key is None:
        if deployment.issuer and deployment.client_id:
            return deployment.issuer, deployment.client_id, CALLBACK
        if len(houses) != 1:
            return None
    house = next((one for one in houses if tenant_key in {None, one.key}), None)
    if house is None or house.issuer is None or house.client_id is None:
        raise NotFound("no_sign_in_here", "Nobody signs in by browser under this name; ask your administrator.")
    own = house.auth.issuer is not None
    return house.issuer, house.client_id, f"{CALLBACK}/{house.key}" if own else CALLBACK


async def personas(sessions: Sessions, deployment: Deployment) -> Sequence[Persona]:
    """People of the demo: two of each role in each tenant."""
    found: list[Persona] = []
    async with sessions.untenanted() as session:
        houses = [house for house in await sign_in.houses(session, deployment) if not house.suspended]
    for house in houses:
        async with sessions.tenant(house.id) as session:
            found += [Persona(house.key, house.name, *one) for one in await _holders(session)]
    return found


async def _holders(session: AsyncSession) -> list[tuple[str, str, Role]]:
    place = func.row_number().over(partition_by=RoleAssignment.role, order_by=(Person.created_at, Person.subject))
    holders = (
        select(Person.subject, Person.display_name, RoleAssignment.role, place.label("place"))
        .join(RoleAssignment, RoleAssignment.person_id == Person.id)
        .where(Person.active)
        .subquery()
    )
    rows = await session.execute(select(holders).where(holders.c.place <= PERSONAS_PER_ROLE))
    order = list(Role)
    listed = [(row.subject, row.display_name, Role(row.role)) for row in rows]
    return sorted(listed, key=lambda one: (order.index(one[2]), one[1]))


async def as_persona(
    sessions: Sessions, deployment: Deployment, chosen: tuple[str, str, Role], wanted: Wanted, *, now: datetime
) -> str:
    """The session's cookie of a persona (tenant, subject, role): for the demo's own machine only."""
    tenant_key, subject, role = chosen
    async with sessions.untenanted() as session:
        houses = await sign_in.houses(session, deployment)
    house = next((one for one in houses if one.key == tenant_key and not one.suspended), None)
    if house is None:
        raise NotFound("tenant_unknown", "There is no such tenant.")
    async with sessions.tenant(house.id) as session:
        if await people.identify(session, subject, role, on=now.date()) is None:
            raise NotFound("person_not_found", "Nobody of this name holds this role here.")
        person = (await session.scalars(select(Person).where(Person.subject == subject))).one()
        welcome = Welcome(house, person, {role: None})
        return await console_sessions.begin(session, welcome, secrets.token_urlsafe(24), wanted, now=now)
