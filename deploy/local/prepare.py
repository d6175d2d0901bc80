"""One step before the product starts: `python -m deploy.local.prepare database|store`, idempotent.

`database` makes roles and database on an embedded server, then migrates; `store` makes the bucket with object lock.
A process of its own, so that the supervisor stays small. Secrets travel in the environment.
"""

import os
import sys
import time
from pathlib import Path

from deploy.local.bucket import store_client, store_ready
from deploy.local.databases import ensure_database, ensure_roles
from deploy.local.migrations import migrate
from deploy.local.postgres import DATABASE, Credentials, Server
from deploy.local.storage import StorePlan
from settings import Settings, secret

PATIENCE = 60.0


def database() -> None:
    """Roles and database only where the server is ours (its superuser's password is given)."""
    superuser = os.environ.get("EMBEDDED_SUPERUSER")
    settings = Settings.load(attach=False).require("database_owner_url")
    if superuser:
        server = Server(
            int(os.environ["EMBEDDED_PORT"]),
            Credentials(superuser, os.environ["EMBEDDED_OWNER"], os.environ["EMBEDDED_APP"]),
        )
        ensure_roles(server)
        ensure_database(server, DATABASE)
    migrate(secret(settings.database_owner_url))


def store() -> None:
    """Wait for the store, make the bucket, write one object."""
    settings = Settings.load(attach=False).require("s3_endpoint", "s3_access_key", "s3_secret_key")
    port = int((settings.s3_endpoint or "").rpartition(":")[2])
    nowhere = Path(os.devnull)
    keys = secret(settings.s3_access_key), secret(settings.s3_secret_key)
    client = store_client(StorePlan(nowhere, nowhere, {"s3": port}, *keys))
    end = time.monotonic() + PATIENCE
    while not store_ready(client, settings.s3_bucket):
        if time.monotonic() > end:
            sys.exit(f"The S3 store at {settings.s3_endpoint} took no object within {PATIENCE:.0f} s.")
        time.sleep(0.05)


if __name__ == "__main__":
    {"database": database, "store": store}[sys.argv[1]]()
