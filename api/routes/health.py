"""Whether this process lives, whether its parts answer, and what it counts."""

import asyncio
from typing import Literal

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict

from api.dependencies import Parts, Probe
from api.errors import RETRY_AFTER_SECONDS

PROBE_SECONDS = 4
log = structlog.get_logger(__name__)
router = APIRouter(tags=["service"])


class Health(BaseModel):
    """The process answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: Literal["ok"] = "ok"


Standing = Literal["ok", "failing"]


class Readiness(BaseModel):
    """The whole and each part by name; never an address."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ready": True, "parts": {"database": "ok"}}]})

    ready: bool
    parts: dict[str, Standing]


@router.get("/healthz", operation_id="healthz")
async def healthz() -> Health:
    """The process is alive."""
    return Health()


@router.get("/readyz", operation_id="readyz", responses={503: {"model": Readiness, "description": "A part is down."}})
async def readyz(given: Parts, response: Response) -> Readiness:
    """Whether database, Temporal and storage answer."""
    names = sorted(given.probes)
    states = await asyncio.gather(*(_probe(name, given.probes[name]) for name in names))
    ready = "failing" not in states
    if not ready:
        response.status_code = 503
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return Readiness(ready=ready, parts=dict(zip(names, states, strict=True)))


async def _probe(name: str, probe: Probe) -> Standing:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await probe()
    except Exception as away:  # noqa: BLE001  # whatever the part raises, it does not answer
        log.warning("not_ready", part=name, reason=type(away).__name__)
        return "failing"
    return "ok"


@router.get("/metrics", operation_id="metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Prometheus text format; ids and routes only."""
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)
