"""Routes that answer with pages: a refusal is a page that says what to do, and a form is a few short fields."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from api.errors import RETRY_AFTER_SECONDS, TooMany
from api.html import page
from api.start_page import Link
from rules.errors import DomainError, Invalid, Unavailable

log = structlog.get_logger(__name__)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
FIELDS: Final = 6


class PageRoute(APIRoute):
    """A refusal is a page that says what to do, not a problem document; `links` is where it leads."""

    links: ClassVar[tuple[Link, ...]] = ()
    template: ClassVar[str] = "message.html"

    def get_route_handler(self) -> Handler:
        original = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await original(request)
            except DomainError as refusal:
                return self._refused(request, refusal)
            except RequestValidationError:
                incomplete = Invalid("invalid_request", "This address is not complete; begin again.")
                return self._refused(request, incomplete)

        return handler

    def _refused(self, request: Request, refusal: DomainError) -> Response:
        request_id = request.state.request_id
        log.info("page_refused", code=refusal.code, request_id=request_id)
        answer = page(
            self.template,
            status=refusal.status,
            title="That did not work",
            detail=refusal.message,
            links=list(self.links),
            request_id=request_id,
        )
        if isinstance(refusal, TooMany | Unavailable):
            wait = refusal.wait if isinstance(refusal, TooMany) else RETRY_AFTER_SECONDS
            answer.headers["Retry-After"] = str(wait)
        return answer


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of a form, files left out."""
    async with request.form(max_files=0, max_fields=FIELDS) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}
