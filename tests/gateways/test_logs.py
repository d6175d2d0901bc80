"""What the logs hold: ids and codes, and nothing of what the canaries stand for."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from gateways import logs
from rules.errors import NotFound

CANARIES = {
    "an address": "ann.canary@example.org",
    "a token": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ",
    "a bearer": "Bearer canary-canary-canary",
    "a password of a database": "postgresql://handrail:canarypass@db/handrail",
    "a cookie": "Cookie: __Host-handrail=canarycookie",
    "a query": "GET /students?search=Canaryann HTTP/1.1",
    "a link": "/t/canarycanarycanarycanary",
    "a telephone number": "+44 20 5550 0142",
}
SECRETS = ("canary", "Canary", "5550 0142", "Y2FuYXJ5")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """The stream that this process's logs go to; everything is as before afterwards."""
    root, names = logging.getLogger(), ("uvicorn", "uvicorn.error", "uvicorn.asgi", "uvicorn.access")
    kept, level, settings = root.handlers, root.level, structlog.get_config()
    off = {name: logging.getLogger(name).disabled for name in names}
    out = io.StringIO()
    logs.configure("INFO", out)
    yield out
    root.handlers = kept
    root.setLevel(level)
    structlog.configure(**settings)
    for name, disabled in off.items():
        logging.getLogger(name).disabled = disabled


@pytest.mark.parametrize("text", CANARIES.values(), ids=list(CANARIES))
def test_what_must_not_be_read_is_hidden(written: io.StringIO, text: str) -> None:
    structlog.get_logger("ours").info("said", words=text, nested={"deep": [text]})
    logging.getLogger("theirs").warning("said %s", text)
    said = written.getvalue()
    assert len(said.splitlines()) == 2
    assert not [secret for secret in SECRETS if secret in said]
    assert all(json.loads(line)["level"] in {"info", "warning"} for line in said.splitlines())


@pytest.mark.parametrize(
    "text",
    ["01934f2e-7a00-7000-8000-0000000000a1", "a" * 64, "2026-11-20T09:30:00.000000Z", "students:read", "port 5432"],
)
def test_what_a_reader_needs_stays(written: io.StringIO, text: str) -> None:
    structlog.get_logger("ours").info("said", words=text)
    assert json.loads(written.getvalue())["words"] == text


def fail(error: Exception) -> None:
    raise error


def test_an_exception_keeps_its_kind_and_place_and_loses_its_words(written: io.StringIO) -> None:
    try:
        try:
            fail(ValueError("Key (name)=(Ann Canary) already exists"))
        except ValueError as inner:
            raise RuntimeError("for Ann Canary") from inner
    except RuntimeError:
        logging.getLogger("theirs").exception("it failed")
    line = json.loads(written.getvalue())
    assert [one["kind"] for one in line["faults"]] == ["RuntimeError", "ValueError"]
    assert "test_logs.py" in line["faults"][0]["frames"][0]
    assert "Canary" not in written.getvalue()


def test_an_error_of_ours_keeps_its_words(written: io.StringIO) -> None:
    try:
        fail(NotFound("student_not_found", "There is no student 7 here."))
    except NotFound:
        structlog.get_logger("ours").exception("refused")
    assert json.loads(written.getvalue())["faults"][0]["code"] == "student_not_found"


def test_the_servers_own_access_lines_are_off(written: io.StringIO) -> None:
    logging.getLogger("uvicorn.access").info('127.0.0.1 - "GET /auth/callback?code=canary" 303')
    assert written.getvalue() == ""
