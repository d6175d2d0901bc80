"""Every route at once: named, permitted, documented with examples that are true, and closed to strangers."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import TypeAdapter
from starlette.routing import WebSocketRoute

from api.app import create_app
from api.dependencies import ApiDependencies
from api.schemas import shared
from api.security import DemoTokens
from models.session import Sessions, engine_for
from rules.access.permissions import GRANTS, Permission, Role
from tests.api.district import KEY, NOW, District

SNAPSHOT = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
# nothing is stored by the first two; an import knows the same file by its content, an event its source and id
WITHOUT_KEY = {"simulate_student", "preview_template", "import_register", "receive_events", "export_tenant"}
OUTSIDE = {"/healthz", "/readyz", "/metrics"}


def application() -> FastAPI:
    """The whole API; nothing is connected to make it."""
    sessions = Sessions(engine_for("postgresql+psycopg://nobody@localhost/none"))
    return create_app(ApiDependencies(sessions=sessions, tokens=DemoTokens(KEY), clock=lambda: NOW))


def documented() -> dict[str, Any]:
    """The OpenAPI document."""
    return application().openapi()


DOCUMENT = documented()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        if path in OUTSIDE:
            continue
        for method, operation in methods.items():
            yield method.upper(), path, operation


ALL = list(operations())
IDS = [operation["operationId"] for _, _, operation in ALL]


def sockets(routes: Iterable[Any]) -> list[Any]:
    """Every WebSocket, also of included routers and mounted applications."""
    found: list[Any] = []
    for route in routes:
        inner = getattr(getattr(route, "original_router", route), "routes", None) or ()
        found += [route] if isinstance(route, WebSocketRoute) else sockets(inner)
    return found


def test_there_is_no_web_socket() -> None:
    """OpenAPI lists none, so no walk over the routes would see the first one: it needs a leakage test of its own."""
    app, later = application(), APIRouter()
    assert not sockets(app.routes)
    later.add_api_websocket_route("/ws", print)
    app.include_router(later)
    assert len(sockets(app.routes)) == 1


def test_operation_ids_are_unique() -> None:
    assert len(IDS) == len(set(IDS))


@pytest.mark.parametrize(("method", "path", "operation"), ALL, ids=IDS)
def test_a_route_is_named_permitted_and_documented(method: str, path: str, operation: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z][a-z_]+", operation["operationId"])
    assert operation["x-permission"] in set(Permission)
    assert operation["summary"]
    assert operation["description"]
    assert path.startswith("/api/v1/")
    assert {"401", "403", "404", "409", "422", "503"} <= set(operation["responses"])
    for status, answer in operation["responses"].items():
        if int(status) >= 400:
            assert "application/problem+json" in answer["content"], status
    if method == "POST":
        named = [p["name"] for p in operation.get("parameters", [])]
        assert "Idempotency-Key" in named or operation["operationId"] in WITHOUT_KEY


def bodies(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        for kind, media in holder.get("content", {}).items():
            if kind.endswith("json") and "$ref" in str(media.get("schema")):
                yield media["schema"]


@pytest.mark.parametrize(("method", "path", "operation"), ALL, ids=IDS)
def test_its_bodies_carry_examples(method: str, path: str, operation: dict[str, Any]) -> None:
    for schema in bodies(operation):
        name = schema.get("$ref", "").rsplit("/", 1)[-1]
        assert name, f"{path}: a body without a name"
        if name.startswith("Page_"):
            name = DOCUMENT["components"]["schemas"][name]["properties"]["items"]["items"]["$ref"].rsplit("/", 1)[-1]
        assert DOCUMENT["components"]["schemas"][name].get("examples"), name


def all_bodies(of: type[shared.Body] = shared.Body) -> Iterator[type[shared.Body]]:
    for body in of.__subclasses__():
        yield body
        yield from all_bodies(body)


BODIES = {body.__name__: body for body in all_bodies()}


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_an_example_is_true(body: type[shared.Body]) -> None:
    extra = body.model_config.get("json_schema_extra")
    examples: Any = extra.get("examples", []) if isinstance(extra, dict) else []
    for example in examples:
        TypeAdapter(body).validate_json(json.dumps(example))
    assert body.model_config.get("extra") == "forbid"


@pytest.mark.servers
@pytest.mark.parametrize(("method", "path", "operation"), ALL, ids=IDS)
def test_a_stranger_gets_no_answer(district: District, method: str, path: str, operation: dict[str, Any]) -> None:
    address = re.sub(r"\{[^}]*\}", str(uuid4()), path.removeprefix("/api/v1"))
    answer = district.call(method, address, None, json={})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")


@pytest.mark.servers
@pytest.mark.parametrize(("method", "path", "operation"), ALL, ids=IDS)
def test_a_role_without_the_permission_is_refused(
    district: District, method: str, path: str, operation: dict[str, Any]
) -> None:
    address = re.sub(r"\{[^}]*\}", str(uuid4()), path.removeprefix("/api/v1"))
    without = next(role for role in reversed(Role) if role not in GRANTS[Permission(operation["x-permission"])])
    answer = district.call(method, address, without.value, json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")
    assert operation["x-permission"] in answer.json()["detail"]


def test_the_published_document_is_the_code() -> None:
    written = json.dumps(DOCUMENT, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    assert SNAPSHOT.read_text() == written, "run `python -m tests.api.test_routes`"


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(DOCUMENT, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
