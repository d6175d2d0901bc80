"""How far a tenant's events were carried to Kafka."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SCHEMA = """
create table event_cursor (
    tenant_id uuid default nullif(current_setting('app.current_tenant', true), '')::uuid not null,
    name text not null,
    position bigint default 0 not null,
    leased_by uuid,
    leased_until timestamptz,
    constraint pk_event_cursor primary key (tenant_id, name),
    constraint fk_event_cursor_tenant_id foreign key (tenant_id) references tenant (id)
);
"""


def upgrade() -> None:
    run(SCHEMA + force_tenant("event_cursor") + allow("event_cursor", "select, insert, update"))


def downgrade() -> None:
    run("drop table event_cursor;")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
