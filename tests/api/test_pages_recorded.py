"""The routes that OpenAPI does not list: each is in the table, and what it changes or shows is seen to be recorded."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from tests.api.test_routes import DOCUMENT, application

ROOT = Path(__file__).resolve().parents[2]
_LINKS: Final = "tests/api/test_pointers.py::test_a_link_leads_to_its_one_thing_after_a_code"
_SESSIONS: Final = "tests/api/test_console_sessions.py"
_SIGN_IN: Final = f"{_SESSIONS}::test_sign_in_and_sign_out_stand_in_the_audit"
# the test that sees the entry of what the page changes, or the disclosure of what it shows; None: it does neither
PAGES: Final[dict[str, str | None]] = {
    "GET /docs": None,
    "GET /auth/sign-in": None,
    "GET /auth/continue": None,
    "GET /auth/callback": _SIGN_IN,
    "GET /auth/callback/{tenant_key}": _SIGN_IN,
    "POST /auth/demo": f"{_SESSIONS}::test_the_demo_lets_anybody_at_this_machine_be_anybody",
    "GET /auth/account": None,
    "POST /auth/role": f"{_SESSIONS}::test_of_several_roles_one_is_chosen_and_the_cookie_changes",
    "POST /auth/sign-out": _SIGN_IN,
    "GET /auth/session": None,
    "GET /g/{token}": None,
    "POST /g/{token}/code": _LINKS,
    "POST /g/{token}/open": _LINKS,
    "GET /g/{token}/item": None,
    "GET /g/{token}/document": _LINKS,
    "POST /g/{token}/leave": _LINKS,
}
LOOKS: Final = {"recorded", "sent_codes", "told", "AuditEntry", "Disclosure"}


def pages(routes: Iterable[Any], before: str = "") -> Iterator[str]:
    """Every route that answers and is not in the OpenAPI document, also of included routers."""
    for route in routes:
        inner = getattr(getattr(route, "original_router", route), "routes", None)
        if isinstance(route, APIRoute):
            path = re.sub(r":[a-z]+}", "}", before + route.path)
            listed = {method.upper() for method in DOCUMENT["paths"].get(path, {})}
            yield from (f"{method} {path}" for method in sorted((route.methods or set()) - listed - {"HEAD"}))
        elif inner is not None:
            yield from pages(inner, before + prefix(route))


def prefix(route: Any) -> str:
    """Where a router was included, as far as its own routes do not say it."""
    context = getattr(route, "include_context", None)
    return str(getattr(context, "prefix", "") or "")


def unlisted(app: FastAPI) -> set[str]:
    return set(pages(app.routes))


def test_every_page_is_in_the_table_and_everything_of_the_table_is_there() -> None:
    assert unlisted(application()) - {"GET /openapi.json"} == set(PAGES)


def test_a_new_page_and_a_new_route_are_seen() -> None:
    """The control: whatever is added is either walked by OpenAPI or missing in the table above."""
    app, later = application(), APIRouter(prefix="/new")
    later.add_api_route("/page", print, methods=["POST"], include_in_schema=False)
    app.include_router(later)
    app.add_api_route("/bare", print, methods=["GET"], include_in_schema=False)
    assert unlisted(app) - unlisted(application()) == {"POST /new/page", "GET /bare"}


@pytest.mark.parametrize(("page", "named"), [(page, named) for page, named in PAGES.items() if named])
def test_the_named_test_asks_for_the_page_and_looks_at_the_trail(page: str, named: str) -> None:
    file, _, name = named.partition("::")
    text = (ROOT / file).read_text()
    functions = [part for part in ast.walk(ast.parse(text)) if isinstance(part, ast.FunctionDef)]
    (found,) = [function for function in functions if function.name == name]
    used = {part.id for part in ast.walk(found) if isinstance(part, ast.Name)}
    assert used & LOOKS, page


def test_what_changes_something_is_never_without_a_test() -> None:
    assert [page for page, named in PAGES.items() if page.startswith("POST") and named is None] == []
