"""A small identity provider of the tests' own, whose keys they hold: for every token a real one would never sign."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "handrail-api"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@dataclass
class Issuer:
    """Discovery and keys on a port of its own; `down` makes it answer 503, `fetches` counts by path."""

    address: str = ""
    keys: dict[str, Key] = field(default_factory=lambda: {"k1": new_key()})
    fetches: list[str] = field(default_factory=list)
    down: bool = False
    says: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    exchanges: list[dict[str, str]] = field(default_factory=list)

    def claims(self, **changes: Any) -> dict[str, Any]:
        at = int(datetime.now(UTC).timestamp())
        good = {"iss": self.address, "aud": AUDIENCE, "sub": "attendance_officer", "iat": at, "exp": at + 60}
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def token(self, *, key: Key | None = None, headers: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """A token as the provider would sign it; a claim of None is left out."""
        signing = key or self.keys["k1"]
        algorithm = "RS256" if isinstance(signing, rsa.RSAPrivateKey) else "ES256"
        named = {"kid": "k1", **(headers or {})}
        kept = {name: value for name, value in named.items() if value is not None}
        return jwt.encode(self.claims(**changes), signing, algorithm, headers=kept)

    def exchanged(self, sent: dict[str, str]) -> dict[str, Any]:
        """Any code of `codes` buys its ID token, as often as it is shown: a provider to be careful with."""
        self.exchanges.append(sent)
        return {"access_token": "opaque", "token_type": "Bearer", "id_token": self.codes[sent["code"]]}

    def by_hand(self, algorithm: str, signature: bytes = b"") -> str:
        """A token whose header names any algorithm, under any signature."""
        return f"{self.unsigned(algorithm)}.{_b64(signature)}"

    def hmac_with_public_key(self) -> str:
        public = self.keys["k1"].public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return self.by_hand("HS256", hmac.new(pem, self.unsigned("HS256").encode(), hashlib.sha256).digest())

    def unsigned(self, algorithm: str) -> str:
        return (
            f"{_b64(json.dumps({'alg': algorithm, 'kid': 'k1'}).encode())}.{_b64(json.dumps(self.claims()).encode())}"
        )

    def document(self, path: str) -> dict[str, Any]:
        if path.endswith("/jwks"):
            return {"keys": [_public(key, name) for name, key in self.keys.items()]}
        said = {
            "issuer": self.address,
            "jwks_uri": f"{self.address}/jwks",
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
        }
        return said | self.says


def _public(key: Key, name: str) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        shown = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        return {**shown, "kid": name, "use": "sig", "alg": "RS256"}
    return {**jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig"}


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextmanager
def issuing() -> Iterator[Issuer]:
    """The provider, listening until the end."""
    issuer = Issuer()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.fetches.append(self.path)
            body = json.dumps(issuer.document(self.path)).encode()
            self.send_response(503 if issuer.down else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = issuer.exchanged({**dict(parse_qsl(sent)), "authorization": self.headers.get("Authorization", "")})
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        issuer.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield issuer
        server.shutdown()
        thread.join()
