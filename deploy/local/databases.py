"""Roles and databases of an embedded server, made as its superuser. Apart, because the supervisor needs no driver."""

import psycopg
from psycopg import sql

from deploy.local.postgres import APP, OWNER, Server


def ensure_roles(server: Server) -> None:
    """Create or refresh the two roles: the owner migrates, the application owns nothing and bypasses nothing."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        for role, secret in ((OWNER, server.credentials.owner), (APP, server.credentials.app)):
            known = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
            verb = sql.SQL("alter" if known else "create")
            connection.execute(
                sql.SQL("{} role {} login nosuperuser nocreatedb nocreaterole nobypassrls password {}").format(
                    verb, sql.Identifier(role), sql.Literal(secret)
                )
            )


def ensure_database(server: Server, name: str, template: str | None = None) -> bool:
    """Create the database unless it exists; True when it was made now."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            return False
        source = sql.SQL(" template {}").format(sql.Identifier(template)) if template else sql.SQL("")
        connection.execute(
            sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(OWNER)) + source
        )
        return True


def drop_database(server: Server, name: str) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
