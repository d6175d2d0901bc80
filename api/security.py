"""Who asks: bearer tokens, verified with one pinned algorithm and every claim required."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import jwt

from api.errors import Unauthenticated
from rules.access.permissions import Role

ISSUER: Final = "handrail-demo"
AUDIENCE: Final = "handrail-api"
ALGORITHM: Final = "HS256"
KEY_BYTES: Final = 32
LEEWAY_SECONDS: Final = 30
REQUIRED: Final = ("exp", "iat", "sub", "iss", "aud")


@dataclass(frozen=True)
class Claims:
    """What a verified token says: which tenant (its key), which person (their key there), speaking in which role."""

    tenant_key: str
    person_key: str
    role: Role


class TokenVerifier(Protocol):
    """Turns a bearer token into claims, or raises Unauthenticated; `loopback_only` tokens are good on this machine."""

    @property
    def loopback_only(self) -> bool: ...

    async def verify(self, token: str) -> Claims: ...


class DemoTokens:
    """Tokens of the embedded stack, signed with the key it made for itself; for loopback only."""

    loopback_only = True

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the demo key has {len(key)} bytes; it needs at least {KEY_BYTES}")
        self._key = key

    async def verify(self, token: str) -> Claims:
        """The claims of a token that this stack signed and that has not expired."""
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


def loopback(host: str) -> bool:
    """Whether an address is of this machine only: the demo sign-in answers nowhere else."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
