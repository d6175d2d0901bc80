"""Reading the trail by who acted: an index answers, however many entries everybody else has left."""

from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy.dialects import postgresql

from models.queries import audit_trail
from models.queries.audit_trail import TrailFilter
from models.queries.keyset import Window
from tests.servers.kinds import Database

pytestmark = pytest.mark.servers
FILL = """
insert into audit_entry (at, actor_id, actor_role, actor_display, source, request_id, verb, subject_kind)
select now(), case when n %% 10000 = 0 then %(rare)s::uuid else gen_random_uuid() end, 'teacher', 'T', 'api', 'r',
    'read', 'student' from generate_series(1, 30000) n
"""


def test_the_entries_of_one_person_are_found_without_a_scan(database: Database) -> None:
    rare = uuid4()
    with psycopg.connect(database.owner_dsn) as owner:
        (tenant,) = (
            owner.execute("insert into tenant (key, name) values ('seen', 'Seen') returning id").fetchone() or ()
        )
        owner.execute("select set_config('app.current_tenant', %s, true)", [str(tenant)])
        owner.execute(FILL, {"rare": rare})
        owner.execute("analyze audit_entry")
        plan = explained(owner, rare)
        owner.rollback()
    assert "ix_audit_entry_actor" in plan, plan
    assert "Seq Scan on audit_entry" not in plan


def explained(connection: psycopg.Connection, actor_id: UUID) -> str:
    """The plan of the very statement that a page of the trail is read with."""
    wanted = audit_trail.entries_page(TrailFilter(actor_id=actor_id), Window(50, None))
    compiled = wanted.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]  # dialects are untyped
    return "\n".join(row[0] for row in connection.execute(f"explain {compiled}".replace("%%", "%").encode()).fetchall())
