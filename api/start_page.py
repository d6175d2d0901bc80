"""The start page at /: where an operator of the embedded stack goes next, and whether all parts answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader

PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True)
# The page asks /readyz of its own origin and nothing else; style and script are.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'"
)


@dataclass(frozen=True)
class Link:
    """One place to open, with a sentence on what it is for."""

    title: str
    address: str
    purpose: str


def start_page(links: Sequence[Link]) -> APIRouter:
    """Make the route; the page is drawn once, its addresses do not change while the process lives."""
    router = APIRouter(include_in_schema=False)
    page = PAGES.get_template("start.html").render(links=links)

    @router.get("/", response_class=HTMLResponse)
    async def show() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})

    return router
