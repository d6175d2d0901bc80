"""Bring the database to the newest schema, as its owner."""

import json
from typing import Annotated

import typer

from models import migrate
from settings import Settings, secret


def command(
    url: Annotated[str | None, typer.Option(help="Owner's address; default HANDRAIL_DATABASE_OWNER_URL.")] = None,
) -> None:
    """Bring the database to the newest schema, as its owner."""
    migrate.upgrade(url or secret(Settings.load().require("database_owner_url").database_owner_url))
    print(json.dumps({"migrated": True}))
