"""Alembic environment: the address comes from the caller, else from Settings."""

import re
from uuid import UUID

from alembic import context
from sqlalchemy import create_engine, pool

from models.base import Base
from models.tables import tenant_tables
from settings import Settings, secret

PARTITION = re.compile(r"_y\d{4}(_|$)")


def include_object(_thing: object, name: str | None, kind: str, _reflected: object, _other: object) -> bool:
    """Partitions are made by `ensure_year_partitions`, not declared."""
    return not (kind in {"table", "index"} and name is not None and PARTITION.search(name))


def main() -> None:
    """Run the wanted migrations on one connection as the owner of the schema."""
    assert tenant_tables(), "no table is declared"
    url = context.config.attributes.get("url") or secret(
        Settings.load().require("database_owner_url").database_owner_url
    )
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        # defaults are compared by value, and null never equals null: give the tenant's default a value
        connection.exec_driver_sql(f"select set_config('app.current_tenant', '{UUID(int=0)}', false)")
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=include_object,
            compare_server_default=True,
        )
        with context.begin_transaction():
            context.run_migrations()


main()
