"""Disclosures (insert-only), amendment requests and incidents."""

import psycopg
from alembic import op

from models.migrations.protection import allow, append_only, force_tenant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = ("amendment_request", "disclosure", "incident")
DDL = """
CREATE TABLE amendment_request (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    guardian_id UUID,
    subject_kind TEXT NOT NULL,
    subject_id UUID,
    subject_on DATE,
    wrong TEXT,
    wanted TEXT,
    regime TEXT NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    requested_by UUID,
    due_on DATE NOT NULL,
    status TEXT DEFAULT 'OPEN' NOT NULL,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    reason TEXT,
    statement TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_amendment_request PRIMARY KEY (id),
    CONSTRAINT ck_amendment_request_status CHECK (status in ('OPEN', 'GRANTED', 'REFUSED')),
    CONSTRAINT ck_amendment_request_subject_kind CHECK (subject_kind in ('MARK', 'LETTER', 'CONTACT', 'MEETING', 'CASE', 'STUDENT', 'OTHER')),
    CONSTRAINT ck_amendment_request_decided CHECK ((status = 'OPEN') = (decided_at is null)),
    CONSTRAINT fk_amendment_request_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_amendment_request_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_amendment_request_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_amendment_request_guardian_id FOREIGN KEY(guardian_id) REFERENCES guardian (id),
    CONSTRAINT fk_amendment_request_requested_by FOREIGN KEY(requested_by) REFERENCES person (id),
    CONSTRAINT fk_amendment_request_decided_by FOREIGN KEY(decided_by) REFERENCES person (id)
);

CREATE INDEX ix_amendment_request_student_id ON amendment_request (tenant_id, student_id);

CREATE TABLE disclosure (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    party TEXT NOT NULL,
    purpose TEXT NOT NULL,
    what TEXT NOT NULL,
    what_id UUID,
    guardian_id UUID,
    person_id UUID,
    released_by UUID,
    request_id TEXT NOT NULL,
    key_id UUID,
    words BYTEA,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_disclosure PRIMARY KEY (id),
    CONSTRAINT fk_disclosure_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_disclosure_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_disclosure_guardian_id FOREIGN KEY(guardian_id) REFERENCES guardian (id),
    CONSTRAINT fk_disclosure_key_id FOREIGN KEY(key_id) REFERENCES student_key (id)
);

CREATE INDEX ix_disclosure_student_id ON disclosure (tenant_id, student_id, at);

CREATE TABLE incident (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    kind TEXT NOT NULL,
    status TEXT DEFAULT 'OPEN' NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    message_id UUID,
    artifact_id UUID,
    wrong_guardian_id UUID,
    happened TEXT,
    noticed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    clock_ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reported_by UUID,
    recalled JSONB DEFAULT '{}'::jsonb NOT NULL,
    recall_text TEXT,
    regulator TEXT,
    regulator_at TIMESTAMP WITH TIME ZONE,
    regulator_reason TEXT,
    family_told_at TIMESTAMP WITH TIME ZONE,
    family_reason TEXT,
    outcome TEXT,
    closed_by UUID,
    closed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_incident PRIMARY KEY (id),
    CONSTRAINT ck_incident_kind CHECK (kind in ('WRONG_PERSON', 'WRONG_CONTENT', 'LOST', 'SEEN_BY_OTHERS')),
    CONSTRAINT ck_incident_status CHECK (status in ('OPEN', 'CLOSED')),
    CONSTRAINT ck_incident_regulator CHECK (regulator in ('TOLD', 'NOT_NEEDED')),
    CONSTRAINT fk_incident_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_incident_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_incident_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_incident_message_id FOREIGN KEY(message_id) REFERENCES message (id),
    CONSTRAINT fk_incident_artifact_id FOREIGN KEY(artifact_id) REFERENCES letter_artifact (id),
    CONSTRAINT fk_incident_wrong_guardian_id FOREIGN KEY(wrong_guardian_id) REFERENCES guardian (id),
    CONSTRAINT fk_incident_reported_by FOREIGN KEY(reported_by) REFERENCES person (id),
    CONSTRAINT fk_incident_closed_by FOREIGN KEY(closed_by) REFERENCES person (id)
);

CREATE INDEX ix_incident_open ON incident (tenant_id, clock_ends_at) WHERE status = 'OPEN';

CREATE INDEX ix_incident_student_id ON incident (tenant_id, student_id);

"""


def upgrade() -> None:
    run(DDL)
    for table in TABLES:
        run(force_tenant(table))
        run(allow(table, "select, insert" if table == "disclosure" else "select, insert, update"))
    run(append_only("disclosure"))


def downgrade() -> None:
    for table in reversed(TABLES):
        run(f"drop table {table};")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
