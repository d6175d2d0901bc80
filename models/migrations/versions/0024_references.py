"""An index for every reference to rows that are removed one by one, so that deleting a tenant is no search of tables."""

from pathlib import Path

import psycopg
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

CREATED = Path(__file__).with_name("0024_references.sql").read_text("utf-8")


def upgrade() -> None:
    run(CREATED)


def downgrade() -> None:
    run("".join(f"drop index {line.split()[2]};" for line in CREATED.splitlines()))


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
