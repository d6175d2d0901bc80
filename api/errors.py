"""One answer shape for everything that goes wrong: RFC 9457 problem+json with a stable code and what to do."""

import traceback
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from models.refusals import RefusedRow, dangling
from rules.errors import DomainError, Unavailable

log = structlog.get_logger(__name__)
MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 5


class PreconditionFailed(DomainError):
    """Somebody changed the thing after the caller read it (412)."""

    status = 412


class PreconditionRequired(DomainError):
    """The edit must say which state it rests on (428)."""

    status = 428


class Unauthenticated(DomainError):
    """No token, or one that cannot be trusted (401)."""

    status = 401


class TooMany(DomainError):
    """The caller knocks too often (429); `wait` says when to come back."""

    status = 429

    def __init__(self, wait: int) -> None:
        super().__init__("too_many", f"Too many requests from your address; come back in {wait} seconds.")
        self.wait = wait


class Problem(BaseModel):
    """What every error looks like."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:handrail:problem:stale_proposal",
                    "title": "Conflict",
                    "status": 409,
                    "code": "stale_proposal",
                    "detail": "The proposal has changed since you looked; read the current one, then decide.",
                    "fields": {},
                    "request_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
                }
            ]
        },
    )

    type: str = Field(description="A stable name of the kind of problem.")
    title: str
    status: int
    code: str = Field(description="Stable; safe to branch on.")
    detail: str = Field(description="What happened, which id, and what to do.")
    fields: dict[str, str] = Field(description="Each failing place of the input, and what is wrong there.")
    request_id: str | None = None


_RESERVED = frozenset({*Problem.model_fields, "instance", "headers", "request"})


def problem(request: Request, status: int, code: str, detail: str, **members: Any) -> JSONResponse:
    """The response of a problem; `members` are further members such as the current proposal."""
    headers = members.pop("headers", None)
    body = {
        "type": f"urn:handrail:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "fields": members.pop("fields", {}),
        "request_id": getattr(request.state, "request_id", None),
        **members,
    }
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _headers(error: DomainError) -> dict[str, str] | None:
    if isinstance(error, Unavailable):
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    if isinstance(error, TooMany):
        return {"Retry-After": str(error.wait)}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    return None


async def domain_error(request: Request, error: Exception) -> JSONResponse:
    """A DomainError carries its own status, code, fields and present state."""
    assert isinstance(error, DomainError)
    extra = {f"present_{key}" if key in _RESERVED else key: _plain(value) for key, value in error.extra.items()}
    return problem(
        request, error.status, error.code, error.message, fields=error.fields, headers=_headers(error), **extra
    )


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def failing_fields(errors: Sequence[Any]) -> dict[str, str]:
    """`body.reason: Field required`: the place and the message, never the value sent (it may hold a name)."""
    return {".".join(str(part) for part in error["loc"]): str(error["msg"]) for error in errors}


async def invalid_request(request: Request, error: Exception) -> JSONResponse:
    """Input of the wrong shape: 422 with every failing place; JSON that cannot be read at all: 400."""
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if any(one["type"] == "json_invalid" for one in errors):
        return problem(
            request, 400, "malformed_json", "The body is not JSON; send a JSON object.", fields=failing_fields(errors)
        )
    detail = "The request does not have the documented shape; correct the fields named and send it again."
    return problem(request, 422, "invalid_request", detail, fields=failing_fields(errors))


FRAMEWORK_ERRORS: Final = {
    400: ("malformed_request", "The request cannot be read; compare it with /docs."),
    404: ("no_such_address", "There is nothing at this address; the addresses are listed at /docs."),
    405: ("method_not_allowed", "This address does not take this method; the Allow header names those it does."),
    408: ("body_too_slow", "The body did not arrive in time; send it again, faster or in smaller parts."),
    413: ("body_too_large", "The body is larger than this address accepts; send less, or use an import."),
}


async def http_error(request: Request, error: Exception) -> JSONResponse:
    """Errors of the framework, such as an unknown address or method, in the same shape."""
    assert isinstance(error, HTTPException)
    code, detail = FRAMEWORK_ERRORS.get(error.status_code, ("http_error", str(error.detail)))
    return problem(request, error.status_code, code, detail, headers=dict(error.headers or {}))


async def unknown_reference(request: Request, error: Exception) -> JSONResponse:
    """An id in the body that names nothing of this tenant: the database refused the row, so nothing was written."""
    assert isinstance(error, RefusedRow)
    named = dangling(error)
    if named is None:
        return await unexpected(request, error)
    column, table = named
    detail = "An id in the body names nothing here; nothing was changed. Look it up, then send the call again."
    return problem(request, 422, "unknown_reference", detail, fields={f"body.{column}": f"names no {table} here"})


async def unexpected(request: Request, error: Exception) -> JSONResponse:
    """A fault of ours: answered without detail; the request id joins answer and log.

    The log gets the kind and the frames, never the message or values: a driver's message quotes the row.
    """
    log.error(
        "request_failed",
        request_id=getattr(request.state, "request_id", None),
        error=type(error).__name__,
        frames=traceback.format_tb(error.__traceback__),
    )
    detail = "Something failed on our side; try again with the same Idempotency-Key and give the request id to support."
    return problem(request, 500, "internal_error", detail)


def install(app: FastAPI) -> None:
    """Map every error once; what is nobody's fault but ours is answered at the edge."""
    app.add_exception_handler(DomainError, domain_error)
    app.add_exception_handler(RequestValidationError, invalid_request)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RefusedRow, unknown_reference)
