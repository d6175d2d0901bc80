"""Pointers: links that lead one guardian to one thing, and the codes sent for them."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SCHEMA = """
create table pointer (
    id uuid default uuidv7() not null,
    tenant_id uuid default nullif(current_setting('app.current_tenant', true), '')::uuid not null,
    guardian_id uuid not null,
    student_id uuid not null,
    school_id uuid not null,
    kind text not null,
    thing_id uuid not null,
    token_hash text not null,
    made_by uuid,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    tries smallint default 0 not null,
    opened_at timestamptz,
    ended_at timestamptz,
    ended_by text,
    created_at timestamptz default now() not null,
    constraint pk_pointer primary key (id),
    constraint uq_pointer_tenant_id_token_hash unique (tenant_id, token_hash),
    constraint ck_pointer_kind check (kind in ('LETTER', 'FAMILY_COPY')),
    constraint ck_pointer_ended_by check (ended_by in ('WITHDRAWN', 'CONTACT_STOP', 'GUESSED')),
    constraint ck_pointer_ended_for_a_reason check ((ended_at is null) = (ended_by is null)),
    constraint fk_pointer_tenant_id foreign key (tenant_id) references tenant (id),
    constraint fk_pointer_guardian_id foreign key (guardian_id) references guardian (id),
    constraint fk_pointer_student_id foreign key (student_id) references student (id),
    constraint fk_pointer_school_id foreign key (school_id) references school (id),
    constraint fk_pointer_made_by foreign key (made_by) references person (id)
);
create index ix_pointer_guardian_id on pointer (tenant_id, guardian_id);
create index ix_pointer_student_id on pointer (tenant_id, student_id);
create trigger not_erased before insert on pointer for each row execute function refuse_erased();

create table pointer_visit (
    id uuid default uuidv7() not null,
    tenant_id uuid default nullif(current_setting('app.current_tenant', true), '')::uuid not null,
    pointer_id uuid not null,
    channel text not null,
    code_hash text not null,
    sent_at timestamptz not null,
    proved_at timestamptz,
    value_hash text,
    seen_at timestamptz,
    left_at timestamptz,
    created_at timestamptz default now() not null,
    constraint pk_pointer_visit primary key (id),
    constraint uq_pointer_visit_tenant_id_value_hash unique (tenant_id, value_hash),
    constraint ck_pointer_visit_channel check (channel in ('EMAIL')),
    constraint fk_pointer_visit_tenant_id foreign key (tenant_id) references tenant (id),
    constraint fk_pointer_visit_pointer_id foreign key (pointer_id) references pointer (id)
);
create index ix_pointer_visit_pointer_id on pointer_visit (tenant_id, pointer_id);
"""


def upgrade() -> None:
    run(SCHEMA)
    for table in ("pointer", "pointer_visit"):
        run(force_tenant(table) + allow(table, "select, insert, update"))


def downgrade() -> None:
    run("drop table pointer_visit; drop table pointer;")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
