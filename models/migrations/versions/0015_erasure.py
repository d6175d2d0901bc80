"""Legal holds, erasures, and the one function that may empty words in rows which are otherwise written once."""

from pathlib import Path

import psycopg
from alembic import op

from models.migrations.protection import ROLE, allow, append_only, force_tenant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SCRIPT = Path(__file__).with_suffix(".sql")
TABLES = ("erasure", "legal_hold")
GUARDED = (
    "event", "message", "letter_artifact", "contact", "meeting", "task", "absence_reason", "instance", "student_key",
)  # fmt: skip
DDL = """
ALTER TABLE student ADD COLUMN erased_at TIMESTAMP WITH TIME ZONE;

CREATE TABLE erasure (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    status TEXT DEFAULT 'REQUESTED' NOT NULL,
    ground TEXT NOT NULL,
    requested_by UUID NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    approved_by UUID,
    approved_at TIMESTAMP WITH TIME ZONE,
    done_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_erasure PRIMARY KEY (id),
    CONSTRAINT uq_erasure_tenant_id_student_id UNIQUE (tenant_id, student_id),
    CONSTRAINT ck_erasure_status CHECK (status in ('REQUESTED', 'APPROVED', 'ERASED', 'DONE')),
    CONSTRAINT ck_erasure_ground CHECK (ground in ('REQUEST', 'RETENTION', 'UNLAWFUL', 'ERROR')),
    CONSTRAINT ck_erasure_four_eyes CHECK (approved_by <> requested_by),
    CONSTRAINT ck_erasure_decided CHECK (status = 'REQUESTED' or approved_by is not null),
    CONSTRAINT fk_erasure_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_erasure_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_erasure_requested_by FOREIGN KEY(requested_by) REFERENCES person (id),
    CONSTRAINT fk_erasure_approved_by FOREIGN KEY(approved_by) REFERENCES person (id)
);

CREATE TABLE legal_hold (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    reason TEXT NOT NULL,
    placed_by UUID,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lifted_by UUID,
    lifted_at TIMESTAMP WITH TIME ZONE,
    lift_reason TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_legal_hold PRIMARY KEY (id),
    CONSTRAINT fk_legal_hold_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_legal_hold_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_legal_hold_placed_by FOREIGN KEY(placed_by) REFERENCES person (id),
    CONSTRAINT fk_legal_hold_lifted_by FOREIGN KEY(lifted_by) REFERENCES person (id)
);

CREATE UNIQUE INDEX uq_legal_hold_in_force ON legal_hold (tenant_id, student_id) WHERE lifted_at is null;

"""


def upgrade() -> None:
    run(DDL)
    for table in TABLES:
        run(force_tenant(table))
        run(allow(table, "select, insert, update"))
    run(SCRIPT.read_text())
    run(f"grant execute on function erase_words(uuid) to {ROLE};")


def downgrade() -> None:
    for table in GUARDED:
        run(f"drop trigger not_erased on {table};")
    for table in ("event", "disclosure", "student_view"):
        run(f"drop trigger append_only on {table}; drop trigger append_only_truncate on {table};")
        run(append_only(table))
    for function in ("erase_words(uuid)", "figures_only(jsonb)", "refuse_erased()", "refuse_change_but_erasure()"):
        run(f"drop function {function};")
    for table in reversed(TABLES):
        run(f"drop table {table};")
    run("alter table student drop column erased_at;")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
