"""What every answer gets, whatever its route: request id, security headers, a count and a duration."""

import asyncio
import re
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter
from typing import Final
from uuid import uuid4

import structlog
from fastapi import HTTPException, Request
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import FRAMEWORK_ERRORS, problem, unexpected

log = structlog.get_logger("api")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_POLICY: Final = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_STATIC: Final = "/static-offline-docs/"


@dataclass(frozen=True)
class Patience:
    """How long a body may take: seconds without any byte, seconds in all, and how fast a long one must come."""

    pause: float = 20.0
    whole: float = 60.0
    bytes_per_second: float = 16 * 1024


PATIENCE: Final = Patience()


class HttpMetrics:
    """Counts and durations by route; ids never become labels."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "handrail_http_requests", "Answers given.", ("method", "route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "handrail_http_request_seconds", "Time to answer.", ("method", "route"), registry=registry
        )


class Edge:
    """ASGI middleware around the whole API."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics, patience: Patience = PATIENCE) -> None:
        self._app = app
        self._metrics = metrics
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        begun = perf_counter()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(scope, message, request_id)
                self._count(scope, message["status"], perf_counter() - begun)
            await send(message)

        if b"%00" in scope["query_string"]:  # no database keeps it, and nobody means it
            await problem(Request(scope), 400, *FRAMEWORK_ERRORS[400])(scope, receive, answer)
            return
        shaped = _OneShape(scope, receive, answer)
        try:
            await self._app(scope, _Hurried(receive, self._patience), shaped)
        except Exception as fault:
            if shaped.begun:
                raise
            # answered here, inside of what adds the headers and counts
            await (await unexpected(Request(scope), fault))(scope, receive, answer)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        # the route's name, never its address: ids of links and searches for names stand there
        told = {"method": scope["method"], "route": route, "status": status, "milliseconds": round(seconds * 1000)}
        log.info("answered", request_id=scope["state"]["request_id"], **told)
        self._metrics.requests.labels(scope["method"], route, str(status)).inc()
        self._metrics.seconds.labels(scope["method"], route).observe(seconds)


class _Hurried:
    """A body that trickles in would hold a worker for as long as its sender likes: 408 instead."""

    def __init__(self, receive: Receive, patience: Patience) -> None:
        self._receive, self._patience = receive, patience
        self._begun: float | None = None
        self._bytes = 0
        self._done = False

    async def __call__(self) -> Message:
        if self._done:  # what comes now is the client's good-bye, which may take its time
            return await self._receive()
        now = asyncio.get_running_loop().time()
        self._begun = now if self._begun is None else self._begun
        ends = self._begun + self._patience.whole + self._bytes / self._patience.bytes_per_second
        try:
            async with asyncio.timeout(max(0.0, min(self._patience.pause, ends - now))):
                message = await self._receive()
        except TimeoutError:
            self._done = True
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, headers={"Connection": "close"}) from None
        self._bytes += len(message.get("body", b""))
        self._done = message["type"] != "http.request" or not message.get("more_body", False)
        return message


class _OneShape:
    """Starlette's body limit answers in plain text before any error handler: give it the shape of the others."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._replaced = False
        self.begun = False

    async def __call__(self, message: Message) -> None:
        self.begun = True
        if self._replaced:
            return
        if message["type"] == "http.response.start" and message["status"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            self._replaced = True
            code, detail = FRAMEWORK_ERRORS[413]
            await problem(Request(self._scope), 413, code, detail)(self._scope, self._receive, self._send)
            return
        await self._send(message)


def _route(scope: Scope) -> str:
    """The route's pattern: a label per pattern, never per id."""
    endpoint = scope.get("endpoint")
    return getattr(endpoint, "__name__", "none") if endpoint else "none"


def _request_id(given: str | None) -> str:
    return given if given and _REQUEST_ID.fullmatch(given) else str(uuid4())


def _add_headers(scope: Scope, message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-Id"] = request_id
    for name, value in _ALWAYS.items():
        headers[name] = value
    headers.setdefault("Content-Security-Policy", _POLICY)
    if not scope["path"].startswith(_STATIC):
        headers.setdefault("Cache-Control", "no-store")
