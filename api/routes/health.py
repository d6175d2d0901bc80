"""Whether this process lives, whether its parts answer, and what it counts."""

import asyncio
from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict

from api.dependencies import Parts, Probe

PROBE_SECONDS = 3
router = APIRouter(tags=["service"])


class Health(BaseModel):
    """The process answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Each part by name: ok or failing."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ready": True, "parts": {"database": "ok"}}]})

    ready: bool
    parts: dict[str, Literal["ok", "failing"]]


@router.get("/healthz", operation_id="healthz")
async def healthz() -> Health:
    """The process is alive."""
    return Health()


@router.get("/readyz", operation_id="readyz", responses={503: {"model": Readiness, "description": "A part is down."}})
async def readyz(given: Parts, response: Response) -> Readiness:
    """Whether database, Temporal and storage answer."""
    names = sorted(given.probes)
    states = await asyncio.gather(*(_probe(given.probes[name]) for name in names))
    ready = all(state == "ok" for state in states)
    response.status_code = 200 if ready else 503
    return Readiness(ready=ready, parts=dict(zip(names, states, strict=True)))


async def _probe(probe: Probe) -> Literal["ok", "failing"]:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await probe()
    except Exception:  # noqa: BLE001  # whatever the part raises, it does not answer
        return "failing"
    return "ok"


@router.get("/metrics", operation_id="metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Prometheus text format; ids and routes only."""
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)
