"""Shadow mode: candidates beside the version in force, what their nights came to and for whom they differ."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

TENANT_ID = "tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL"
DDL = f"""
ALTER TABLE rule_set_version ADD COLUMN shadow_since TIMESTAMP WITH TIME ZONE;

CREATE TABLE shadow_night (
    id UUID DEFAULT uuidv7() NOT NULL,
    {TENANT_ID},
    version_id UUID NOT NULL,
    school_id UUID NOT NULL,
    date DATE NOT NULL,
    known_at TIMESTAMP WITH TIME ZONE NOT NULL,
    against_digest TEXT,
    in_force INTEGER NOT NULL,
    candidate INTEGER NOT NULL,
    added INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_shadow_night PRIMARY KEY (id),
    CONSTRAINT uq_shadow_night_tenant_id_version_id_school_id_date UNIQUE (tenant_id, version_id, school_id, date),
    CONSTRAINT fk_shadow_night_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_shadow_night_version_id FOREIGN KEY(version_id) REFERENCES rule_set_version (id),
    CONSTRAINT fk_shadow_night_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);

CREATE INDEX ix_shadow_night_school_id_referred ON shadow_night (school_id);

CREATE TABLE shadow_difference (
    id UUID DEFAULT uuidv7() NOT NULL,
    {TENANT_ID},
    version_id UUID NOT NULL,
    school_id UUID NOT NULL,
    student_id UUID NOT NULL,
    date DATE NOT NULL,
    change TEXT NOT NULL,
    metrics JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_shadow_difference PRIMARY KEY (id),
    CONSTRAINT uq_shadow_difference_moment UNIQUE (tenant_id, version_id, school_id, date, student_id),
    CONSTRAINT ck_shadow_difference_change CHECK (change in ('ADDED', 'DROPPED')),
    CONSTRAINT fk_shadow_difference_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_shadow_difference_version_id FOREIGN KEY(version_id) REFERENCES rule_set_version (id),
    CONSTRAINT fk_shadow_difference_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_shadow_difference_student_id FOREIGN KEY(student_id) REFERENCES student (id)
);

CREATE INDEX ix_shadow_difference_school_id_referred ON shadow_difference (school_id);

CREATE INDEX ix_shadow_difference_student_id_referred ON shadow_difference (student_id);
"""
DOWN = """
DROP TABLE shadow_difference;
DROP TABLE shadow_night;
ALTER TABLE rule_set_version DROP COLUMN shadow_since;
"""


def upgrade() -> None:
    run(DDL)
    for table in ("shadow_night", "shadow_difference"):
        run(force_tenant(table) + allow(table, "select, insert, update, delete"))


def downgrade() -> None:
    run(DOWN)


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
