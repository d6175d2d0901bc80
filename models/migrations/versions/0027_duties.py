"""Duties: deadlines set by law, beside any ladder; an erasure empties the words in them."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

DDL = """
CREATE TABLE duty (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID,
    school_id UUID NOT NULL,
    case_id UUID,
    instance_id UUID,
    rule_set_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    duty_key TEXT NOT NULL,
    effect TEXT NOT NULL,
    cite TEXT NOT NULL,
    title TEXT,
    report_to TEXT,
    event TEXT,
    tripped_on DATE NOT NULL,
    known_at TIMESTAMP WITH TIME ZONE NOT NULL,
    metrics JSONB DEFAULT '{}'::jsonb NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    opened_by UUID,
    said TEXT,
    due_on DATE NOT NULL,
    owner_id UUID,
    reminded SMALLINT DEFAULT 0 NOT NULL,
    status TEXT DEFAULT 'OPEN' NOT NULL,
    basis TEXT DEFAULT 'HOLDS' NOT NULL,
    checked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_on DATE,
    artifact_kind TEXT,
    artifact_id UUID,
    recipient TEXT,
    done_on DATE,
    reason TEXT,
    evidence TEXT,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by UUID,
    closed_role TEXT,
    basis_reason TEXT,
    basis_by UUID,
    basis_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_duty PRIMARY KEY (id),
    CONSTRAINT ck_duty_effect CHECK (effect in ('TASK', 'REPORT', 'BLOCK')),
    CONSTRAINT ck_duty_status CHECK (status in ('OPEN', 'DONE', 'DONE_ELSEWHERE', 'NOT_APPLICABLE')),
    CONSTRAINT ck_duty_basis CHECK (basis in ('HOLDS', 'LOST', 'KEPT', 'WITHDRAWN')),
    CONSTRAINT ck_duty_artifact_kind CHECK (artifact_kind in ('LETTER', 'EVIDENCE_PACK')),
    CONSTRAINT ck_duty_closed CHECK ((status = 'OPEN') = (closed_at is null)),
    CONSTRAINT ck_duty_artifact CHECK (status <> 'DONE' or (artifact_id is not null and done_on is not null)),
    CONSTRAINT ck_duty_case CHECK ((student_id is null) = (case_id is null)),
    CONSTRAINT ck_duty_whose CHECK (student_id is not null or event = 'school_year_ended'),
    CONSTRAINT fk_duty_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_duty_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_duty_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_duty_case_id FOREIGN KEY(case_id) REFERENCES case_file (id),
    CONSTRAINT fk_duty_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_duty_opened_by FOREIGN KEY(opened_by) REFERENCES person (id),
    CONSTRAINT fk_duty_owner_id FOREIGN KEY(owner_id) REFERENCES person (id),
    CONSTRAINT fk_duty_closed_by FOREIGN KEY(closed_by) REFERENCES person (id),
    CONSTRAINT fk_duty_basis_by FOREIGN KEY(basis_by) REFERENCES person (id)
);

CREATE INDEX ix_duty_digest ON duty (tenant_id, digest, school_id) WHERE event is null;
CREATE INDEX ix_duty_open ON duty (tenant_id, school_id, due_on) WHERE status = 'OPEN';
CREATE INDEX ix_duty_student_id ON duty (tenant_id, student_id);
CREATE UNIQUE INDEX uq_duty_event ON duty (tenant_id, student_id, school_id, rule_set_key, duty_key, tripped_on)
    NULLS NOT DISTINCT WHERE event is not null;
CREATE UNIQUE INDEX uq_duty_running ON duty (tenant_id, student_id, school_id, rule_set_key, duty_key) WHERE event is null and ended_on is null;

CREATE INDEX ix_duty_basis_by_referred ON duty (basis_by) WHERE basis_by IS NOT NULL;
CREATE INDEX ix_duty_case_id_referred ON duty (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX ix_duty_closed_by_referred ON duty (closed_by) WHERE closed_by IS NOT NULL;
CREATE INDEX ix_duty_instance_id_referred ON duty (instance_id) WHERE instance_id IS NOT NULL;
CREATE INDEX ix_duty_opened_by_referred ON duty (opened_by) WHERE opened_by IS NOT NULL;
CREATE INDEX ix_duty_owner_id_referred ON duty (owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX ix_duty_school_id_referred ON duty (school_id);

create trigger not_erased before insert on duty for each row execute function refuse_erased();
"""
# The function that erases words is long: two places of it are exchanged
TASKS = "            union all select id from task where student_id = any(mine)\n"
DUTIES = "            union all select id from duty where student_id = any(mine)\n"
CASES = "    update case_file set resolution = null where student_id = any(mine);\n"
WORDS = """    update duty set said = null, recipient = null, reason = null, evidence = null, basis_reason = null
        where student_id = any(mine);
"""


def upgrade() -> None:
    run(DDL)
    run(force_tenant("duty") + allow("duty", "select, insert, update"))
    exchange((TASKS, TASKS + DUTIES), (CASES, CASES + WORDS))


def downgrade() -> None:
    exchange((TASKS + DUTIES, TASKS), (CASES + WORDS, CASES))
    run("drop table duty;")


def exchange(*pairs: tuple[str, str]) -> None:
    row = connection().execute("select pg_get_functiondef('erase_words(uuid)'::regprocedure)").fetchone()
    assert row
    text: str = row[0]
    for found, wanted in pairs:
        assert text.count(found) == 1, f"erase_words holds this once: {found}"
        text = text.replace(found, wanted)
    run(text)


def connection() -> "psycopg.Connection[tuple[str]]":
    there = op.get_bind().connection.driver_connection
    assert isinstance(there, psycopg.Connection)
    return there


def run(script: str) -> None:
    connection().execute(script.encode())
