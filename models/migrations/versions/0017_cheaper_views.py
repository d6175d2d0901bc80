"""The view log: no look-up of the tenant per row (the policy binds it already), and an index by who looked."""

import psycopg
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("alter table student_view drop constraint fk_student_view_tenant_id;")
    run("create index ix_student_view_actor_id on student_view (tenant_id, actor_id, id);")


def downgrade() -> None:
    run("drop index ix_student_view_actor_id;")
    run("""
alter table student_view add constraint fk_student_view_tenant_id foreign key (tenant_id) references tenant (id);
""")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
