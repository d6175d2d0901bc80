"""Support plans: what a family and the school agreed to do; an erasure empties the words in them."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

DDL = """
CREATE TABLE support_plan (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    case_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    meeting_id UUID,
    stage_key TEXT,
    effect_key TEXT NOT NULL,
    status TEXT DEFAULT 'DRAFT' NOT NULL,
    revision INTEGER DEFAULT 0 NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_on DATE NOT NULL,
    aims JSONB DEFAULT '[]'::jsonb NOT NULL,
    actions JSONB DEFAULT '[]'::jsonb NOT NULL,
    adjustments JSONB DEFAULT '[]'::jsonb NOT NULL,
    signatures JSONB DEFAULT '[]'::jsonb NOT NULL,
    review_on DATE,
    agreed_on DATE,
    agreed_by UUID,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_by UUID,
    reason TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_support_plan PRIMARY KEY (id),
    CONSTRAINT ck_support_plan_status CHECK (status in ('DRAFT', 'AGREED', 'ENDED')),
    CONSTRAINT ck_support_plan_agreed CHECK (status <> 'AGREED' or agreed_on is not null),
    CONSTRAINT uq_support_plan_tenant_id_effect_key UNIQUE (tenant_id, effect_key),
    CONSTRAINT fk_support_plan_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_support_plan_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_support_plan_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_support_plan_case_id FOREIGN KEY(case_id) REFERENCES case_file (id),
    CONSTRAINT fk_support_plan_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_support_plan_meeting_id FOREIGN KEY(meeting_id) REFERENCES meeting (id),
    CONSTRAINT fk_support_plan_agreed_by FOREIGN KEY(agreed_by) REFERENCES person (id),
    CONSTRAINT fk_support_plan_ended_by FOREIGN KEY(ended_by) REFERENCES person (id)
);

CREATE INDEX ix_support_plan_open ON support_plan (tenant_id, school_id, due_on) WHERE status <> 'ENDED';
CREATE INDEX ix_support_plan_student_id ON support_plan (tenant_id, student_id);

CREATE INDEX ix_support_plan_agreed_by_referred ON support_plan (agreed_by) WHERE agreed_by IS NOT NULL;
CREATE INDEX ix_support_plan_case_id_referred ON support_plan (case_id);
CREATE INDEX ix_support_plan_ended_by_referred ON support_plan (ended_by) WHERE ended_by IS NOT NULL;
CREATE INDEX ix_support_plan_instance_id_referred ON support_plan (instance_id);
CREATE INDEX ix_support_plan_meeting_id_referred ON support_plan (meeting_id) WHERE meeting_id IS NOT NULL;
CREATE INDEX ix_support_plan_school_id_referred ON support_plan (school_id);

create trigger not_erased before insert on support_plan for each row execute function refuse_erased();
"""
# The function that erases words is long: two places of it are exchanged
TASKS = "            union all select id from task where student_id = any(mine)\n"
PLANS = "            union all select id from support_plan where student_id = any(mine)\n"
CASES = "    update case_file set resolution = null where student_id = any(mine);\n"
WORDS = """    update support_plan set aims = '[]', actions = '[]', adjustments = '[]', signatures = '[]', reason = null
        where student_id = any(mine);
"""


def upgrade() -> None:
    run(DDL)
    run(force_tenant("support_plan") + allow("support_plan", "select, insert, update"))
    exchange((TASKS, TASKS + PLANS), (CASES, CASES + WORDS))


def downgrade() -> None:
    exchange((TASKS + PLANS, TASKS), (CASES + WORDS, CASES))
    run("drop table support_plan;")


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
