"""Every answer carries the headers; bodies are bounded in size and time."""

import asyncio
import re
from typing import Any

import pytest
from starlette.types import Message

from api.app import create_app
from api.edge import Patience
from tests.api.district import District
from tests.api.test_routes import ALL, IDS

pytestmark = pytest.mark.servers
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NOWHERE = "01934f2e-7a00-7000-8000-0000000000a1"


def guarded(headers: Any) -> None:
    assert {name: headers.get(name) for name in ALWAYS} == ALWAYS
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Request-Id"]


@pytest.mark.parametrize(("method", "path", "operation"), ALL, ids=IDS)
def test_every_route_answers_with_the_headers(
    district: District, method: str, path: str, operation: dict[str, Any]
) -> None:
    address = re.sub(r"\{[^}]*\}", NOWHERE, path.removeprefix("/api/v1"))
    guarded(district.call(method, address, None, json={}).headers)
    guarded(district.call(method, address, json={}).headers)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
def test_pages_outside_the_base_carry_them_too(district: District, path: str) -> None:
    answer = district.get(path, None)
    assert answer.status_code == 200
    guarded(answer.headers)


@pytest.mark.parametrize("path", ["/no-such-thing", "/schools/%2e%2e/%2e%2e/etc/passwd", "/students/%00"])
def test_so_do_refusals(district: District, path: str) -> None:
    answer = district.get(path)
    assert answer.status_code in {404, 405, 422}
    guarded(answer.headers)


def trickling(chunks: list[bytes], *, stall: bool) -> Any:
    """A client that sends so much of its body, and then nothing more."""
    left = [*chunks]

    async def receive() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(0), "more_body": True}
        if stall:
            await asyncio.Event().wait()
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b" ", "more_body": True}

    return receive


async def sent(district: District, receive: Any, patience: Patience) -> list[Message]:
    app = create_app(district.app.state.parts, patience=patience)
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    token = district.token("attendance_officer").encode()
    named = {b"authorization": b"Bearer " + token, b"content-type": b"application/json", b"host": b"127.0.0.1"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/api/v1/tasks",
        "raw_path": b"/api/v1/tasks",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [*named.items(), (b"idempotency-key", b"slow-body-1"), (b"transfer-encoding", b"chunked")],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    return said


@pytest.mark.parametrize(
    ("stall", "patience"),
    [(True, Patience(pause=0.05)), (False, Patience(pause=60, whole=0.3, bytes_per_second=1e9))],
    ids=["stops in the middle", "trickles on for ever"],
)
def test_a_slow_body_is_given_up(district: District, *, stall: bool, patience: Patience) -> None:
    said = district.run(sent(district, trickling([b'{"kind":'], stall=stall), patience))
    assert said[0]["status"] == 408
    assert b"body_too_slow" in b"".join(message.get("body", b"") for message in said)
    assert (b"connection", b"close") in said[0]["headers"]


def test_a_body_that_arrives_in_parts_is_taken(district: District) -> None:
    """The control: patience is for the slow, not for the many-parted."""
    body = b'{"kind": "CALL_BACK", "title": "Ring", "due_on": null, "school_id": "%s"}'
    whole = body % str(district.ours.schools["oak"]).encode()
    parts = [whole[at : at + 10] for at in range(0, len(whole), 10)]

    async def receive() -> Message:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)} if parts else await gone()

    async def gone() -> Message:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    said = district.run(sent(district, receive, Patience(pause=60)))
    assert said[0]["status"] in {201, 422}, said
