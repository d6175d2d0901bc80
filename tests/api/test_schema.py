"""Whatever fits the OpenAPI document is sent to every route with every role's token: no fault, nothing undocumented.

`make test` sends a fixed handful per route and role; `make fuzz` sends many, new ones each time.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rules.access.permissions import GRANTS, Permission, Role
from tests.api.district import District
from tests.api.entries import ENTRIES
from tests.api.furnished import Furnished, furnish, templates
from tests.api.test_routes import DOCUMENT

pytestmark = [pytest.mark.servers, pytest.mark.hypothesis, pytest.mark.xdist_group("schema")]
MORE = int(os.environ.get("HANDRAIL_TEST_SCHEMA_EXAMPLES", "0"))  # set by `make fuzz`
AnyCase = Case[Any]
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS: dict[str, Any] = {
    one.ok().definition.raw["operationId"]: one.ok() for one in SCHEMA.get_all_operations() if isinstance(one, Ok)
}
# a part that is not connected here says 503, which the routes document; any other fault is one
UNAVAILABLE = 503
# done by the caller to their own tenant, these would end the test for everybody after them
NOT_TO_US = ("tenant_id",)


@pytest.fixture(scope="module")
def house(district: District) -> Furnished:
    made = district.run(furnish(district, district.ours))
    templates(district, made)
    return made


def permitted(operation: Any) -> list[Role]:
    """Every role, those that get past permission last; service routes are asked by everybody and nobody."""
    named = operation.definition.raw.get("x-permission")
    holders = GRANTS[Permission(named)] if named else frozenset(Role)
    return sorted(Role, key=lambda role: role in holders)


def aimed(case: AnyCase, house: Furnished, *, at_ours: bool) -> dict[str, Any]:
    """The path's ids, every other time those of things that exist."""
    given_path = dict(case.path_parameters or {})
    operation = case.operation.definition.raw["operationId"]
    named = ENTRIES[operation].path if operation in ENTRIES else {}
    if at_ours:
        for name in given_path:
            thing = named.get(name, name)
            if thing in house.things and name not in NOT_TO_US:
                given_path[name] = house.id(thing)
    return given_path


def sent(district: District, house: Furnished, role: Role, case: AnyCase, *, at_ours: bool) -> httpx.Response:
    """One request as the document describes it, by this role."""
    case.path_parameters = aimed(case, house, at_ours=at_ours)
    given_request = case.as_transport_kwargs(base_url="http://127.0.0.1:8000", headers={"User-Agent": "schema"})
    headers = {str(name): str(value) for name, value in dict(given_request["headers"]).items()}
    headers["Authorization"] = f"Bearer {district.token(role.value, role)}"
    if case.method.upper() == "POST":
        headers.setdefault("Idempotency-Key", str(uuid4()))
    body = {name: given_request[name] for name in ("json", "data", "files") if given_request.get(name) is not None}
    if isinstance(body.get("data"), bytes | str):
        body["content"] = body.pop("data")

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=district.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            request = client.build_request(
                case.method, given_request["url"], params=given_request.get("params"), headers=headers, **body
            )
            await request.aread()  # a form is a stream, which the report of a fault could not read again
            return await client.send(request)

    return district.run(asked())


def judged(case: AnyCase, answer: httpx.Response) -> None:
    checks = [one for one in CHECKS if answer.status_code != UNAVAILABLE or one is not not_a_server_error]
    case.validate_response(answer, checks=checks)


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_nothing_that_fits_the_document_finds_a_fault(district: District, house: Furnished, name: str) -> None:
    operation = OPERATIONS[name]
    roles = permitted(operation)
    for number, role in enumerate(roles):
        many = MORE or (3 if role is roles[-1] else 1)
        asked_by(operation, many, partial(sent, district, house, role, at_ours=number % 2 == 1))


def asked_by(operation: Any, many: int, ask: Callable[[AnyCase], httpx.Response]) -> None:
    """So many requests to one route, each answer judged."""

    @settings(
        max_examples=many,
        derandomize=not MORE,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def one(case: AnyCase) -> None:
        judged(case, ask(case))

    one()
