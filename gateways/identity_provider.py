"""Identity providers by OpenID Connect: discovery, signing keys, the code exchange, and what makes a token good.

Only issuers that the deployment allows are ever asked: an address out of a token or out of a tenant's settings alone
makes this process fetch nothing.
"""

import asyncio
import ipaddress
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
import jwt
from authlib.common.errors import AuthlibBaseError

from rules.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

T = TypeVar("T")
ALGORITHMS: Final = ("RS256", "ES256")
LEEWAY_SECONDS: Final = 30
REQUIRED: Final = ("exp", "iat", "sub", "iss", "aud")
KEYS_SECONDS: Final = 300.0
DISCOVERY_SECONDS: Final = 3600.0
# A provider that failed is left alone for a moment: its outage must not become a queue of waiting requests
COOL_DOWN_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 5.0
LONGEST_KEY_ID: Final = 300
LONGEST_TOKEN: Final = 16_384


class TokenRefused(Exception):
    """A token that cannot be trusted; the message says why, for whoever sent it."""


@dataclass(frozen=True)
class Provider:
    """What the discovery document of an issuer said."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str | None
    names_itself: bool = False  # its answers carry `iss` (RFC 9207)


@dataclass(frozen=True)
class OidcClient:
    """This deployment, or one tenant of it, as the identity provider knows it; without a secret it is public."""

    client_id: str
    redirect_uri: str
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Exchange:
    """A code that came back from the provider, and what must go with it."""

    code: str
    code_verifier: str
    nonce: str


@dataclass
class _Known:
    """What is remembered of one issuer."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    provider: Provider | None = None
    keys: jwt.PyJWKClient | None = None
    discovered_at: float = 0.0
    failed_at: float | None = None


def loopback(host: str) -> bool:
    """Whether an address is of this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def peek(token: str) -> Mapping[str, Any]:
    """What an unverified token claims: good only for finding the issuer to ask."""
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused("It is longer than any token of an identity provider.")
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError) as wrong:
        raise TokenRefused("It is not a JSON web token.") from wrong
    return claims


class IdentityProviders:
    """The issuers this deployment allows: exact addresses, or patterns in which `*` stands for one part of a path."""

    def __init__(self, allowed: Sequence[str]) -> None:
        for pattern in allowed:
            if "*" in urlsplit(pattern).netloc:
                raise Invalid("issuer_pattern", f"The host of the issuer {pattern} must be written out.")
        self._allowed = tuple(allowed)
        self._known: dict[str, _Known] = {}
        # PyJWKClient fetches synchronously: in threads of its own, so that a slow provider blocks nobody else
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="signing-keys")

    def allows(self, issuer: str) -> bool:
        """Whether this issuer may be asked: on the list, and by https unless it runs on this machine."""
        if not _safe(issuer):
            return False
        return any(
            pattern.count("/") == issuer.count("/") and fnmatchcase(issuer, pattern.replace("[", "[[]"))
            for pattern in self._allowed
        )

    async def provider(self, issuer: str) -> Provider:
        """The issuer's endpoints; Unavailable while they cannot be had."""
        known = await self._of(issuer)
        assert known.provider is not None
        return known.provider

    async def verified(self, issuer: str, token: str, audiences: Sequence[str]) -> Mapping[str, Any]:
        """The claims of a token that this issuer signed for one of these audiences and that is in force now."""
        header = _header(token)
        if not header.get("kid"):
            raise TokenRefused("It names no signing key.")
        return await self._signed(issuer, token, header, audiences)

    async def _signed(
        self, issuer: str, token: str, header: Mapping[str, Any], audiences: Sequence[str]
    ) -> Mapping[str, Any]:
        if header.get("alg") not in ALGORITHMS:
            raise TokenRefused(f"It must be signed by {' or '.join(ALGORITHMS)}.")
        key_id = header.get("kid", "")
        if not isinstance(key_id, str) or len(key_id) > LONGEST_KEY_ID:
            raise TokenRefused("It names no signing key.")
        key = await self._key(issuer, key_id)
        if key.algorithm_name != header["alg"]:
            raise TokenRefused("Its signing key is for another algorithm.")
        return _decoded(token, key, issuer, audiences)

    def authorization_url(self, provider: Provider, client: OidcClient, state: str, exchange: Exchange) -> str:
        """Where the browser goes to sign in; the code in `exchange` is still to come."""
        asking = _oauth_client()(
            client.client_id,
            scope="openid profile email",
            redirect_uri=client.redirect_uri,
            code_challenge_method="S256",
        )
        url, _ = asking.create_authorization_url(
            provider.authorization_endpoint, state=state, code_verifier=exchange.code_verifier, nonce=exchange.nonce
        )
        return str(url)

    async def exchanged(self, issuer: str, client: OidcClient, exchange: Exchange) -> Mapping[str, Any]:
        """The verified claims of the ID token that a code buys."""
        provider = await self.provider(issuer)
        async with _oauth_client()(
            client.client_id,
            client.secret,
            token_endpoint_auth_method="client_secret_basic" if client.secret else "none",
            redirect_uri=client.redirect_uri,
            timeout=PATIENCE_SECONDS,
        ) as asking:
            try:
                answer = await asking.fetch_token(
                    provider.token_endpoint,
                    grant_type="authorization_code",
                    code=exchange.code,
                    code_verifier=exchange.code_verifier,
                )
            except (httpx.HTTPError, ValueError) as away:
                raise _away(issuer) from away
            except AuthlibBaseError as refusal:
                raise TokenRefused("The identity provider did not take the code; sign in again.") from refusal
        # straight from the token endpoint: an issuer with a single key need not name it here (OpenID Connect 10.1)
        token = str(answer.get("id_token", ""))
        claims = await self._signed(issuer, token, _header(token), [client.client_id])
        if claims.get("nonce") != exchange.nonce:
            raise TokenRefused("It answers another sign-in.")
        if claims.get("azp", client.client_id) != client.client_id:
            raise TokenRefused("It was made for another client.")
        return claims

    async def close(self) -> None:
        """Let running fetches finish."""
        await asyncio.to_thread(self._threads.shutdown)

    async def _key(self, issuer: str, key_id: str) -> jwt.PyJWK:
        known = await self._of(issuer)
        assert known.keys is not None
        keys = known.keys
        try:
            return await self._fetched(lambda: keys.get_signing_key(key_id) if key_id else _only(keys))
        except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError, ValueError) as away:
            known.failed_at = time.monotonic()
            raise _away(issuer) from away
        except jwt.PyJWTError as unknown:
            raise TokenRefused(
                "Its signing key is not one of the issuer's; a key made just now needs half a minute."
            ) from unknown

    async def _fetched(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def _of(self, issuer: str) -> _Known:
        if not self.allows(issuer):
            raise TokenRefused("Its issuer is not one that this deployment trusts.")
        known = self._known.setdefault(issuer, _Known())
        if known.failed_at is not None and time.monotonic() - known.failed_at < COOL_DOWN_SECONDS:
            raise _away(issuer)
        if known.provider is not None and time.monotonic() - known.discovered_at < DISCOVERY_SECONDS:
            return known
        async with known.lock:
            if known.provider is None or time.monotonic() - known.discovered_at >= DISCOVERY_SECONDS:
                await self._discover(issuer, known)
        return known

    async def _discover(self, issuer: str, known: _Known) -> None:
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as asking:
                answer = await asking.get(address)
                answer.raise_for_status()
                provider = _provider(issuer, answer.json())
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as away:
            if known.provider is not None:  # endpoints hardly ever move: go on with what was true an hour ago
                known.discovered_at = time.monotonic()
                return
            known.failed_at = time.monotonic()
            raise _away(issuer) from away
        known.discovered_at, known.failed_at = time.monotonic(), None
        if known.provider is None or known.provider.jwks_uri != provider.jwks_uri:
            known.keys = jwt.PyJWKClient(provider.jwks_uri, lifespan=KEYS_SECONDS, timeout=PATIENCE_SECONDS)
        known.provider = provider


def _header(token: str) -> Mapping[str, Any]:
    try:
        header: dict[str, Any] = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError) as wrong:
        raise TokenRefused("It is not a JSON web token.") from wrong
    return header


