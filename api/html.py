"""Pages drawn by this process: every value escaped, and a policy that lets run exactly their own style and script."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

FOLDER: Final = Path(__file__).parent / "pages"
PAGES: Final = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)
STYLE: Final = (FOLDER / "style.css").read_text()
SCRIPTS: Final = {"start.html": (FOLDER / "start.js").read_text(), "docs.html": (FOLDER / "docs.js").read_text()}


def hashed(text: str) -> str:
    """How a policy names an inline style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_STRICT: Final = MappingProxyType(
    {
        "default-src": "'none'",
        "style-src": hashed(STYLE),
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
)
_MORE: Final[Mapping[str, Mapping[str, str]]] = {
    "start.html": {"script-src": hashed(SCRIPTS["start.html"]), "connect-src": "'self'"},
    "docs.html": {
        "script-src": f"'self' {hashed(SCRIPTS['docs.html'])}",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
    },
}


def policy(template: str) -> str:
    """What the browser may do on one page; nothing that is not named."""
    return "; ".join(f"{name} {sources}" for name, sources in {**_STRICT, **_MORE.get(template, {})}.items())


def page(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """One page, never kept by a cache."""
    # files of ours, not anybody's input: what stands between the tags must be what was hashed
    own = {"style": Markup(STYLE), "script": Markup(SCRIPTS.get(template, ""))}  # noqa: S704
    text = PAGES.get_template(template).render(**own, **values)
    return HTMLResponse(text, status, {"Content-Security-Policy": policy(template), "Cache-Control": "no-store"})
