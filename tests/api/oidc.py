"""The district of a module, signing in by OpenID Connect; `ours` and `theirs` each trust an issuer of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx

from api.security import OidcTokens
from gateways.identity_provider import IdentityProviders
from models.tenants import Tenant
from services.sign_in import Deployment
from tests.api.district import NOW, District, Tenancy
from tests.api.issuers import AUDIENCE, Issuer

CLIENT = "handrail-console"


@dataclass
class Signing:
    """The district, its issuers, and what tests do with them."""

    district: District
    ours: Issuer
    theirs: Issuer
    providers: IdentityProviders

    def ask(self, token: str | None, path: str = "/schools", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = named if token is None else {"Authorization": f"Bearer {token}", **named}
        return self.district.get(path, None, headers=sent)

    def settle(self, auth: dict[str, Any], tenancy: Tenancy | None = None) -> None:
        """Replace the sign-in part of a tenant's settings."""
        self.district.run(_settled(self.district, auth, tenancy or self.district.ours))


async def _settled(district: District, auth: dict[str, Any], tenancy: Tenancy) -> None:
    async with district.sessions.untenanted() as session:
        tenant = await session.get_one(Tenant, tenancy.id)
        tenant.settings = {**tenant.settings, "auth": auth}


@contextmanager
def signing(district: District, ours: Issuer, theirs: Issuer, shared: Issuer) -> Iterator[Signing]:
    """Both tenants by their own issuer; a third, `shared`, is the deployment's."""
    providers = IdentityProviders([shared.address, ours.address, theirs.address])
    deployment = Deployment(shared.address, AUDIENCE, CLIENT)
    tokens = OidcTokens(district.sessions, providers, deployment, lambda: NOW)
    before = district.app.state.parts
    district.app.state.parts = replace(before, tokens=tokens)
    made = Signing(district, ours, theirs, providers)
    made.settle({"issuer": ours.address})
    made.settle({"issuer": theirs.address}, district.theirs)
    try:
        yield made
    finally:
        district.app.state.parts = before
        district.run(providers.close())


def fresh() -> str:
    return f"person-{uuid4().hex[:8]}"


__all__ = ["CLIENT", "Signing", "fresh", "signing"]
