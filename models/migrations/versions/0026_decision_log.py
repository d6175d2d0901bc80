"""The decision log: every decision of a case with everything it rests on, written once."""

import psycopg
from alembic import op

from models.migrations.protection import allow, append_only, force_tenant

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

DDL = """
CREATE TABLE decision (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    instance_id UUID NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    evaluation_id UUID NOT NULL,
    digest TEXT NOT NULL,
    date DATE NOT NULL,
    known_at TIMESTAMP WITH TIME ZONE NOT NULL,
    since DATE,
    position JSONB NOT NULL,
    metrics JSONB NOT NULL,
    facts JSONB NOT NULL,
    spans JSONB NOT NULL,
    action TEXT NOT NULL,
    stage_key TEXT,
    rule TEXT,
    fired JSONB NOT NULL,
    held_back JSONB NOT NULL,
    leaves_true TEXT NOT NULL,
    leaves_known TEXT NOT NULL,
    engines_agree BOOLEAN NOT NULL,
    sentence TEXT NOT NULL,
    leaves JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_decision PRIMARY KEY (id),
    CONSTRAINT fk_decision_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_decision_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_decision_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_decision_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_decision_evaluation_id FOREIGN KEY(evaluation_id) REFERENCES evaluation (id)
);

CREATE INDEX ix_decision_instance ON decision (tenant_id, instance_id, id);

CREATE INDEX ix_decision_evaluation ON decision (tenant_id, evaluation_id);

CREATE INDEX ix_decision_school_id_referred ON decision (school_id);

CREATE INDEX ix_decision_student_id_referred ON decision (student_id);
"""


def upgrade() -> None:
    run(DDL)
    run(force_tenant("decision") + allow("decision", "select, insert") + append_only("decision"))


def downgrade() -> None:
    run("drop table decision;")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
