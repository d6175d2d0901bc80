"""Liveness and readiness: /healthz says the process runs, /readyz says which of its needs answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from fastapi import APIRouter, Response, status

Check = Callable[[], Awaitable[object]]
PATIENCE = 4.0
log = structlog.get_logger()


def health_routes(checks: Mapping[str, Check]) -> APIRouter:
    """Make the two routes; outside the API's documents and without sign-in, they name parts and never addresses."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    async def ready(response: Response) -> dict[str, object]:
        outcomes = await asyncio.gather(*(_within_patience(check) for check in checks.values()), return_exceptions=True)
        parts = {name: "ok" if ok is None else "unavailable" for name, ok in zip(checks, outcomes, strict=True)}
        for name, outcome in zip(checks, outcomes, strict=True):
            if outcome is not None:
                log.warning("not_ready", part=name, reason=type(outcome).__name__)
        if "unavailable" in parts.values():
            response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
            response.headers["Retry-After"] = "5"
        response.headers["Cache-Control"] = "no-store"
        return {"status": "unavailable" if response.status_code else "ok", "parts": parts}

    return router


async def _within_patience(check: Check) -> None:
    async with asyncio.timeout(PATIENCE):
        await check()
