"""Who asks: bearer tokens of identity providers or of the demo, with pinned algorithms and every claim required."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import jwt

from api.errors import Unauthenticated
from gateways.identity_provider import IdentityProviders, TokenRefused, loopback, peek
from models.session import Sessions
from rules.access.permissions import Permission, Role
from rules.access.sign_in import texts
from rules.errors import Forbidden
from rules.ids import SchoolId
from services import sign_in
from services.sign_in import Deployment, House, Wanted

ISSUER: Final = "handrail-demo"
AUDIENCE: Final = "handrail-api"
ALGORITHM: Final = "HS256"
KEY_BYTES: Final = 32
LEEWAY_SECONDS: Final = 30
REQUIRED: Final = ("exp", "iat", "sub", "iss", "aud")


@dataclass(frozen=True)
class Claims:
    """What a verified token says: which tenant (its key), which person (their key there), speaking in which role.

    `within` and `scopes` narrow what the role reaches; None narrows nothing.
    """

    tenant_key: str
    person_key: str
    role: Role
    within: frozenset[SchoolId] | None = None
    scopes: frozenset[Permission] | None = None


class TokenVerifier(Protocol):
    """Turns a bearer token into claims, or raises Unauthenticated; `loopback_only` tokens are good on this machine."""

    @property
    def loopback_only(self) -> bool: ...

    async def verify(self, token: str, wanted: Wanted) -> Claims: ...


class DemoTokens:
    """Tokens of the embedded stack, signed with the key it made for itself; for loopback only."""

    loopback_only = True

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the demo key has {len(key)} bytes; it needs at least {KEY_BYTES}")
        self._key = key

    async def verify(self, token: str, wanted: Wanted) -> Claims:
        """The claims of a token that this stack signed and that has not expired."""
        claims = self._read(token)
        if wanted.role not in {None, claims.role} or wanted.tenant_key not in {None, claims.tenant_key}:
            raise Forbidden(
                "token_speaks_otherwise", f"This token speaks for {claims.role} of {claims.tenant_key} only."
            )
        return claims

    def _read(self, token: str) -> Claims:
        try:
            given = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                leeway=LEEWAY_SECONDS,
                options={"require": list(REQUIRED)},
            )
            return Claims(_text(given, "tenant"), _text(given, "sub"), Role(_text(given, "role")))
        except (jwt.PyJWTError, ValueError) as error:
            raise Unauthenticated(
                "token_refused", "The bearer token is not valid here; get a new one and send it again."
            ) from error

    def issue(self, claims: Claims, *, now: datetime, lifetime: timedelta = timedelta(hours=12)) -> str:
        """A signed token for a persona of the demo."""
        return jwt.encode(
            {
                "iss": ISSUER,
                "aud": AUDIENCE,
                "sub": claims.person_key,
                "tenant": claims.tenant_key,
                "role": claims.role.value,
                "iat": now,
                "exp": now + lifetime,
            },
            self._key,
            algorithm=ALGORITHM,
        )


class OidcTokens:
    """Tokens of identity providers: the issuer decides which tenants may be meant, each tenant's settings who it is."""

    loopback_only = False

    def __init__(
        self,
        sessions: Sessions,
        providers: IdentityProviders,
        deployment: Deployment,
        clock: Callable[[], datetime],
    ) -> None:
        self._sessions = sessions
        self._providers = providers
        self._deployment = deployment
        self._clock = clock

    async def verify(self, token: str, wanted: Wanted) -> Claims:
        """The person behind a token that an allowed issuer signed for this API."""
        try:
            claims, fitting = await self._verified(token)
        except TokenRefused as refusal:
            raise Unauthenticated("token_refused", f"The bearer token is not valid here. {refusal}") from refusal
        meant = [house for house in fitting if house.audience in texts(claims["aud"])]
        house = sign_in.house_of(meant, self._deployment, claims, wanted)
        admitted = await sign_in.admit(self._sessions, house, claims, wanted, now=self._clock())
        return Claims(
            admitted.tenant_key, admitted.person_key, admitted.role, within=admitted.within, scopes=admitted.scopes
        )

    async def _verified(self, token: str) -> tuple[Mapping[str, Any], list[House]]:
        issuer = peek(token).get("iss")
        async with self._sessions.untenanted() as session:
            houses = await sign_in.houses(session, self._deployment)
        fitting = [house for house in houses if isinstance(issuer, str) and house.issuer == issuer]
        if not fitting:
            raise TokenRefused("No tenant here takes tokens of its issuer.")
        audiences = sorted({house.audience for house in fitting})
        return await self._providers.verified(str(issuer), token, audiences), fitting


def _text(claims: dict[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"claim {name} is not a text")
    return value


def bearer(headers: Sequence[str]) -> str:
    """The token of exactly one `Authorization: Bearer` header."""
    if len(headers) != 1:
        raise Unauthenticated("token_missing", "Send one Authorization header: Bearer TOKEN.")
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("token_missing", "Send one Authorization header: Bearer TOKEN.")
    return token.strip()


def asked_for(headers: Mapping[str, str], request_id: str) -> Wanted:
    """Which tenant and role the caller names beside the token."""
    return Wanted(headers.get("handrail-tenant"), sign_in.role_named(headers.get("handrail-role")), request_id)


__all__ = [
    "AUDIENCE",
    "ISSUER",
    "Claims",
    "DemoTokens",
    "OidcTokens",
    "TokenVerifier",
    "asked_for",
    "bearer",
    "loopback",
]
