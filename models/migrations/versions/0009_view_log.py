"""The view log: which student was shown to whom, one row per student and answer."""

import psycopg
from alembic import op

from models.migrations.protection import allow, append_only, force_tenant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = """
create table student_view (
    tenant_id uuid default nullif(current_setting('app.current_tenant', true), '')::uuid not null,
    id uuid default uuidv7() not null,
    at timestamptz not null,
    actor_id uuid,
    actor_role text not null,
    actor_display text not null,
    request_id text not null,
    operation text not null,
    student_id uuid not null,
    constraint pk_student_view primary key (tenant_id, id),
    constraint fk_student_view_tenant_id foreign key (tenant_id) references tenant (id)
);
create index ix_student_view_student_id on student_view (tenant_id, student_id, id);
"""


def upgrade() -> None:
    run(SCHEMA)
    run(force_tenant("student_view") + allow("student_view", "select, insert") + append_only("student_view"))


def downgrade() -> None:
    run("drop table student_view;")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
