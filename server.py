"""Composition root of HTTP: reads Settings, connects the parts and mounts the routes on one FastAPI app."""

import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

from fastapi import FastAPI

from api.app import create_app
from api.console import Console
from api.dependencies import ApiDependencies, Probe
from api.security import DemoTokens, OidcTokens, TokenVerifier, loopback
from api.start_page import Link, start_page
from gateways import logs
from gateways.bucket_probe import BucketProbe
from gateways.identity_provider import IdentityProviders
from gateways.keyring import MasterKeyRing
from gateways.mailer import SmtpAddress, SmtpMailer
from gateways.object_store import S3ObjectStore, StoreAddress
from gateways.rate_limits import RateLimits
from gateways.sign_in_attempts import Attempts
from models.health import answers
from models.session import Sessions, engine_for
from orchestration.client import TemporalAddress, connect, temporal_answers
from orchestration.codec import EncryptedPayloads
from orchestration.handles import CaseHandles
from services.audit_keys import sessions_with
from services.means import Means, Sender, Threads
from services.sign_in import Deployment
from settings import Settings, SettingsError, parse_client_secrets, parse_keys, secret, split_issuers

DOCUMENTS = "/docs"
NEEDED = ("database_url", "temporal_address", "payload_keys", "master_keys", "smtp_host")
THREADS = 2


def from_environment() -> FastAPI:
    """Build the app that uvicorn serves: `uvicorn --factory server:from_environment`."""
    settings = Settings.load().require(*NEEDED)
    logs.configure(settings.log_level)
    check_sign_in(settings, sys.argv, os.environ)
    app = create_app(opening=partial(opened, settings))
    app.include_router(start_page(links(settings)))
    return app


