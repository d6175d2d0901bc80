"""Where a process of the tests logs to, set up as the server and the worker do it, at its most talkative."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from gateways import logs

Written = io.StringIO
LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.asgi", "uvicorn.access")


@contextmanager
def logged() -> Iterator[Written]:
    """Everything that is logged meanwhile; afterwards the loggers are as they were."""
    root = logging.getLogger()
    kept, level, settings = root.handlers, root.level, structlog.get_config()
    off = {name: logging.getLogger(name).disabled for name in LOGGERS}
    out = Written()
    logs.configure("DEBUG", out)
    try:
        yield out
    finally:
        root.handlers = kept
        root.setLevel(level)
        structlog.configure(**settings)
        for name, disabled in off.items():
            logging.getLogger(name).disabled = disabled
