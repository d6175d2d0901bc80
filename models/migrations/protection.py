"""Row-level security, grants and append-only triggers as SQL, the same for every migration that adds a table."""

ROLE = "handrail_app"
# A sub-select is evaluated once per statement, not once per row; nullif because a transaction-local setting leaves ''
TENANT = "(select nullif(current_setting('app.current_tenant', true), '')::uuid)"

CREATE_ROLE = f"""
do $$ begin
    if not exists (select from pg_roles where rolname = '{ROLE}') then
        create role {ROLE} nologin nosuperuser nobypassrls nocreatedb nocreaterole;
    end if;
exception when duplicate_object then null;
end $$;
"""


def force_tenant(table: str) -> str:
    """Bind every role, the owner too, to the rows of the current tenant."""
    return f"""
alter table {table} enable row level security;
alter table {table} force row level security;
create policy tenant on {table} using (tenant_id = {TENANT}) with check (tenant_id = {TENANT});
"""


def allow(table: str, privileges: str) -> str:
    """Grant the application role exactly these privileges."""
    return f"grant {privileges} on {table} to {ROLE};\n"


def append_only(table: str) -> str:
    """Refuse update, delete and truncate whoever asks, the owner too."""
    return f"""
create trigger append_only before update or delete on {table} for each row execute function refuse_change();
create trigger append_only_truncate before truncate on {table} for each statement execute function refuse_change();
"""


def frozen_after_draft(table: str, *columns: str) -> str:
    """Refuse a change of these columns once the row has left DRAFT."""
    changed = " or ".join(f"old.{column} is distinct from new.{column}" for column in columns)
    return f"""
create trigger frozen before update on {table} for each row
    when (old.status <> 'DRAFT' and ({changed})) execute function refuse_change();
create trigger frozen_delete before delete on {table} for each row
    when (old.status <> 'DRAFT') execute function refuse_change();
"""
