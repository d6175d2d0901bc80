"""Webhooks and the way of each event to each of them."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TENANT_COLUMN = "tenant_id uuid default nullif(current_setting('app.current_tenant', true), '')::uuid not null"

SCHEMA = f"""
create table webhook (
    id uuid default uuidv7() not null,
    {TENANT_COLUMN},
    url text not null,
    types jsonb default '[]'::jsonb not null,
    note text,
    status text default 'ACTIVE' not null,
    secret bytea,
    secret_key_id text,
    previous_secret bytea,
    previous_secret_key_id text,
    previous_until timestamptz,
    failures integer default 0 not null,
    resting_until timestamptz,
    created_by uuid,
    removed_at timestamptz,
    created_at timestamptz default now() not null,
    constraint pk_webhook primary key (id),
    constraint ck_webhook_status check (status in ('ACTIVE', 'REMOVED')),
    constraint fk_webhook_tenant_id foreign key (tenant_id) references tenant (id),
    constraint fk_webhook_created_by foreign key (created_by) references person (id)
);

create table webhook_delivery (
    id uuid default uuidv7() not null,
    {TENANT_COLUMN},
    webhook_id uuid not null,
    event_id uuid not null,
    position bigint not null,
    subject text not null,
    type text not null,
    status text default 'PENDING' not null,
    since timestamptz default now() not null,
    attempts integer default 0 not null,
    replays integer default 0 not null,
    next_attempt_at timestamptz,
    last_attempt_at timestamptz,
    last_answer smallint,
    last_error text,
    delivered_at timestamptz,
    created_at timestamptz default now() not null,
    constraint pk_webhook_delivery primary key (id),
    constraint uq_webhook_delivery_tenant_id_webhook_id_position unique (tenant_id, webhook_id, position),
    constraint ck_webhook_delivery_status check (status in ('PENDING', 'DELIVERED', 'DEAD', 'CANCELLED')),
    constraint fk_webhook_delivery_tenant_id foreign key (tenant_id) references tenant (id),
    constraint fk_webhook_delivery_webhook_id foreign key (webhook_id) references webhook (id),
    constraint fk_webhook_delivery_event_id foreign key (event_id) references outbox (id)
);
create index ix_webhook_delivery_subject on webhook_delivery (tenant_id, webhook_id, subject, position)
    where status = 'PENDING';
create index ix_webhook_delivery_pending on webhook_delivery (tenant_id, webhook_id, position)
    where status = 'PENDING';
"""


def upgrade() -> None:
    run(SCHEMA)
    for table in ("webhook", "webhook_delivery"):
        run(force_tenant(table) + allow(table, "select, insert, update"))


def downgrade() -> None:
    run("drop table webhook_delivery; drop table webhook;")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
