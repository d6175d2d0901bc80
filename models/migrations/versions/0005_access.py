"""Who reaches which student: classes, named students, kinship of staff, accounts of guardians."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TENANT_COLUMN = "tenant_id uuid default nullif(current_setting('app.current_tenant', true), '')::uuid not null"
TABLES = ("class_scope", "student_scope", "kinship", "guardian_account")

SCHEMA = f"""
create table class_scope (
    {TENANT_COLUMN},
    person_id uuid not null,
    class_id uuid not null,
    constraint pk_class_scope primary key (person_id, class_id),
    constraint fk_class_scope_tenant_id foreign key (tenant_id) references tenant (id),
    constraint fk_class_scope_person_id foreign key (person_id) references person (id),
    constraint fk_class_scope_class_id foreign key (class_id) references school_class (id)
);

create table student_scope (
    id uuid default uuidv7() not null,
    {TENANT_COLUMN},
    person_id uuid not null,
    student_id uuid not null,
    kind text not null,
    starts_on date,
    ends_on date,
    created_at timestamptz default now() not null,
    constraint pk_student_scope primary key (id),
    constraint uq_student_scope_tenant_id_person_id_student_id_kind unique (tenant_id, person_id, student_id, kind),
    constraint ck_student_scope_kind check (kind in ('CASE', 'GROUP', 'SELF')),
    constraint ck_student_scope_named_cases_end check (kind <> 'CASE' or ends_on is not null),
    constraint fk_student_scope_tenant_id foreign key (tenant_id) references tenant (id),
    constraint fk_student_scope_person_id foreign key (person_id) references person (id),
    constraint fk_student_scope_student_id foreign key (student_id) references student (id)
);

create table kinship (
    id uuid default uuidv7() not null,
    {TENANT_COLUMN},
    person_id uuid not null,
    student_id uuid not null,
    relation text not null,
    declared_by uuid,
    created_at timestamptz default now() not null,
    constraint pk_kinship primary key (id),
    constraint uq_kinship_tenant_id_person_id_student_id unique (tenant_id, person_id, student_id),
    constraint ck_kinship_relation check (relation in ('GUARDIAN', 'RELATIVE')),
    constraint fk_kinship_tenant_id foreign key (tenant_id) references tenant (id),
    constraint fk_kinship_person_id foreign key (person_id) references person (id),
    constraint fk_kinship_student_id foreign key (student_id) references student (id),
    constraint fk_kinship_declared_by foreign key (declared_by) references person (id)
);
create index ix_kinship_student_id on kinship (tenant_id, student_id);

create table guardian_account (
    {TENANT_COLUMN},
    person_id uuid not null,
    guardian_id uuid not null,
    constraint pk_guardian_account primary key (person_id),
    constraint fk_guardian_account_tenant_id foreign key (tenant_id) references tenant (id),
    constraint fk_guardian_account_person_id foreign key (person_id) references person (id),
    constraint fk_guardian_account_guardian_id foreign key (guardian_id) references guardian (id)
);

-- every request of a member of staff asks whether a guardian with their address is linked to a student
create index ix_guardian_email on guardian (tenant_id, lower(email));
"""


def upgrade() -> None:
    run(SCHEMA)
    for table in TABLES:
        run(force_tenant(table) + allow(table, "select, insert, update, delete"))


def downgrade() -> None:
    run("drop index ix_guardian_email;")
    for table in reversed(TABLES):
        run(f"drop table {table};")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
