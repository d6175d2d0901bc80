"""The district of a module with sign-in by browser, at identity providers of the tests or at real ones."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx

from api.console import Console
from api.security import OidcTokens
from gateways.identity_provider import IdentityProviders
from gateways.rate_limits import RateLimits
from gateways.sign_in_attempts import Attempts
from models.tenants import Tenant
from services.sign_in import Deployment
from tests.api.browser import HOME, Browser
from tests.api.district import NOW, District
from tests.api.issuers import AUDIENCE, Issuer
from tests.api.oidc import _settled

CLIENT = "handrail-console"
SECRET = "a secret of the console"


@dataclass
class Town:
    """The district where people sign in by browser, with a clock that tests move."""

    district: District
    now: datetime = NOW
    browsers: int = field(default=0)

    def browser(self, **more: Any) -> Browser:
        """A new window at an address of its own, so that no test counts against another's limit."""
        self.browsers += 1
        return Browser(self.district, **{"address": f"10.7.{self.browsers // 250}.{self.browsers % 250 + 1}", **more})

    def settle(self, auth: Mapping[str, Any], *, theirs: bool = False) -> None:
        """Replace the sign-in part of a tenant's settings."""
        tenancy = self.district.theirs if theirs else self.district.ours
        self.district.run(_settled(self.district, dict(auth), tenancy))


@contextmanager
def town(district: District, allowed: Sequence[str], deployment: Deployment | None = None) -> Iterator[Town]:
    """Sign-in by browser and by bearer, at these issuers."""
    providers = IdentityProviders(list(allowed))
    made = Town(district)
    described = deployment or Deployment(None, AUDIENCE, client_secrets={CLIENT: SECRET})
    before = district.app.state.parts
    district.app.state.parts = replace(
        before,
        tokens=OidcTokens(district.sessions, providers, described, lambda: made.now),
        providers=providers,
        deployment=described,
        console=Console(HOME, Attempts([b"k" * 32]), RateLimits()),
        clock=lambda: made.now,
    )
    settings = district.run(_present(district))
    try:
        yield made
    finally:
        district.app.state.parts = before
        for tenancy, auth in zip((district.ours, district.theirs), settings, strict=True):
            district.run(_settled(district, auth, tenancy))
        district.run(providers.close())


@contextmanager
def settled_town(district: District, issuer: Issuer) -> Iterator[Town]:
    """The same with our tenant's people at this issuer."""
    with town(district, [issuer.address]) as made:
        made.settle({"issuer": issuer.address, "client_id": CLIENT})
        yield made


async def _present(district: District) -> list[dict[str, Any]]:
    async with district.sessions.untenanted() as session:
        rows = [await session.get_one(Tenant, one.id) for one in (district.ours, district.theirs)]
        return [row.settings.get("auth", {}) for row in rows]


def asked(address: str) -> dict[str, str]:
    """What the browser was sent to the provider with."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def answered(issuer: Issuer, sent: Mapping[str, str], **changes: Any) -> str:
    """The provider signs somebody in: the address it sends the browser back to."""
    code = uuid4().hex
    claims = {"aud": sent["client_id"], "nonce": sent["nonce"], "sub": "attendance_officer", **changes}
    issuer.codes[code] = issuer.token(**claims)
    return f"{urlsplit(sent['redirect_uri']).path}?code={code}&state={sent['state']}"


def signed_in(browser: Browser, issuer: Issuer, tenant: str, next_page: str = "/", **changes: Any) -> httpx.Response:
    """From the first click to the session."""
    sent = asked(browser.location("/auth/sign-in", params={"tenant": tenant, "next": next_page}))
    answer = browser.get(answered(issuer, sent, **changes))
    assert answer.status_code == 303, answer.text
    return answer
