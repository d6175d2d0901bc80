"""Erasure over inbound events: also those about a student's behaviour and guardians, and ids that name the student."""

import psycopg
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# A short source id such as 7 stands inside many others: only a whole word counts
FUNCTIONS = r"""
create function names_one_of(said text, ids text[]) returns boolean language sql immutable parallel safe as $$
    select coalesce(bool_or(said ~* ('(^|[^[:alnum:]])' || regexp_replace(one, '([^[:alnum:]])', '\\\1', 'g')
        || '([^[:alnum:]]|$)')), false) from unnest(ids) one where one ~ '[[:alnum:]]'
$$;

-- Which events told of them, by what they told; the row stays, so that how much came in stays known.
create function erase_inbound(mine uuid[], alone uuid[], sources text[]) returns void language plpgsql as $$
declare
    theirs text[] := array(select source_id from guardian where id = any(alone));
    records text[] := array(select source_key from behaviour_event where student_id = any(mine));
begin
    update inbound_event set entity = null, problem = null, event_id = 'erased-' || id, digest = ''
        where names_one_of(event_id, sources || theirs || records) or names_one_of(problem, sources || theirs || records)
            or (entity like 'students/%' and names_one_of(entity, sources))
            or ((entity like 'guardians/%' or entity like 'students/%/guardians/%') and names_one_of(entity, theirs))
            or (entity like 'behaviour/%' and names_one_of(entity, records));
end $$;
revoke all on function erase_inbound(uuid[], uuid[], text[]) from public;
"""
# The function that erases words is long: its one statement about inbound events is exchanged, and moves before the rows
# that say which they were go
BEFORE = """    update inbound_event set entity = null, problem = null where exists (
        select from unnest(sources) s where position(s in concat(entity, ' ', problem)) > 0);
"""
ANCHOR = "    delete from behaviour_event where student_id = any(mine);\n"
CALL = "    perform erase_inbound(mine, alone, sources);\n"
DROPPED = "drop function erase_inbound(uuid[], uuid[], text[]); drop function names_one_of(text, text[]);"


def upgrade() -> None:
    run(FUNCTIONS)
    exchange((BEFORE, ""), (ANCHOR, CALL + ANCHOR))


def downgrade() -> None:
    exchange((CALL + ANCHOR, BEFORE + ANCHOR))
    run(DROPPED)


def exchange(*pairs: tuple[str, str]) -> None:
    row = connection().execute("select pg_get_functiondef('erase_words(uuid)'::regprocedure)").fetchone()
    assert row
    text: str = row[0]
    for found, wanted in pairs:
        assert text.count(found) == 1, f"erase_words holds this once: {found}"
        text = text.replace(found, wanted)
    run(text)


def connection() -> "psycopg.Connection[tuple[str]]":
    there = op.get_bind().connection.driver_connection
    assert isinstance(there, psycopg.Connection)
    return there


def run(script: str) -> None:
    connection().execute(script.encode())
