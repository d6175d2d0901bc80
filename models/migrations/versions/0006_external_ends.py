"""People from outside hold their role until a day that is written down."""

import psycopg
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Rows without an end opened nothing before either; the owner reaches those of every tenant only while RLS is not forced.
CLOSE = """
alter table role_assignment no force row level security;
update role_assignment set ends_on = coalesce(starts_on, created_at::date) where role = 'external' and ends_on is null;
alter table role_assignment force row level security;
alter table role_assignment add constraint ck_role_assignment_external_ends check (role <> 'external' or ends_on is not null);
"""


def upgrade() -> None:
    run(CLOSE)


def downgrade() -> None:
    run("alter table role_assignment drop constraint ck_role_assignment_external_ends;")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
