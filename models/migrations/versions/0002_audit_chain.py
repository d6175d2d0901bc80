"""Audit: details by hash, the queue of unsealed entries, anchors, a tenant's own data key."""

import psycopg
from alembic import op

from models.migrations.protection import allow, append_only, force_tenant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TENANT_ID = """
    tenant_id uuid default nullif(current_setting('app.current_tenant', true), '')::uuid not null
        constraint fk_{table}_tenant_id references tenant (id)"""
UNSEALED = f"""
create table audit_unsealed ({TENANT_ID.format(table="audit_unsealed")},
    seq bigint not null,
    entry_id uuid not null,
    constraint pk_audit_unsealed primary key (tenant_id, seq)
);
"""
ANCHOR = f"""
create table audit_anchor (
    id uuid default uuidv7() not null constraint pk_audit_anchor primary key,{TENANT_ID.format(table="audit_anchor")},
    number integer not null,
    first_position bigint not null,
    last_position bigint not null,
    hash text not null,
    storage_path text not null,
    sha256 text not null,
    written_at timestamp with time zone not null,
    created_at timestamp with time zone default now() not null,
    constraint uq_audit_anchor_tenant_id_number unique (tenant_id, number)
);
"""
KEY = "uq_student_key_tenant_id_student_id_record_class"


def upgrade() -> None:
    # the salt lies in the encrypted detail from now on: without its key the hashes say nothing to anybody
    run("alter table audit_entry drop column salt, add column detail_sha256 text;")
    run(UNSEALED + force_tenant("audit_unsealed") + allow("audit_unsealed", "select, insert, delete"))
    # entries written before there was a sealer; the owner is bound by the policy too while it is forced
    run("""
alter table audit_unsealed no force row level security; alter table audit_entry no force row level security;
insert into audit_unsealed (tenant_id, seq, entry_id) select tenant_id, seq, id from audit_entry;
alter table audit_unsealed force row level security; alter table audit_entry force row level security;
""")
    run(ANCHOR + force_tenant("audit_anchor") + allow("audit_anchor", "select, insert") + append_only("audit_anchor"))
    run(f"""
alter table student_key alter column student_id drop not null, drop constraint {KEY},
    add constraint {KEY} unique nulls not distinct (tenant_id, student_id, record_class);
""")


def downgrade() -> None:
    run("drop table audit_anchor; drop table audit_unsealed;")
    run("alter table audit_entry drop column detail_sha256, add column salt bytea;")
    run("delete from student_key where student_id is null;")
    run(f"""
alter table student_key alter column student_id set not null, drop constraint {KEY},
    add constraint {KEY} unique (tenant_id, student_id, record_class);
""")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
