"""Evidence packs and who has seen their pages."""

import psycopg
from alembic import op

from models.migrations.protection import allow, append_only, force_tenant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

DDL = """
CREATE TABLE evidence_pack (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    case_id UUID NOT NULL,
    kind TEXT NOT NULL,
    guardian_id UUID,
    status TEXT DEFAULT 'DRAFT' NOT NULL,
    parts JSONB DEFAULT '[]'::jsonb NOT NULL,
    key_id UUID,
    words BYTEA,
    storage_path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    stored_sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    pages INTEGER NOT NULL,
    engine TEXT NOT NULL,
    prepared_by UUID,
    prepared_at TIMESTAMP WITH TIME ZONE NOT NULL,
    asked_on DATE,
    due_on DATE,
    signed_by UUID,
    signed_at TIMESTAMP WITH TIME ZONE,
    released_by UUID,
    released_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    disclosure_id UUID,
    recalled_by UUID,
    recalled_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_evidence_pack PRIMARY KEY (id),
    CONSTRAINT ck_evidence_pack_kind CHECK (kind in ('INTERNAL_MEETING', 'AUTHORITY_REFERRAL', 'COURT', 'FAMILY_COPY')),
    CONSTRAINT ck_evidence_pack_status CHECK (status in ('DRAFT', 'SIGNED', 'RELEASED', 'RECALLED')),
    CONSTRAINT ck_evidence_pack_two_people CHECK (released_by <> signed_by),
    CONSTRAINT fk_evidence_pack_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_evidence_pack_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_evidence_pack_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_evidence_pack_case_id FOREIGN KEY(case_id) REFERENCES case_file (id),
    CONSTRAINT fk_evidence_pack_guardian_id FOREIGN KEY(guardian_id) REFERENCES guardian (id),
    CONSTRAINT fk_evidence_pack_key_id FOREIGN KEY(key_id) REFERENCES student_key (id),
    CONSTRAINT fk_evidence_pack_prepared_by FOREIGN KEY(prepared_by) REFERENCES person (id),
    CONSTRAINT fk_evidence_pack_signed_by FOREIGN KEY(signed_by) REFERENCES person (id),
    CONSTRAINT fk_evidence_pack_released_by FOREIGN KEY(released_by) REFERENCES person (id),
    CONSTRAINT fk_evidence_pack_disclosure_id FOREIGN KEY(disclosure_id) REFERENCES disclosure (id),
    CONSTRAINT fk_evidence_pack_recalled_by FOREIGN KEY(recalled_by) REFERENCES person (id)
);

CREATE INDEX ix_evidence_pack_student_id ON evidence_pack (tenant_id, student_id);

CREATE INDEX ix_evidence_pack_case_id ON evidence_pack (tenant_id, case_id);

CREATE TABLE evidence_look (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    pack_id UUID NOT NULL,
    person_id UUID NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_evidence_look PRIMARY KEY (id),
    CONSTRAINT uq_evidence_look_tenant_id_pack_id_person_id UNIQUE (tenant_id, pack_id, person_id),
    CONSTRAINT fk_evidence_look_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_evidence_look_pack_id FOREIGN KEY(pack_id) REFERENCES evidence_pack (id),
    CONSTRAINT fk_evidence_look_person_id FOREIGN KEY(person_id) REFERENCES person (id)
);

create trigger not_erased before insert on evidence_pack for each row execute function refuse_erased();
"""


def upgrade() -> None:
    run(DDL)
    run(force_tenant("evidence_pack") + allow("evidence_pack", "select, insert, update"))
    run(force_tenant("evidence_look") + allow("evidence_look", "select, insert") + append_only("evidence_look"))


def downgrade() -> None:
    run("drop table evidence_look; drop table evidence_pack;")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