def check_sign_in(settings: Settings, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Refuse to start with a sign-in that cannot be safe: the demo's on a network, the real one without an issuer."""
    if settings.auth == "demo":
        settings.require("token_secret")
        host = listening_host(arguments, environment)
        if host is None or not loopback(host):
            raise SettingsError(
                f"HANDRAIL_AUTH=demo lets anybody on the network in as anybody, and this server would listen on"
                f" {host or 'a socket of somebody else'}: bind 127.0.0.1, or set HANDRAIL_AUTH=oidc"
                " (docs/guides/sign-in.md)."
            )
        return
    if not settings.oidc_issuer and not settings.oidc_issuers:
        raise SettingsError(
            "HANDRAIL_AUTH=oidc needs HANDRAIL_OIDC_ISSUER or HANDRAIL_OIDC_ISSUERS (docs/guides/sign-in.md)."
        )
    public = urlsplit(settings.public_url)
    if public.scheme != "https" and not loopback(public.hostname or ""):
        raise SettingsError(
            f"HANDRAIL_PUBLIC_URL={settings.public_url}: people sign in by https, or their cookie and letters are read"
            " on the way; name the https address that they open."
        )


def listening_host(arguments: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """Where uvicorn was told to listen: its option, its variable, its default; None for a socket that it was handed."""
    given = list(arguments)
    if any(one.startswith(("--uds", "--fd")) for one in given) or {"UVICORN_UDS", "UVICORN_FD"} & environment.keys():
        return None
    for at, one in enumerate(given):
        if one == "--host" and at + 1 < len(given):
            return given[at + 1]
        if one.startswith("--host="):
            return one.partition("=")[2]
    return environment.get("UVICORN_HOST", "127.0.0.1")


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[ApiDependencies]:
    """The parts of the API, connected to what the settings name and closed at the end."""
    engine = engine_for(secret(settings.database_url), pool_size=settings.database_pool_size)
    temporal = await connect(temporal_address(settings), payload_codec(settings))  # lazy: it may be away now
    probes: dict[str, Probe] = {
        "database": partial(answers, engine),
        "storage": bucket_probe(settings),
        "temporal": partial(temporal_answers, temporal),
    }
    ring = keyring(settings)
    sessions = sessions_with(engine, ring)
    working = means(settings, sessions, ring)
    providers = identity_providers(settings)
    yield ApiDependencies(
        sessions=sessions,
        tokens=token_verifier(settings, sessions, providers),
        clock=now,
        cases=CaseHandles(temporal),
        means=working,
        probes=probes,
        providers=providers,
        deployment=deployment(settings),
        loopback_webhooks=settings.webhook_loopback,
        operator_tenant=settings.operator_tenant,
        console=Console(settings.public_url, Attempts(list(masters(settings).values())), RateLimits()),
    )
    await providers.close()
    await working.threads.close()
    await engine.dispose()


def now() -> datetime:
    """This process's clock, read here only."""
    return datetime.now(UTC)


def token_verifier(settings: Settings, sessions: Sessions, providers: IdentityProviders) -> TokenVerifier:
    """Whose bearer tokens count here."""
    if settings.auth == "demo":
        return DemoTokens(secret(settings.token_secret).encode())
    return OidcTokens(sessions, providers, deployment(settings), now)


def identity_providers(settings: Settings) -> IdentityProviders:
    """The issuers of this deployment."""
    own = [settings.oidc_issuer] if settings.oidc_issuer else []
    return IdentityProviders([*own, *split_issuers(settings.oidc_issuers)])


def deployment(settings: Settings) -> Deployment:
    """What the settings say of sign-in."""
    hidden = settings.oidc_client_secrets
    return Deployment(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_client_id,
        settings.oidc_tenant_claim,
        parse_client_secrets(hidden) if hidden else {},
    )


def keyring(settings: Settings) -> MasterKeyRing:
    """The master keys; the first wraps."""
    found = masters(settings)
    return MasterKeyRing(found, next(iter(found)))


def masters(settings: Settings) -> dict[str, bytes]:
    """The master keys by name."""
    assert settings.master_keys is not None
    return parse_keys(settings.master_keys)


def means(settings: Settings, sessions: Sessions, ring: MasterKeyRing) -> Means:
    """Store, keys and threads for letters written, read and verified through the API; of mail it sends codes only."""
    access = secret(settings.s3_access_key) if settings.s3_access_key else None
    hidden = secret(settings.s3_secret_key) if settings.s3_secret_key else None
    return Means(
        sessions=sessions,
        store=S3ObjectStore(StoreAddress(settings.s3_bucket, settings.s3_region, settings.s3_endpoint, access, hidden)),
        mailer=SmtpMailer(SmtpAddress(settings.smtp_host or "", settings.smtp_port)),
        keyring=ring,
        threads=Threads(THREADS),
        sender=Sender(settings.smtp_from),
    )


def temporal_address(settings: Settings) -> TemporalAddress:
    api_key = None if settings.temporal_api_key is None else secret(settings.temporal_api_key)
    tls = settings.temporal_tls or api_key is not None
    return TemporalAddress(settings.temporal_address or "", settings.temporal_namespace, tls, api_key)


def payload_codec(settings: Settings) -> EncryptedPayloads:
    """The codec with every configured key; the first encrypts."""
    assert settings.payload_keys is not None
    keys = parse_keys(settings.payload_keys)
    return EncryptedPayloads(keys, next(iter(keys)))


def bucket_probe(settings: Settings) -> BucketProbe:
    access = None if settings.s3_access_key is None else secret(settings.s3_access_key)
    hidden = None if settings.s3_secret_key is None else secret(settings.s3_secret_key)
    return BucketProbe(settings.s3_bucket, settings.s3_region, settings.s3_endpoint, access, hidden)


def links(settings: Settings) -> list[Link]:
    """What the start page offers; only what this installation has."""
    offered = [
        Link("Sign in", "/auth/sign-in?next=/auth/account", "Be somebody; the API then knows this browser."),
        Link("API", DOCUMENTS, "Every route, to read and to try."),
    ]
    if settings.temporal_ui_url:
        offered.append(
            Link(
                "Temporal",
                settings.temporal_ui_url,
                "Every running case as a workflow: what it waits for and what it did.",
            )
        )
    if settings.mail_url:
        offered.append(
            Link(
                "Caught mail",
                settings.mail_url,
                "Letters and invitations that would have been sent; nobody received them.",
            )
        )
    offered.append(Link("Readiness", "/readyz", "Database, Temporal and object store, for a load balancer."))
    return offered
