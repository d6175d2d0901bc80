"""What a process writes of itself: JSON lines with ids and codes; never a name, an address, a secret or a token.

Whoever logs passes ids. This is the net below: it covers what libraries say, the words of exceptions above all, which
quote rows, addresses and tokens.
"""

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import Processor

from rules.errors import DomainError

Line = MutableMapping[str, Any]
_NAMED: Final = "cookie|authorization|password|secret|token|api[_-]?key"
_HIDDEN: Final = (
    (re.compile(r"\beyJ[\w-]+\.[\w-]*\.?[\w-]*"), "[token]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 [token]"),
    (re.compile(rf"(?i)((?:{_NAMED})[\"']?\s*[:=]\s*)[^\s,;}}]+"), r"\1[hidden]"),
    (re.compile(r"(?m)^\s*(DETAIL|CONTEXT|HINT|LINE \d+):.*$"), "[detail]"),
    (re.compile(r"\?[^\s\"'<>]+"), "?[query]"),
    (re.compile(r"//[^/\s:@]+:[^/\s@]+@"), "//[hidden]@"),
    (re.compile(r"[\w.+%-]+@[\w-]+(\.[\w-]+)+"), "[address]"),
    (re.compile(r"(?<![\w./-])\+?\d[\d ()-]{8,}\d(?![\w./:-])"), "[number]"),
    (re.compile(r"/(t|g|calendar)/[\w.-]{16,}"), r"/\1/[token]"),
)
CHAIN: Final = 5
# these speak of whole addresses, headers and bodies as soon as somebody turns the level up
TALKATIVE: Final = ("httpx", "httpcore", "python_multipart", "botocore", "boto3", "s3transfer", "urllib3", "authlib")


def configure(level: str, out: TextIO | None = None) -> None:
    """Send every logger of this process, structlog's and the library's, through one formatter to one place."""
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    after: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, faults, scrubbed]
    handler = logging.StreamHandler(out or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before, processors=[*after, structlog.processors.JSONRenderer(ensure_ascii=False)]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # its lines hold whole addresses: searches, codes of sign-in, tokens of links; the API's own line replaces them
    logging.getLogger("uvicorn.access").disabled = True
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def faults(_logger: Any, _method: str, line: Line) -> Line:
    """Of an exception its kind and frames; its words only where they are ours, written to hold no name."""
    given = line.pop("exc_info", None)
    line.pop("stack_info", None)
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else None
    if given is True:
        error = sys.exc_info()[1]
    chain: list[dict[str, Any]] = []
    while error is not None and len(chain) < CHAIN:
        told: dict[str, Any] = {"kind": type(error).__name__, "frames": _frames(error)}
        if isinstance(error, DomainError):
            told |= {"code": error.code, "message": error.message}
        chain.append(told)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if chain:
        line["faults"] = chain
    return line


def _frames(error: BaseException) -> list[str]:
    """Where it happened, without the lines of code or the values in them."""
    return [f"{one.filename}:{one.lineno} {one.name}" for one in traceback.extract_tb(error.__traceback__)]


def scrubbed(_logger: Any, _method: str, line: Line) -> Line:
    """Every text of the line without what must not be read."""
    return {name: _clean(value) for name, value in line.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {str(name): _clean(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(one) for one in value]
    return value if isinstance(value, int | float | bool | None) else hide(str(value))


def hide(text: str) -> str:
    """A text without tokens, addresses, numbers of telephones, queries and the database's quotations."""
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return text
