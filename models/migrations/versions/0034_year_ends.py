"""What becomes of running cases when a school year ends."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

DDL = """
CREATE TABLE year_end (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    instance_id UUID NOT NULL,
    student_id UUID NOT NULL,
    begins DATE NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decide_by DATE NOT NULL,
    status TEXT DEFAULT 'PENDING' NOT NULL,
    chosen_by UUID,
    chosen_role TEXT,
    settled_at TIMESTAMP WITH TIME ZONE,
    summary JSONB,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_year_end PRIMARY KEY (id),
    CONSTRAINT uq_year_end_tenant_id_instance_id_begins UNIQUE (tenant_id, instance_id, begins),
    CONSTRAINT ck_year_end_status CHECK (status in ('PENDING', 'CARRY', 'CLOSE_WITH_SUMMARY', 'REVIEW_IN_AUTUMN')),
    CONSTRAINT fk_year_end_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_year_end_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_year_end_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_year_end_chosen_by FOREIGN KEY(chosen_by) REFERENCES person (id)
);

CREATE INDEX ix_year_end_student_id ON year_end (tenant_id, student_id);
CREATE INDEX ix_year_end_chosen_by_referred ON year_end (chosen_by) WHERE chosen_by IS NOT NULL;

create trigger not_erased before insert on year_end for each row execute function refuse_erased();
"""


def upgrade() -> None:
    run(DDL)
    run(force_tenant("year_end") + allow("year_end", "select, insert, update"))


def downgrade() -> None:
    run("drop table year_end;")


def run(script: str) -> None:
    there = op.get_bind().connection.driver_connection
    assert isinstance(there, psycopg.Connection)
    there.execute(script.encode())
