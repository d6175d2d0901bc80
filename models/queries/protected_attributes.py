"""The one place that touches protected attributes (safeguards.md section 12): taken in, counted by, taken away.

Nothing here answers with a student: what is counted goes through `rules/fairness.py` or a backtest's figures, which
hide small groups. No rule, no record and no list of the API reads them (`tests/architecture/test_shape.py`).
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.rows import affected

# Under the id a student became; what was said of that id itself goes before what was said of one merged into it
_OF_STUDENTS: Final = """
    select distinct on (1, 2) coalesce(s.merged_into_id, s.id) as student_id, lower(a.kind) as kind, a.value
    from student_attribute a join student s on s.id = a.student_id
    order by 1, 2, s.merged_into_id is not null, a.id
"""
_OF_WALKED: Final = text(f"""
select a.student_id, a.kind, a.value from ({_OF_STUDENTS}) a
where exists (select from backtest_walk w where w.backtest_id = :backtest and w.student_id = a.student_id)
""")
BESIDE: Final = f"create temp table fair_attribute on commit drop as {_OF_STUDENTS}"
"""A table `fair_attribute` of this transaction: student_id, kind, value."""

_LEFT_OUT: Final = text("delete from stage_student_attributes where not lower(kind) = any(cast(:kinds as text[]))")
# The file is whole for each student it names: a kind it leaves out, or says nothing of, is gone
_GONE: Final = text("""
delete from student_attribute a using student s, student named
where s.id = a.student_id and named.source_id in (select student_id from stage_student_attributes)
    and coalesce(named.merged_into_id, named.id) = coalesce(s.merged_into_id, s.id)
""")
_SAID: Final = text("""
insert into student_attribute (student_id, kind, value)
select distinct on (1, 2) coalesce(t.merged_into_id, t.id), lower(s.kind), s.value
from stage_student_attributes s join student t on t.source_id = s.student_id
where s.value is not null and t.erased_at is null and (t.merged_into_id is null or exists (
    select from student one where one.id = t.merged_into_id and one.erased_at is null))
order by 1, 2, s.line desc
""")
_ONLY: Final = text("delete from student_attribute where not lower(kind) = any(cast(:kinds as text[]))")


async def of_walked(session: AsyncSession, backtest_id: UUID) -> dict[UUID, dict[str, str]]:
    """By kind, of everybody a backtest walked; for counting only."""
    found: dict[UUID, dict[str, str]] = {}
    for student_id, kind, value in await session.execute(_OF_WALKED, {"backtest": backtest_id}):
        found.setdefault(student_id, {})[kind] = value
    return found


async def take_in(session: AsyncSession, kinds: Collection[str]) -> int:
    """Replace what is known of the students in staging; how many rows were of a kind nobody may hold, and left out."""
    left = affected(await session.execute(_LEFT_OUT, {"kinds": list(kinds)}))
    await session.execute(_GONE)
    await session.execute(_SAID)
    return left


async def keep_only(session: AsyncSession, kinds: Collection[str]) -> int:
    """Take away every other kind: what it was held for has ended. How many rows went."""
    return affected(await session.execute(_ONLY, {"kinds": list(kinds)}))
