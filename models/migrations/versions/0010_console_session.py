"""Browsers that are signed in to the console."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SCHEMA = """
create table console_session (
    id uuid default uuidv7() not null,
    tenant_id uuid default nullif(current_setting('app.current_tenant', true), '')::uuid not null,
    person_id uuid not null,
    token_hash text not null,
    attempt_hash text not null,
    issuer text,
    role text,
    reach jsonb not null,
    started_at timestamptz not null,
    seen_at timestamptz not null,
    ended_at timestamptz,
    ended_by text,
    created_at timestamptz default now() not null,
    constraint pk_console_session primary key (id),
    constraint uq_console_session_tenant_id_token_hash unique (tenant_id, token_hash),
    constraint uq_console_session_tenant_id_attempt_hash unique (tenant_id, attempt_hash),
    constraint ck_console_session_ended_by check (ended_by in ('SIGN_OUT', 'ROTATED', 'IDLE', 'EXPIRED', 'RELEASED')),
    constraint ck_console_session_ended_for_a_reason check ((ended_at is null) = (ended_by is null)),
    constraint fk_console_session_tenant_id foreign key (tenant_id) references tenant (id),
    constraint fk_console_session_person_id foreign key (person_id) references person (id)
);
create index ix_console_session_person_id on console_session (tenant_id, person_id);
"""


def upgrade() -> None:
    run(SCHEMA)
    run(force_tenant("console_session") + allow("console_session", "select, insert, update, delete"))


def downgrade() -> None:
    run("drop table console_session;")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
