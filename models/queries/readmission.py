"""Rows set aside because nobody knew their student, and somebody does by now: they are taken in as they were said.

Guardian links are not among them: who may receive a letter is never taken from a row that waited (safeguards.md
section 2), as the rows that came since may have left the guardian out on purpose.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries import import_blocks as blocks
from models.queries import register_merge as register
from models.queries.schedule import materialise
from models.queries.staging import COLUMNS

BLOCK: Final = 20_000
TAKEN_IN: Final = "Taken in: the student became known."
SAID_ANEW: Final = "Left aside: the enrolment at this school was said anew since."

# Of an import that was taken back, or never came to its end, nothing comes in later
WAITING = """
create temp table waiting_row on commit drop as
select q.id, q.import_id, q.line, q.row, q.created_at, r.number, r.finished_at
from quarantine_row q join import_run r on r.id = q.import_id
where q.status = 'OPEN' and q.problem = 'UNKNOWN_STUDENT' and q.kind = :kind and r.status = 'FINISHED' and exists (
    select from student t where t.source_id = q.row ->> 'student_id' and t.erased_at is null)
order by r.number, q.created_at, q.line limit cast(:many as bigint) for update of q
"""

# A file is whole for each student and school it names: the last one that named the pair is the one that counts, and
# whatever the register says of the pair already is newer than a row that waited.
LAST_SAID = """
delete from waiting_row w using (
    select id, rank() over (partition by row ->> 'student_id', row ->> 'school_id' order by number desc) as place,
        exists (select from enrolment e
            join student t on t.id = e.student_id and t.source_id = v.row ->> 'student_id'
            join school h on h.id = e.school_id and h.source_id = v.row ->> 'school_id') as said
    from waiting_row v
) u where u.id = w.id and (u.place > 1 or u.said)
returning w.id
"""
STAGE = """
insert into stage_enrolments
select (jsonb_populate_record(null::stage_enrolments, row || jsonb_build_object('line', line))).* from waiting_row
"""
# Blocks were set aside one after the other, each in its own transaction: so the files of an import keep their order
MARKS = "select id, import_id, number, finished_at, row from waiting_row order by number, created_at, line"
SETTLE = """
update quarantine_row set status = :status, resolution = :resolution, resolved_at = :now where id = any(:ids)
"""


async def readmit(session: AsyncSession, *, span: int, now: datetime) -> dict[str, int]:
    """Take in what waited for a student, and say so on each row; how many rows of each kind.

    `span`: how far apart the places of two imports lie. Marks stay in the order and behind the imports in which they
    came (S3.1).
    """
    return {"enrolments": await _enrolments(session, now), "marks": await _marks(session, span, now)}


async def _enrolments(session: AsyncSession, now: datetime) -> int:
    await materialise(session, (("waiting_row", WAITING),), {"kind": "enrolments", "many": None})
    late = (await session.execute(text(LAST_SAID))).scalars().all()
    await _settle(session, late, "DISMISSED", SAID_ANEW, now)
    taken = (await session.execute(text("select id from waiting_row"))).scalars().all()
    if taken:
        await blocks.open_stage(session, "enrolments")
        await session.execute(text(STAGE))
        await blocks.merge_simple(session, "enrolments")
        await _settle(session, taken, "RESOLVED", TAKEN_IN, now)
    return len(taken)


async def _marks(session: AsyncSession, span: int, now: datetime) -> int:
    taken = 0
    while True:
        await materialise(session, (("waiting_row", WAITING),), {"kind": "marks", "many": BLOCK})
        rows = (await session.execute(text(MARKS))).all()
        if not rows:
            return taken
        for import_id, said in groupby(rows, key=lambda row: row.import_id):
            await _said_once(session, import_id, list(said), span, taken)
        await _settle(session, [row.id for row in rows], "RESOLVED", TAKEN_IN, now)
        taken += len(rows)


async def _said_once(session: AsyncSession, import_id: UUID, rows: Sequence[Any], span: int, before: int) -> None:
    """Merge the marks of one import; one that came again meanwhile is there already."""
    received = rows[0].finished_at
    places = [rows[0].number * span + before + n for n in range(len(rows))]
    marks = blocks.staged("marks", _columns([row.row for row in rows]), places, received)
    await blocks.open_stage(session, "marks")
    await blocks.stage(session, "marks", marks)
    await session.execute(text(register.PARTITION_YEARS))
    given = {"import_id": import_id, "base": 0, "source_ref": "readmitted", "now": received}
    await session.execute(text(register.MARKS), given)


def _columns(rows: Sequence[Mapping[str, str]]) -> dict[str, list[object]]:
    """The columns of rows as the reader gave them, so that each mark keeps its key and is known when it comes again."""
    columns: dict[str, list[object]] = {name: [row.get(name, "") for row in rows] for name in COLUMNS["marks"]}
    columns["recorded_at"] = [datetime.fromisoformat(str(said)) for said in columns["recorded_at"]]
    return columns


async def _settle(session: AsyncSession, ids: Sequence[UUID], status: str, resolution: str, now: datetime) -> None:
    if ids:
        given = {"status": status, "resolution": resolution, "now": now, "ids": list(ids)}
        await session.execute(text(SETTLE), given)
