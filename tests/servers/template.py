"""The migrated template database, made once per pytest run; every test module works on a clone of it (about 0.1 s)."""

import contextlib
import secrets
from collections.abc import Iterator

from deploy.local.databases import drop_database, ensure_database
from deploy.local.migrations import migrate
from deploy.local.postgres import Server
from tests.servers.client import locked, run_folder
from tests.servers.kinds import Database, database_of

TEMPLATE = "migrated_template"


def ensure_template(server: Server) -> None:
    with locked(run_folder(), "template"):
        done = run_folder() / "template.done"
        if not done.exists():
            drop_database(server, TEMPLATE)  # half migrated by a test run that was interrupted here
            ensure_database(server, TEMPLATE)
            migrate(server.owner_url(TEMPLATE))
            done.touch()


@contextlib.contextmanager
def cloned(server: Server) -> Iterator[Database]:
    ensure_template(server)
    name = f"test_{secrets.token_hex(6)}"
    with locked(run_folder(), "clone"):  # a template admits one copy at a time
        ensure_database(server, name, TEMPLATE)
    try:
        yield database_of(server, name)
    finally:
        drop_database(server, name)
