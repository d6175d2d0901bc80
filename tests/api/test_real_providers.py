"""Sign-in by browser at identity providers that others wrote, each run as a process of its own."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from gateways.identity_provider import Exchange, OidcClient, TokenRefused
from services.sign_in import Deployment
from tests.api.browser import HOME
from tests.api.console import CLIENT, asked, town
from tests.api.district import District
from tests.api.issuers import AUDIENCE

pytestmark = pytest.mark.servers
PATIENCE = 120.0
OAUTH2_MOCK_SERVER = "oauth2-mock-server@9.3.0"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], issuer: str, log: Path) -> Iterator[str]:
    """A provider until the end; ready when its discovery document is there."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ}) as process:
        try:
            until = time.monotonic() + PATIENCE
            while not answers(issuer):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.1)
            yield issuer
        finally:
            process.terminate()


def answers(issuer: str) -> bool:
    try:
        return httpx.get(f"{issuer}/.well-known/openid-configuration", timeout=5).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def python_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """oidc-provider-mock: it asks who one is by a form, and ignores PKCE."""
    port = free_port()
    claims = '{"sub": "amy", "email": "amy@example.org", "email_verified": true, "groups": ["office"]}'
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port), "--user-claims", claims]
    log = tmp_path_factory.mktemp("provider") / "log"
    with running([*command, "-n", "true"], f"http://127.0.0.1:{port}", log) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def node_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """oauth2-mock-server: it signs everybody in as `johndoe`, and holds them to PKCE."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("Node.js with npm is not here: sign-in at oauth2-mock-server (PKCE) is not proven by this run")
    folder = tmp_path_factory.mktemp("npm")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
    command = ["timeout", str(PATIENCE), *command, OAUTH2_MOCK_SERVER]  # a source that never answers
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"npm cannot install {OAUTH2_MOCK_SERVER} here: PKCE at a real provider is not proven by this run")
    port = free_port()
    script = folder / "node_modules" / "oauth2-mock-server" / "dist" / "oauth2-mock-server.mjs"
    listening = [node, str(script), "-a", "127.0.0.1", "-p", str(port)]
    with running(listening, f"http://localhost:{port}", folder / "log") as issuer:
        yield issuer


def test_a_person_signs_in_at_a_python_provider(district: District, python_provider: str) -> None:
    rules = [{"claim": "groups", "value": "office", "role": "attendance_officer", "schools": ["oak"]}]
    with town(district, [python_provider]) as made:
        made.settle(
            {
                "issuer": python_provider,
                "client_id": CLIENT,
                "roles_from": "claims",
                "provision": True,
                "rules": rules,
            }
        )
        browser = made.browser()
        address = browser.location("/auth/sign-in", params={"tenant": district.ours.key, "next": "/queue"})
        form = httpx.get(address)
        assert form.is_success
        back = httpx.post(address, data={"sub": "amy"})
        assert back.status_code == 302, back.text
        answer = browser.get(back.headers["Location"].removeprefix(HOME))
        assert (answer.status_code, answer.headers["Location"]) == (303, "/queue"), answer.text
        said = browser.get("/auth/session").json()
        assert (said["role"], said["roles"]) == ("attendance_officer", ["attendance_officer"])
        assert [one["name"] for one in browser.get("/api/v1/schools").json()["items"]] == ["Oak School"]
        page = browser.post("/auth/sign-out", data={"csrf": said["csrf_token"]})
        elsewhere = re.search(r'href="(http[^"]+)"', page.text)
        assert elsewhere
        assert elsewhere[1].startswith(python_provider)


def test_who_refuses_at_the_provider_is_not_signed_in(district: District, python_provider: str) -> None:
    with town(district, [python_provider]) as made:
        made.settle({"issuer": python_provider, "client_id": CLIENT})
        browser = made.browser()
        address = browser.location("/auth/sign-in", params={"tenant": district.ours.key})
        back = httpx.post(address, data={"action": "deny"})
        # the provider forgets the state when somebody refuses: nothing says whose sign-in that was
        refusal = urljoin(HOME, back.headers["Location"]).removeprefix(HOME)
        assert browser.get(refusal).status_code in {403, 422}
        assert browser.cookie is None


def test_a_person_signs_in_at_a_node_provider(district: District, node_provider: str) -> None:
    public = Deployment(None, AUDIENCE)  # no secret: a public client, for which PKCE is all there is
    rules = [{"claim": "sub", "value": "johndoe", "role": "school_leader", "schools": ["elm"]}]
    with town(district, [node_provider], public) as made:
        made.settle(
            {"issuer": node_provider, "client_id": CLIENT, "roles_from": "claims", "provision": True, "rules": rules}
        )
        browser = made.browser()
        address = browser.location("/auth/sign-in", params={"tenant": district.ours.key})
        back = httpx.get(address)
        assert back.status_code == 302, back.text
        answer = browser.get(back.headers["Location"].removeprefix(HOME))
        assert answer.status_code == 303, answer.text
        assert browser.get("/auth/session").json()["role"] == "school_leader"
        assert [one["name"] for one in browser.get("/api/v1/schools").json()["items"]] == ["Elm School"]


def test_the_provider_holds_us_to_the_verifier(district: District, node_provider: str) -> None:
    """The control of PKCE: the same code with the right verifier buys a token, with another one it buys nothing."""
    with town(district, [node_provider], Deployment(None, AUDIENCE)) as made:
        providers = made.district.app.state.parts.providers
        client = OidcClient(CLIENT, f"{HOME}/auth/callback/x")

        def bought(verifier: str) -> str:
            provider = district.run(providers.provider(node_provider))
            begun = Exchange("", "v" * 64, "a nonce of this sign-in")
            address = providers.authorization_url(provider, client, "a state", begun)
            code = asked(httpx.get(address).headers["Location"])["code"]
            exchange = Exchange(code, verifier, "a nonce of this sign-in")
            return str(district.run(providers.exchanged(node_provider, client, exchange))["sub"])

        assert bought("v" * 64) == "johndoe"
        with pytest.raises(TokenRefused):
            bought("w" * 64)
