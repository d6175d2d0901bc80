"""Every reference can be found from the row it points at: deleting a row is no search through a whole table."""

from typing import Any

import psycopg
import pytest

from models.tables import unindexed
from tests.servers.kinds import Database

pytestmark = pytest.mark.servers
# what refers to rows that go one by one, and whether an index of all rows that hold a value begins with it; the
# tenant, which goes once, and the partitions of a table, which have their parent's, are left out
REFERENCES = """
select c.conrelid::regclass::text || '.' || a.attname, exists (
    select from pg_index i join pg_class k on k.oid = i.indexrelid join pg_am m on m.oid = k.relam
    where i.indrelid = c.conrelid and m.amname = 'btree' and i.indisvalid
        and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname))
        and (i.indkey[0] = a.attnum or i.indkey[1] = a.attnum and i.indkey[0] = (
            select attnum from pg_attribute t where t.attrelid = c.conrelid and t.attname = 'tenant_id')))
from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
where c.contype = 'f' and c.conparentid = 0 and c.confrelid <> 'tenant'::regclass
order by 1
"""


def references(connection: psycopg.Connection[Any]) -> dict[str, bool]:
    """Each reference by its column, and whether it can be found."""
    return {str(row[0]): bool(row[1]) for row in connection.execute(REFERENCES).fetchall()}


def test_every_reference_has_an_index(database: Database) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        found = references(connection)
        assert len(found) > 150, "the search finds the references"
        assert [name for name, indexed in found.items() if not indexed] == []
        # the control: without its index one is named; a narrower one does not do
        connection.execute("drop index ix_task_student_id_referred")
        assert references(connection)["task.student_id"] is False
        connection.execute("create index on task (student_id) where status = 'OPEN'")
        assert references(connection)["task.student_id"] is False
        connection.rollback()


def test_the_declared_tables_say_so_too() -> None:
    assert list(unindexed()) == []
