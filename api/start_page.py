"""The start page at /: where an operator of the embedded stack goes next, and whether all parts answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.html import page


@dataclass(frozen=True)
class Link:
    """One place to open, with a sentence on what it is for."""

    title: str
    address: str
    purpose: str


def start_page(links: Sequence[Link]) -> APIRouter:
    """Make the route; the page asks /readyz of its own origin and nothing else."""
    router = APIRouter(include_in_schema=False)

    @router.get("/", response_class=HTMLResponse)
    async def show() -> HTMLResponse:
        return page("start.html", links=links)

    return router
