"""What an authority has done about each guardian: recorded by one person, confirmed by another, erased with the child."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

DDL = """
CREATE TABLE guardian_history (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    guardian_id UUID NOT NULL,
    events JSONB NOT NULL,
    source TEXT NOT NULL,
    checked_on DATE NOT NULL,
    recorded_by UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    confirmed_by UUID,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    replaced_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_guardian_history PRIMARY KEY (id),
    CONSTRAINT ck_guardian_history_two_people CHECK (confirmed_by <> recorded_by),
    CONSTRAINT ck_guardian_history_confirmed CHECK ((confirmed_by is null) = (confirmed_at is null)),
    CONSTRAINT fk_guardian_history_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_guardian_history_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_guardian_history_guardian_id FOREIGN KEY(guardian_id) REFERENCES guardian (id),
    CONSTRAINT fk_guardian_history_recorded_by FOREIGN KEY(recorded_by) REFERENCES person (id),
    CONSTRAINT fk_guardian_history_confirmed_by FOREIGN KEY(confirmed_by) REFERENCES person (id)
);
CREATE UNIQUE INDEX uq_guardian_history_current ON guardian_history (tenant_id, student_id, guardian_id)
    WHERE replaced_at is null;
CREATE INDEX ix_guardian_history_student_id ON guardian_history (tenant_id, student_id);
CREATE INDEX ix_guardian_history_guardian_id_referred ON guardian_history (guardian_id);
CREATE INDEX ix_guardian_history_recorded_by_referred ON guardian_history (recorded_by);
CREATE INDEX ix_guardian_history_confirmed_by_referred ON guardian_history (confirmed_by) WHERE confirmed_by IS NOT NULL;

create trigger not_erased before insert on guardian_history for each row execute function refuse_erased();
"""
WALKS = "    delete from backtest_walk where student_id = any(mine);\n"
HISTORIES = "    delete from guardian_history where student_id = any(mine);\n"


def upgrade() -> None:
    run(DDL)
    run(force_tenant("guardian_history") + allow("guardian_history", "select, insert, update"))
    exchange(WALKS, WALKS + HISTORIES)


def downgrade() -> None:
    exchange(WALKS + HISTORIES, WALKS)
    run("drop table guardian_history;")


def exchange(found: str, wanted: str) -> None:
    row = connection().execute("select pg_get_functiondef('erase_words(uuid)'::regprocedure)").fetchone()
    assert row
    text: str = row[0]
    assert text.count(found) == 1, f"erase_words holds this once: {found}"
    run(text.replace(found, wanted))


def connection() -> "psycopg.Connection[tuple[str]]":
    there = op.get_bind().connection.driver_connection
    assert isinstance(there, psycopg.Connection)
    return there


def run(script: str) -> None:
    connection().execute(script.encode())
