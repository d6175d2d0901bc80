"""The audit trail: an index by who acted, so that "what did this person do" is no scan of everybody's entries."""

import psycopg
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("create index ix_audit_entry_actor on audit_entry (tenant_id, actor_id, seq);")


def downgrade() -> None:
    run("drop index ix_audit_entry_actor;")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
