"""The witness of restores, what a restore holds, and the state of a walk, from which a lost one goes on."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

DDL = """
CREATE TABLE witness (
    id SMALLINT DEFAULT 1 NOT NULL,
    installation UUID DEFAULT uuidv7() NOT NULL,
    beat BIGINT DEFAULT 0 NOT NULL,
    pending BIGINT DEFAULT 0 NOT NULL,
    beaten_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_witness PRIMARY KEY (id)
);

CREATE TABLE restore_hold (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    detail TEXT NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    findings INTEGER,
    released_at TIMESTAMP WITH TIME ZONE,
    released_by UUID,
    reason TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_restore_hold PRIMARY KEY (id),
    CONSTRAINT ck_restore_hold_kind CHECK (kind in ('WORKFLOWS', 'SENT_BUT_UNKNOWN', 'KNOWN_BUT_NOT_SENT', 'IN_DOUBT')),
    CONSTRAINT ck_restore_hold_cause CHECK (cause in ('DATABASE_OLDER', 'TEMPORAL_OLDER', 'BY_HAND')),
    CONSTRAINT fk_restore_hold_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_restore_hold_released_by FOREIGN KEY(released_by) REFERENCES person (id)
);

CREATE UNIQUE INDEX uq_restore_hold_open ON restore_hold (tenant_id, kind) WHERE released_at is null;

ALTER TABLE instance ADD COLUMN state JSONB;
"""


def upgrade() -> None:
    run(DDL)
    run(force_tenant("restore_hold"))
    run(allow("restore_hold", "select, insert, update") + allow("witness", "select, insert, update"))


def downgrade() -> None:
    run("alter table instance drop column state; drop table restore_hold; drop table witness;")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
