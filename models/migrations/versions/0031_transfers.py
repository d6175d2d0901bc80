"""Handovers of cases between schools of a tenant; both schools read them."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

DDL = """
CREATE TABLE transfer (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    instance_id UUID NOT NULL,
    student_id UUID NOT NULL,
    from_school_id UUID NOT NULL,
    to_school_id UUID NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decide_by DATE NOT NULL,
    status TEXT DEFAULT 'PENDING' NOT NULL,
    chosen_by UUID,
    chosen_role TEXT,
    settled_at TIMESTAMP WITH TIME ZONE,
    moved BOOLEAN,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_transfer PRIMARY KEY (id),
    CONSTRAINT ck_transfer_status CHECK (status in ('PENDING', 'CONTINUE', 'SUPPORT_ONLY', 'CLOSE', 'LAPSED', 'UNDONE', 'SUPERSEDED')),
    CONSTRAINT fk_transfer_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_transfer_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_transfer_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_transfer_from_school_id FOREIGN KEY(from_school_id) REFERENCES school (id),
    CONSTRAINT fk_transfer_to_school_id FOREIGN KEY(to_school_id) REFERENCES school (id),
    CONSTRAINT fk_transfer_chosen_by FOREIGN KEY(chosen_by) REFERENCES person (id)
);

CREATE UNIQUE INDEX uq_transfer_pending ON transfer (tenant_id, instance_id) WHERE status = 'PENDING';
CREATE INDEX ix_transfer_student_id ON transfer (tenant_id, student_id);
CREATE INDEX ix_transfer_chosen_by_referred ON transfer (chosen_by) WHERE chosen_by IS NOT NULL;
CREATE INDEX ix_transfer_from_school_id_referred ON transfer (from_school_id);
CREATE INDEX ix_transfer_instance_id_referred ON transfer (instance_id);
CREATE INDEX ix_transfer_to_school_id_referred ON transfer (to_school_id);

create trigger not_erased before insert on transfer for each row execute function refuse_erased();
"""


def upgrade() -> None:
    run(DDL)
    run(force_tenant("transfer") + allow("transfer", "select, insert, update"))


def downgrade() -> None:
    run("drop table transfer;")


def run(script: str) -> None:
    there = op.get_bind().connection.driver_connection
    assert isinstance(there, psycopg.Connection)
    there.execute(script.encode())
