"""Bring a database to the newest schema, as its owner."""

from pathlib import Path

from alembic import command
from alembic.config import Config


def configuration(url: str | None = None) -> Config:
    """Alembic's configuration without a file; without a URL the environment reads Settings."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    if url:
        config.attributes["url"] = url
    return config


def upgrade(url: str | None = None, revision: str = "head") -> None:
    """Run every migration up to `revision`; already there: nothing happens."""
    command.upgrade(configuration(url), revision)


def downgrade(url: str, revision: str = "base") -> None:
    """Undo migrations down to `revision` (tests and emergencies; data is lost)."""
    command.downgrade(configuration(url), revision)


def check(url: str) -> None:
    """Raise when the declared tables and the database differ."""
    command.check(configuration(url))
