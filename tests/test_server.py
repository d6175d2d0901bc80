"""The server's start: a sign-in that cannot be safe is refused before anything listens."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from server import check_sign_in, listening_host
from settings import Settings, SettingsError

HOME = Path(__file__).parents[1]
KEY = f"k1:{base64.b64encode(bytes(32)).decode()}"
NEEDED = {
    "HANDRAIL_DATABASE_URL": "postgresql://u:p@127.0.0.1:1/d",
    "HANDRAIL_TEMPORAL_ADDRESS": "127.0.0.1:1",
    "HANDRAIL_PAYLOAD_KEYS": KEY,
    "HANDRAIL_MASTER_KEYS": KEY,
    "HANDRAIL_SMTP_HOST": "127.0.0.1",
    "HANDRAIL_TOKEN_SECRET": "a secret of the demo that is long enough",
}


@pytest.mark.parametrize(
    ("arguments", "environment", "host"),
    [
        (["uvicorn"], {}, "127.0.0.1"),
        (["uvicorn", "--host", "0.0.0.0"], {}, "0.0.0.0"),
        (["uvicorn", "--host=::1"], {}, "::1"),
        (["uvicorn"], {"UVICORN_HOST": "10.0.0.5"}, "10.0.0.5"),
        (["uvicorn", "--fd", "3"], {}, None),
        (["uvicorn"], {"UVICORN_UDS": "/run/socket"}, None),
    ],
)
def test_the_address_is_found_where_uvicorn_takes_it(
    arguments: list[str], environment: dict[str, str], host: str | None
) -> None:
    assert listening_host(arguments, environment) == host


def test_the_real_sign_in_needs_an_issuer() -> None:
    with pytest.raises(SettingsError, match="HANDRAIL_OIDC_ISSUER"):
        check_sign_in(Settings.model_construct(auth="oidc", oidc_issuer=None, oidc_issuers=""), [], {})


def test_people_sign_in_by_https_or_on_this_machine() -> None:
    def checked(address: str) -> None:
        issuer = "https://issuer.example.org"
        check_sign_in(Settings.model_construct(auth="oidc", oidc_issuer=issuer, public_url=address), [], {})

    checked("https://handrail.example.org")
    checked("http://127.0.0.1:8000")
    with pytest.raises(SettingsError, match="HANDRAIL_PUBLIC_URL"):
        checked("http://handrail.example.org")


def test_the_demo_refuses_to_start_on_a_network_address(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HANDRAIL_", "UVICORN_"))}
    command = [sys.executable, "-m", "uvicorn", "--factory", "server:from_environment", "--host", "0.0.0.0"]
    ended = subprocess.run(
        [*command, "--port", "0", "--app-dir", str(HOME)],
        cwd=tmp_path,
        env={**kept, **NEEDED},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode != 0
    assert "HANDRAIL_AUTH=demo lets anybody on the network in" in ended.stderr
