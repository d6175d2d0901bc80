"""Pages drawn by this process: every value escaped, and a policy that lets run exactly their own style and script."""

import base64
import hashlib
from pathlib import Path
from typing import Any, Final

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

FOLDER: Final = Path(__file__).parent / "pages"
STYLE: Final = (FOLDER / "style.css").read_text()
SCRIPT: Final = (FOLDER / "start.js").read_text()
PAGES: Final = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)
# files of ours, not anybody's input: what stands between the tags must be what was hashed
PAGES.globals.update(style=Markup(STYLE), script=Markup(SCRIPT))  # noqa: S704


def hashed(text: str) -> str:
    """How a policy names an inline style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY: Final = (
    f"default-src 'none'; style-src {hashed(STYLE)}; script-src {hashed(SCRIPT)}; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def page(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """One page, never kept by a cache."""
    text = PAGES.get_template(template).render(**values)
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(text, status, headers)
