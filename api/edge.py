"""What every answer gets, whatever its route: request id, security headers, a count and a duration."""

import re
from http import HTTPStatus
from time import perf_counter
from typing import Final
from uuid import uuid4

from fastapi import Request
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import FRAMEWORK_ERRORS, problem

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_API_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
_DOCS_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'"
)
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
}


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

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

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

        await self._app(scope, receive, _OneShape(scope, receive, answer))

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        self._metrics.requests.labels(scope["method"], route, str(status)).inc()
        self._metrics.seconds.labels(scope["method"], route).observe(seconds)


class _OneShape:
    """Starlette's body limit answers in plain text before any error handler: give it the shape of the others."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._replaced = False

    async def __call__(self, message: Message) -> None:
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
    path = scope["path"]
    if path.startswith(("/api/", "/openapi.json", "/healthz", "/readyz", "/metrics")):
        headers["Content-Security-Policy"] = _API_POLICY
        headers.setdefault("Cache-Control", "no-store")
    elif path.startswith(("/docs", "/redoc", "/static-offline-docs")):
        headers["Content-Security-Policy"] = _DOCS_POLICY
