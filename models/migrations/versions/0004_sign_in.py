"""Which account of an identity provider is which person."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = """
create table person_identity (
    id uuid default uuidv7() not null,
    tenant_id uuid default nullif(current_setting('app.current_tenant', true), '')::uuid not null,
    person_id uuid not null,
    issuer text not null,
    subject text not null,
    created_at timestamptz default now() not null,
    constraint pk_person_identity primary key (id),
    constraint uq_person_identity_tenant_id_issuer_subject unique (tenant_id, issuer, subject),
    constraint uq_person_identity_tenant_id_issuer_person_id unique (tenant_id, issuer, person_id),
    constraint fk_person_identity_tenant_id foreign key (tenant_id) references tenant (id),
    constraint fk_person_identity_person_id foreign key (person_id) references person (id)
);
"""


def upgrade() -> None:
    run(SCHEMA)
    run(force_tenant("person_identity") + allow("person_identity", "select, insert, delete"))


def downgrade() -> None:
    run("drop table person_identity;")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
