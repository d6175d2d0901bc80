"""Brings a database to the newest schema, as its owner."""

import importlib
import importlib.util


def migrate(owner_url: str) -> None:
    """Run `models.migrate.upgrade`; it is idempotent."""
    if importlib.util.find_spec("models.migrate") is not None:
        importlib.import_module("models.migrate").upgrade(owner_url)
