"""An erasure takes a student's rows out of what imports said was odd: their id, a day and a register code."""

import psycopg
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

# The function that erases words is long: one place of it is exchanged
ROWS = "    update quarantine_row set row = '{}', detail = null where\n"
ISSUES = """    update import_run set issues = (
            select jsonb_object_agg(kind, said || jsonb_build_object('first', (
                select coalesce(jsonb_agg(line), '[]') from jsonb_array_elements(said -> 'first') line
                where (line ->> 0 = any(sources)) is not true)))
            from jsonb_each(issues) each(kind, said))
        where exists (select from jsonb_each(issues) each(kind, said), jsonb_array_elements(said -> 'first') line
            where line ->> 0 = any(sources));
"""


def upgrade() -> None:
    exchange(ROWS, ISSUES + ROWS)


def downgrade() -> None:
    exchange(ISSUES + ROWS, ROWS)


def exchange(found: str, wanted: str) -> None:
    row = connection().execute("select pg_get_functiondef('erase_words(uuid)'::regprocedure)").fetchone()
    assert row
    text: str = row[0]
    assert text.count(found) == 1, f"erase_words holds this once: {found}"
    connection().execute(text.replace(found, wanted).encode())


def connection() -> "psycopg.Connection[tuple[str]]":
    there = op.get_bind().connection.driver_connection
    assert isinstance(there, psycopg.Connection)
    return there
