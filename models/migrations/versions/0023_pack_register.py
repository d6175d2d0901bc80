"""Evidence packs: what the register said of the sessions they tell of, so that a later import is seen to change it."""

import psycopg
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("""
        alter table evidence_pack
            add column register_until text,
            add column register_digest text,
            add column register_moved_at timestamptz;
    """)


def downgrade() -> None:
    run("""
        alter table evidence_pack
            drop column register_until, drop column register_digest, drop column register_moved_at;
    """)


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
