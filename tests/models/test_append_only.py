"""Audit and event rows stay as written: neither the application nor the owner can change them."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection

from tests.servers.kinds import Database

pytestmark = pytest.mark.servers
KEPT = ("audit_entry", "audit_detail", "audit_seal", "audit_anchor", "student_view", "event")


@pytest.fixture
def application(database: Database) -> Iterator[Connection]:
    with psycopg.connect(database.app_dsn) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def owner(database: Database) -> Iterator[Connection]:
    with psycopg.connect(database.owner_dsn) as connection:
        yield connection
        connection.rollback()


def an_audit_entry(connection: Connection) -> None:
    tenant = connection.execute("insert into tenant (key, name) values ('t', 'T') returning id").fetchone()
    assert tenant
    connection.execute("select set_config('app.current_tenant', %s, true)", [str(tenant[0])])
    connection.execute(
        "insert into audit_entry (at, actor_role, actor_display, source, request_id, verb, subject_kind)"
        " values (now(), 'system', 'Handrail', 'cli', 'r', 'import', 'tenant')"
    )


@pytest.mark.parametrize("table", [*KEPT, "effect"])
@pytest.mark.parametrize("statement", ["update {} set tenant_id = tenant_id", "delete from {}", "truncate {}"])
def test_the_application_has_no_right_to_change_them(application: Connection, table: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute(statement.format(table).encode())


@pytest.mark.parametrize("statement", ["update audit_entry set verb = 'x'", "delete from audit_entry"])
def test_even_the_owner_is_refused(owner: Connection, statement: str) -> None:
    an_audit_entry(owner)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner.execute(statement.encode())


@pytest.mark.parametrize("table", ["audit_seal", "student_view", "event"])
def test_the_owner_cannot_truncate(owner: Connection, table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner.execute(f"truncate {table}".encode())


def test_the_application_owns_nothing(application: Connection) -> None:
    owned = application.execute("select relname from pg_class where relowner = current_user::regrole").fetchall()
    assert owned == []


def test_a_rule_set_version_is_frozen_once_it_has_left_draft(application: Connection) -> None:
    tenant = application.execute("insert into tenant (key, name) values ('r', 'R') returning id").fetchone()
    assert tenant
    application.execute("select set_config('app.current_tenant', %s, true)", [str(tenant[0])])
    application.execute("insert into rule_set (key, title) values ('general', 'General')")
    application.execute(
        "insert into rule_set_version (rule_set_id, version, digest, content) select id, 1, 'd', '{}' from rule_set"
    )
    application.execute("update rule_set_version set content = '{\"a\": 1}'")
    application.execute("update rule_set_version set status = 'ACTIVE'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="frozen"):
        application.execute("update rule_set_version set content = '{}'")
