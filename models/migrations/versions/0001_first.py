"""The first schema: tables, functions, forced row-level security, grants and append-only triggers."""

from pathlib import Path

import psycopg
from alembic import op

from models.migrations.protection import CREATE_ROLE, ROLE, allow, append_only, force_tenant, frozen_after_draft

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

HERE = Path(__file__).parent
UNTENANTED = ("tenant", "outbox_head")
INSERT_ONLY = ("audit_entry", "audit_detail", "audit_seal", "event", "effect")
DELETABLE = (
    "calendar_session", "enrolment", "session_fact", "summary", "register_arrival", "student_merge", "code_map",
    "role_assignment", "school_scope", "idempotency_key", "entry_state", "student_attribute", "late_trip",
    "stale_attendance",
)  # fmt: skip
ANALYSED = ("mark", "session_fact", "summary", "student", "enrolment", "calendar_session", "guardian_link")
FUNCTIONS = ("ensure_year_partitions(date)", "school_year_start(date, text)", "refuse_change()")


def upgrade() -> None:
    run(CREATE_ROLE)
    run("create extension if not exists btree_gist;")
    run((HERE / "0001_functions.sql").read_text())
    run((HERE / "0001_tables.sql").read_text())
    for table in tables():
        protect(table)
    run(append_only("audit_entry") + append_only("audit_detail") + append_only("audit_seal") + append_only("event"))
    run(frozen_after_draft("rule_set_version", "content", "digest", "version", "rule_set_id"))
    run(frozen_after_draft("letter_template_version", "body", "merge_field_schema", "version", "template_id"))
    run(f"grant usage on schema public to {ROLE}; grant select on alembic_version to {ROLE};")
    run(f"grant execute on function ensure_year_partitions(date) to {ROLE};")
    # after a bulk load the planner needs statistics at once, not when autovacuum comes by
    run(f"grant maintain on {', '.join(ANALYSED)} to {ROLE};")
    run(f"grant usage on all sequences in schema public to {ROLE};")


def protect(table: str) -> None:
    if table not in UNTENANTED:
        run(force_tenant(table))
    if table in INSERT_ONLY:
        run(allow(table, "select, insert"))
    elif table == "mark":  # raw rows stay as they came: only the order of exact duplicates moves; a roll-back deletes
        run(allow(table, "select, insert, delete, update (ingest_seq)"))
    else:
        run(allow(table, "select, insert, update" + (", delete" if table in DELETABLE else "")))


def downgrade() -> None:
    for table in reversed(tables()):
        run(f"drop table {table} cascade;")
    for function in FUNCTIONS:
        run(f"drop function {function};")
    run(f"revoke all on all tables in schema public from {ROLE}; revoke usage on schema public from {ROLE};")


def tables() -> list[str]:
    """The tables of this version, in the order in which they are made."""
    lines = (HERE / "0001_tables.sql").read_text().splitlines()
    return [line.split()[2] for line in lines if line.startswith("CREATE TABLE ")]


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
