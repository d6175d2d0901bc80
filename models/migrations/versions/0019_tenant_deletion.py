"""Deleting a whole tenant: a third standing, a tombstone, and rows written once that go with their tenant alone."""

import psycopg
from alembic import op

from models.migrations.protection import allow

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

STANDINGS = """
alter table tenant drop constraint ck_tenant_status,
    add constraint ck_tenant_status check (status in ({words}));
"""
TOMBSTONE = """
create table tenant_tombstone (
    id uuid not null constraint pk_tenant_tombstone primary key,
    key text not null,
    deleted_by text not null,
    reason text not null,
    export_sha256 text,
    without_export text,
    rows jsonb not null,
    chain_position bigint,
    chain_hash text,
    workflows integer default 0 not null,
    objects integer default 0 not null,
    objects_locked integer default 0 not null,
    ordered_at timestamp with time zone not null,
    done_at timestamp with time zone,
    constraint ck_tenant_tombstone_exported check (num_nonnulls(export_sha256, without_export) = 1)
);
create trigger frozen before update or delete on tenant_tombstone for each row
    when (old.done_at is not null) execute function refuse_change();
"""
# Only the owner of the tables, who says so in this very transaction, and only for a tenant whose end was ordered
GOING = """
create function tenant_is_going(relation oid, wanted text) returns boolean language sql stable as $$
    select current_setting('handrail.deleting_tenant', true) = wanted
        and current_user = (select pg_get_userbyid(relowner) from pg_class where oid = relation)
        and exists (select from tenant where id::text = wanted and status = 'DELETING')
$$;
"""
REFUSE = """
create or replace function refuse_change() returns trigger language plpgsql as $$
begin{going}
    raise exception 'row of % is append-only or frozen: % refused', tg_table_name, tg_op using errcode = '42501';
end $$;
create or replace function refuse_change_but_erasure() returns trigger language plpgsql as $$
declare
    words constant text[] := array['reason', 'data', 'what', 'actor_display'];
    owner name := (select pg_get_userbyid(relowner) from pg_class where oid = tg_relid);
begin{going}
    if tg_op = 'UPDATE' and current_user = owner and (to_jsonb(new) - words) = (to_jsonb(old) - words)
            and current_setting('handrail.erasing', true) = to_jsonb(old) ->> 'student_id' then
        return new;
    end if;
    raise exception 'row of % is append-only or frozen: % refused', tg_table_name, tg_op using errcode = '42501';
end $$;
"""
GONE_WITH_IT = """
    if tg_op = 'DELETE' and tenant_is_going(tg_relid, to_jsonb(old) ->> 'tenant_id') then
        return old;
    end if;"""


def upgrade() -> None:
    run(STANDINGS.format(words="'ACTIVE', 'SUSPENDED', 'DELETING'"))
    run(GOING + REFUSE.format(going=GONE_WITH_IT))
    run(TOMBSTONE + allow("tenant_tombstone", "select"))


def downgrade() -> None:
    run("drop table tenant_tombstone;")
    run(REFUSE.format(going="") + "drop function tenant_is_going(oid, text);")
    run(STANDINGS.format(words="'ACTIVE', 'SUSPENDED'"))


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
