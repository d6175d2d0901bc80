"""Backtests over the register: asked for, walked student by student, counted; kept for a year, erased with a student."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

DDL = """
CREATE TABLE backtest (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    school_id UUID,
    asked_by UUID,
    first_on DATE NOT NULL,
    last_on DATE NOT NULL,
    approval_school_days SMALLINT DEFAULT 0 NOT NULL,
    minutes JSONB NOT NULL,
    rulesets JSONB NOT NULL,
    status TEXT DEFAULT 'WAITING' NOT NULL,
    students_total INTEGER,
    students_done INTEGER DEFAULT 0 NOT NULL,
    student_days BIGINT DEFAULT 0 NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_by UUID,
    problem TEXT,
    figures JSONB,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_backtest PRIMARY KEY (id),
    CONSTRAINT ck_backtest_status CHECK (status in ('WAITING', 'RUNNING', 'FINISHED', 'CANCELLED', 'FAILED')),
    CONSTRAINT ck_backtest_span CHECK (first_on <= last_on),
    CONSTRAINT ck_backtest_ended CHECK ((status in ('WAITING', 'RUNNING')) = (ended_at is null)),
    CONSTRAINT ck_backtest_figures CHECK ((status = 'FINISHED') = (figures is not null)),
    CONSTRAINT fk_backtest_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_backtest_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_backtest_asked_by FOREIGN KEY(asked_by) REFERENCES person (id),
    CONSTRAINT fk_backtest_ended_by FOREIGN KEY(ended_by) REFERENCES person (id)
);
CREATE INDEX ix_backtest_going ON backtest (tenant_id) WHERE ended_at is null;
CREATE INDEX ix_backtest_asked_by_referred ON backtest (asked_by) WHERE asked_by IS NOT NULL;
CREATE INDEX ix_backtest_ended_by_referred ON backtest (ended_by) WHERE ended_by IS NOT NULL;
CREATE INDEX ix_backtest_school_id_referred ON backtest (school_id) WHERE school_id IS NOT NULL;

CREATE TABLE backtest_walk (
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    backtest_id UUID NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    stepped SMALLINT NOT NULL,
    steps JSONB NOT NULL,
    CONSTRAINT pk_backtest_walk PRIMARY KEY (backtest_id, student_id, school_id),
    CONSTRAINT fk_backtest_walk_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_backtest_walk_backtest_id FOREIGN KEY(backtest_id) REFERENCES backtest (id) ON DELETE CASCADE,
    CONSTRAINT fk_backtest_walk_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_backtest_walk_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);
CREATE INDEX ix_backtest_walk_student_id ON backtest_walk (tenant_id, student_id);
CREATE INDEX ix_backtest_walk_school_id_referred ON backtest_walk (school_id);

create trigger not_erased before insert on backtest_walk for each row execute function refuse_erased();
"""
# Two long functions: one place of each is exchanged
ERASED = "    update case_file set resolution = null where student_id = any(mine);\n"
WALKS = "    delete from backtest_walk where student_id = any(mine);\n"
KEPT = "            ('QUARANTINE', 'quarantine_row',"
BACKTESTS = """            ('BACKTEST', 'backtest', 'created_at < $1 and created_at <= $5 and ended_at is not null and not exists ('
                'select from backtest_walk w where w.backtest_id = backtest.id and w.student_id = any($3))'),
"""
ERASE, RETAIN = "erase_words(uuid)", "retention_rows(text,date,uuid[],timestamptz,uuid)"


def upgrade() -> None:
    run(DDL)
    run(force_tenant("backtest") + allow("backtest", "select, insert, update"))
    run(force_tenant("backtest_walk") + allow("backtest_walk", "select, insert, delete"))
    exchange(ERASE, ERASED, ERASED + WALKS)
    exchange(RETAIN, KEPT, BACKTESTS + KEPT)


def downgrade() -> None:
    exchange(RETAIN, BACKTESTS + KEPT, KEPT)
    exchange(ERASE, ERASED + WALKS, ERASED)
    run("drop table backtest_walk; drop table backtest;")


def exchange(function: str, found: str, wanted: str) -> None:
    asked = f"select pg_get_functiondef('{function}'::regprocedure)"
    row = connection().execute(asked.encode()).fetchone()
    assert row
    text: str = row[0]
    assert text.count(found) == 1, f"{function} holds this once: {found}"
    run(text.replace(found, wanted))


def connection() -> "psycopg.Connection[tuple[str]]":
    there = op.get_bind().connection.driver_connection
    assert isinstance(there, psycopg.Connection)
    return there


def run(script: str) -> None:
    connection().execute(script.encode())