def _only(keys: jwt.PyJWKClient) -> jwt.PyJWK:
    found = keys.get_signing_keys()
    if len(found) != 1:
        raise jwt.PyJWKClientError("several keys, and the token names none")
    return found[0]


def _provider(issuer: str, said: Mapping[str, Any]) -> Provider:
    if said["issuer"] != issuer:
        raise ValueError("the document is of another issuer")
    found = Provider(
        issuer,
        said["jwks_uri"],
        said["authorization_endpoint"],
        said["token_endpoint"],
        said.get("end_session_endpoint"),
        said.get("authorization_response_iss_parameter_supported") is True,
    )
    optional = [found.end_session_endpoint] if found.end_session_endpoint is not None else []
    for address in (found.jwks_uri, found.authorization_endpoint, found.token_endpoint, *optional):
        if not isinstance(address, str) or not _safe(address):
            raise ValueError("an endpoint is not reached by https")
    return found


def _decoded(token: str, key: jwt.PyJWK, issuer: str, audiences: Sequence[str]) -> Mapping[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            issuer=issuer,
            audience=list(audiences),
            leeway=LEEWAY_SECONDS,
            options={"require": list(REQUIRED)},
        )
    except jwt.ExpiredSignatureError as late:
        raise TokenRefused("It has expired.") from late
    except (jwt.PyJWTError, ValueError, TypeError) as wrong:
        raise TokenRefused("Its signature, times, issuer or audience are not as they must be.") from wrong
    if not claims["sub"]:
        raise TokenRefused("It names nobody.")
    return claims


def _safe(address: str) -> bool:
    parts = urlsplit(address)
    local = parts.scheme == "http" and loopback(parts.hostname or "")
    return (parts.scheme == "https" and bool(parts.hostname)) or local


def _oauth_client() -> type["AsyncOAuth2Client"]:
    """Loaded when somebody signs in: a stack without an identity provider has no use for it."""
    found: type[AsyncOAuth2Client] = import_module("gateways.oauth_client").AsyncOAuth2Client
    return found


def _away(issuer: str) -> Unavailable:
    host = urlsplit(issuer).hostname
    return Unavailable("identity_provider_unavailable", f"The identity provider {host} does not answer; try again.")
