"""Referrals, one for each guardian of a case; an erasure empties the words in them."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

DDL = """
CREATE TABLE referral (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    case_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    guardian_id UUID NOT NULL,
    stage_key TEXT NOT NULL,
    effect_key TEXT NOT NULL,
    referred_to TEXT NOT NULL,
    recipient TEXT NOT NULL,
    status TEXT DEFAULT 'PREPARING' NOT NULL,
    revision INTEGER DEFAULT 0 NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_on DATE NOT NULL,
    pack_id UUID,
    sent_on DATE,
    sent_by UUID,
    sent_by_way TEXT,
    acknowledged_on DATE,
    acknowledged_by UUID,
    reference TEXT,
    result TEXT,
    result_on DATE,
    result_by UUID,
    result_note TEXT,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_by UUID,
    reason TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_referral PRIMARY KEY (id),
    CONSTRAINT ck_referral_status CHECK (
        status in ('PREPARING', 'SENT', 'ACKNOWLEDGED', 'DECIDED', 'LEFT_OUT', 'WITHDRAWN')),
    CONSTRAINT ck_referral_referred_to CHECK (referred_to in ('AUTHORITY', 'COURT')),
    CONSTRAINT ck_referral_sent_by_way CHECK (sent_by_way in ('email', 'post', 'hand', 'portal')),
    CONSTRAINT ck_referral_result CHECK (result in ('MEASURE', 'SUPPORT', 'NO_ACTION', 'SENT_BACK')),
    CONSTRAINT ck_referral_sent_with_pack CHECK (
        status in ('PREPARING', 'LEFT_OUT') or (sent_on is not null and pack_id is not null)),
    CONSTRAINT ck_referral_decided CHECK (status <> 'DECIDED' or result is not null),
    CONSTRAINT uq_referral_tenant_id_effect_key_guardian_id UNIQUE (tenant_id, effect_key, guardian_id),
    CONSTRAINT fk_referral_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_referral_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_referral_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_referral_case_id FOREIGN KEY(case_id) REFERENCES case_file (id),
    CONSTRAINT fk_referral_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_referral_guardian_id FOREIGN KEY(guardian_id) REFERENCES guardian (id),
    CONSTRAINT fk_referral_pack_id FOREIGN KEY(pack_id) REFERENCES evidence_pack (id),
    CONSTRAINT fk_referral_sent_by FOREIGN KEY(sent_by) REFERENCES person (id),
    CONSTRAINT fk_referral_acknowledged_by FOREIGN KEY(acknowledged_by) REFERENCES person (id),
    CONSTRAINT fk_referral_result_by FOREIGN KEY(result_by) REFERENCES person (id),
    CONSTRAINT fk_referral_ended_by FOREIGN KEY(ended_by) REFERENCES person (id)
);

CREATE INDEX ix_referral_open ON referral (tenant_id, school_id, due_on)
    WHERE status in ('PREPARING', 'SENT', 'ACKNOWLEDGED');
CREATE INDEX ix_referral_student_id ON referral (tenant_id, student_id);

CREATE INDEX ix_referral_acknowledged_by_referred ON referral (acknowledged_by) WHERE acknowledged_by IS NOT NULL;
CREATE INDEX ix_referral_case_id_referred ON referral (case_id);
CREATE INDEX ix_referral_ended_by_referred ON referral (ended_by) WHERE ended_by IS NOT NULL;
CREATE INDEX ix_referral_guardian_id_referred ON referral (guardian_id);
CREATE INDEX ix_referral_instance_id_referred ON referral (instance_id);
CREATE INDEX ix_referral_pack_id_referred ON referral (pack_id) WHERE pack_id IS NOT NULL;
CREATE INDEX ix_referral_result_by_referred ON referral (result_by) WHERE result_by IS NOT NULL;
CREATE INDEX ix_referral_school_id_referred ON referral (school_id);
CREATE INDEX ix_referral_sent_by_referred ON referral (sent_by) WHERE sent_by IS NOT NULL;

create trigger not_erased before insert on referral for each row execute function refuse_erased();
"""
# The function that erases words is long: two places of it are exchanged
PLANS = "            union all select id from support_plan where student_id = any(mine)\n"
REFERRALS = "            union all select id from referral where student_id = any(mine)\n"
CASES = "    update case_file set resolution = null where student_id = any(mine);\n"
WORDS = """    update referral set recipient = '', reference = null, result_note = null, reason = null
        where student_id = any(mine);
"""


def upgrade() -> None:
    run(DDL)
    run(force_tenant("referral") + allow("referral", "select, insert, update"))
    exchange((PLANS, PLANS + REFERRALS), (CASES, CASES + WORDS))


def downgrade() -> None:
    exchange((PLANS + REFERRALS, PLANS), (CASES + WORDS, CASES))
    run("drop table referral;")


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
