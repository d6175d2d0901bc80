"""Retention: lists of what is due, signed and approved by a second person, and the one function that carries them out."""

from pathlib import Path

import psycopg
from alembic import op

from models.migrations.protection import ROLE, allow, force_tenant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

SCRIPT = Path(__file__).with_suffix(".sql")
DDL = """
create table retention_run (
    id uuid default uuidv7() not null constraint pk_retention_run primary key,
    tenant_id uuid default nullif(current_setting('app.current_tenant', true), '')::uuid not null
        constraint fk_retention_run_tenant_id references tenant (id),
    status text default 'LISTED' not null,
    today date not null,
    known_at timestamp with time zone not null,
    lines jsonb not null,
    sha256 text not null,
    signature text not null,
    listed_by uuid not null constraint fk_retention_run_listed_by references person (id),
    approved_by uuid constraint fk_retention_run_approved_by references person (id),
    approved_at timestamp with time zone,
    reason text,
    done jsonb default '{}'::jsonb not null,
    done_at timestamp with time zone,
    created_at timestamp with time zone default now() not null,
    constraint ck_retention_run_status check (status in ('LISTED', 'APPROVED', 'DONE')),
    constraint ck_retention_run_four_eyes check (approved_by <> listed_by),
    constraint ck_retention_run_decided check (status = 'LISTED' or approved_by is not null)
);
create trigger frozen before update on retention_run for each row
    when (old.lines is distinct from new.lines or old.sha256 is distinct from new.sha256
        or old.signature is distinct from new.signature or old.known_at is distinct from new.known_at
        or old.today is distinct from new.today or old.listed_by is distinct from new.listed_by)
    execute function refuse_change();
"""
FUNCTIONS = ("retention_rows(text, date, uuid[], timestamptz, uuid)", "under_hold()")


def upgrade() -> None:
    run(DDL + force_tenant("retention_run") + allow("retention_run", "select, insert, update"))
    run(SCRIPT.read_text())
    run(f"grant execute on function {FUNCTIONS[0]} to {ROLE}; grant execute on function {FUNCTIONS[1]} to {ROLE};")


def downgrade() -> None:
    for function in FUNCTIONS:
        run(f"drop function {function};")
    run("drop table retention_run; drop trigger append_only on student_view;")
    run("drop function refuse_change_but_retention();")
    run("""
create trigger append_only before update or delete on student_view
    for each row execute function refuse_change_but_erasure();
""")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
