"""The API as one FastAPI application, made from the parts that the composition root hands in."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry

from api import errors
from api.dependencies import ApiDependencies
from api.edge import PATIENCE, Edge, HttpMetrics, Patience
from api.html import page
from api.routes import ROUTERS, health, sign_in, visits

BASE: Final = "/api/v1"
BODY_BYTES: Final = 1024 * 1024
PAGE_BYTES: Final = 64 * 1024
DESCRIPTION: Final = """Handrail walks students up a ladder of help, with a person approving every step that matters.

Errors are problem+json with a stable `code`. Calls that create or decide take an `Idempotency-Key`;
edits take `If-Match`. Lists come in pages: send `next_cursor` back as `cursor`."""


Opening = Callable[[], AbstractAsyncContextManager[ApiDependencies]]


def create_app(
    parts: ApiDependencies | None = None, *, opening: Opening | None = None, patience: Patience = PATIENCE
) -> FastAPI:
    """All routes of the API, with parts that are ready, or that `opening` makes at start-up and closes at the end.

    The documents are served from this process, without any other host.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if opening is None:
            yield
            return
        async with opening() as opened:
            app.state.parts = opened
            yield

    app = FastAPIOffline(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        title="Handrail",
        version="1",
        description=DESCRIPTION,
        openapi_tags=[{"name": name, "description": text} for name, text in TAGS.items()],
    )
    app.state.parts = parts
    app.state.metrics = CollectorRegistry()
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router, prefix=BASE, max_body_size=BODY_BYTES)
    app.include_router(health.router)
    app.add_api_route("/docs", documents, include_in_schema=False, response_class=HTMLResponse)
    app.include_router(sign_in.router, max_body_size=PAGE_BYTES)
    app.include_router(visits.router, max_body_size=PAGE_BYTES)
    app.add_middleware(Edge, metrics=HttpMetrics(app.state.metrics), patience=patience)
    return app


async def documents() -> HTMLResponse:
    """Every route, to read and to try."""
    return page("docs.html")


TAGS: Final[dict[str, Any]] = {
    "ladder": "The queue and one student's walk up the ladder.",
    "cases": "Cases, tasks, contact stops, exemptions and the sending switch.",
    "rules": "Rule sets, their approval, and what-if for one student.",
    "attendance": "Imports, marks, corrections, summaries, code maps.",
    "people": "Schools, calendars, students, guardians.",
    "letters": "Letter templates and stored letters.",
    "meetings": "Meetings and free slots.",
    "events": "The event feed, webhooks, and events that other systems send.",
    "governance": "Audit, disclosures, amendment requests, incidents, tenants and their settings.",
    "service": "Health, readiness, metrics.",
}
