"""Codec endpoint for the embedded Temporal UI: loopback only, unguessable path, outside the OpenAPI, demo only.

In production the UI hands over the signed-in person's bearer token instead (issue of sign-in); here the random path is
the secret, and the process refuses to bind anything but loopback.
"""

import asyncio
import hmac
import http.server
import ipaddress
from http import HTTPStatus
from typing import Any

from google.protobuf import json_format
from temporalio.api.common.v1 import Payloads
from temporalio.converter import PayloadCodec

MAX_BODY_BYTES = 8 << 20
HEADERS = "content-type,x-namespace,authorization,caller-type"


class CodecServer(http.server.ThreadingHTTPServer):
    """Serves POST {path}/encode and {path}/decode for one UI origin."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], codec: PayloadCodec, *, path: str, origin: str) -> None:
        if not ipaddress.ip_address(address[0]).is_loopback:
            raise ValueError(f"the codec endpoint binds loopback only, not {address[0]}")
        super().__init__(address, _CodecRequest)
        self.codec = codec
        self.path = path
        self.origin = origin


class _CodecRequest(http.server.BaseHTTPRequestHandler):
    server: CodecServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: the path is the secret."""

    def do_OPTIONS(self) -> None:
        self._answer(HTTPStatus.NO_CONTENT)

    def do_POST(self) -> None:
        base, _, verb = self.path.rpartition("/")
        if not hmac.compare_digest(base, self.server.path) or verb not in {"encode", "decode"}:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            sent = json_format.Parse(self.rfile.read(length), Payloads())
        except json_format.ParseError:
            self._answer(HTTPStatus.BAD_REQUEST)
            return
        convert = self.server.codec.decode if verb == "decode" else self.server.codec.encode
        done = Payloads(payloads=asyncio.run(convert(sent.payloads)))
        self._answer(HTTPStatus.OK, json_format.MessageToJson(done).encode())

    def _answer(self, status: HTTPStatus, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Access-Control-Allow-Origin", self.server.origin)
        self.send_header("Access-Control-Allow-Headers", HEADERS)
        self.send_header("Access-Control-Allow-Credentials", "true")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
