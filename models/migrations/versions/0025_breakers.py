"""Breakers: what a school-day's register comes to, days that clear by themselves, and sends counted by the hour."""

import psycopg
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

UP = """
delete from register_arrival;
alter table register_arrival add column students integer not null;
alter table register_arrival add column possible integer not null;
alter table register_arrival add column absent integer not null;
alter table register_arrival add column counts jsonb not null;
alter table breaker drop constraint ck_breaker_status;
alter table breaker add constraint ck_breaker_status check (status in ('OPEN', 'RELEASED', 'CLEARED'));
create index ix_message_attempt_attempted_at on message_attempt (tenant_id, attempted_at);
"""
DOWN = """
drop index ix_message_attempt_attempted_at;
delete from breaker where status = 'CLEARED';
alter table breaker drop constraint ck_breaker_status;
alter table breaker add constraint ck_breaker_status check (status in ('OPEN', 'RELEASED'));
alter table register_arrival drop column counts;
alter table register_arrival drop column absent;
alter table register_arrival drop column possible;
alter table register_arrival drop column students;
"""


def upgrade() -> None:
    run(UP)


def downgrade() -> None:
    run(DOWN)


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
