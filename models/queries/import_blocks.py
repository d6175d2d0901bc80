"""One block of an import: stage it by COPY, set aside what points nowhere, merge the rest."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from models.copying import Copied, as_copied, as_texts, copy_rows, fresh_stage
from models.imports import QuarantineRow
from models.queries import mark_keys
from models.queries import people_merge as people
from models.queries import register_merge as register
from models.queries.staging import COLUMNS, definition, set_aside
from models.rows import affected
from rules.attendance.quality import ADVICE


@dataclass(frozen=True, slots=True)
class MarkSource:
    """Where a block of marks comes from; `base` + line is the order in which ties are broken.

    `first`: the tenant had no marks before this import, so that its rows need not be compared with any.
    """

    import_id: UUID
    base: int
    ref: str
    received_at: datetime
    first: bool = False


async def open_stage(session: AsyncSession, kind: str) -> None:
    """An empty staging table for one kind of file."""
    await fresh_stage(session, f"stage_{kind}", definition(kind))


def staged(kind: str, fields: Mapping[str, Sequence[object]], lines: Sequence[int], received_at: datetime) -> Copied:
    """Rows, column by column, ready for `stage`.

    Columns that nothing reads, and those that hold nothing in any row, are left out: they cost as much as full ones.
    """
    told = {name: as_texts(fields[name]) for name in COLUMNS[kind] if name in fields and _holds(fields[name])}
    if kind == "marks":
        keys = mark_keys.keys(fields, received_at)
        again = mark_keys.repeated(keys)
        told |= {"row_key": keys} | ({"repeated": again} if any(again) else {})
    return as_copied({"line": as_texts(lines), **told})


def _holds(values: Sequence[object]) -> bool:
    return any(values) or not set(values) <= {None, ""}


async def stage(session: AsyncSession, kind: str, rows: Copied) -> None:
    """Append rows to the staging table."""
    await copy_rows(session, f"stage_{kind}", rows)


async def keep_aside(session: AsyncSession, rows: Sequence[dict[str, object]]) -> None:
    """Quarantine rows that could not even be read."""
    if rows:
        await session.execute(insert(QuarantineRow), rows)


async def quarantine(session: AsyncSession, kind: str, import_id: UUID) -> int:
    """Set aside the staged rows that are malformed or name a school, student or guardian nobody knows; how many."""
    if kind != "marks":  # its size is all the planner needs to know of a block of marks
        await session.execute(text(f"analyze stage_{kind}"))
    gone = await session.execute(text(set_aside(kind)), {"import_id": import_id, "advice": json.dumps(ADVICE)})
    return affected(gone)


async def merge_schools(session: AsyncSession, timezone: str) -> list[UUID]:
    """Schools from staging; the ids of those that are new or changed."""
    return list((await session.execute(text(people.SCHOOLS), {"timezone": timezone})).scalars())


async def merge_code_map(session: AsyncSession) -> list[str]:
    """Code meanings from staging; the code sets whose meanings changed."""
    return sorted(set((await session.execute(text(register.CODE_MAP))).scalars()))


async def code_sets_without_a_map(session: AsyncSession) -> list[str]:
    """Code sets that schools name and nobody has explained."""
    missing = "select distinct code_set from school where code_set not in (select code_set from code_map) order by 1"
    return list((await session.execute(text(missing))).scalars())


async def stale_schools(session: AsyncSession, schools: Sequence[UUID], code_sets: Sequence[str]) -> None:
    """Everybody of these schools, and of the schools on these code sets, is computed anew."""
    also = (await session.execute(text(register.SCHOOLS_OF_CODE_SETS), {"code_sets": list(code_sets)})).scalars()
    await session.execute(text(register.STALE_SCHOOLS), {"schools": [*schools, *also]})


async def merge_students(session: AsyncSession, now: datetime, today: date) -> None:
    """Students from staging, with the exemptions the list declares."""
    await merge_student_records(session)
    await session.execute(text(people.EXEMPTIONS), {"today": today})
    await session.execute(text(people.WITHDRAW_EXEMPTIONS), {"now": now})


async def merge_student_records(session: AsyncSession) -> None:
    """Students from staging, their exemptions left alone: a single record does not say who else is exempt."""
    await session.execute(text(people.STUDENTS))


async def declared_merges(session: AsyncSession) -> dict[str, str]:
    """Merges from staging added to those known; all of them as old id -> new id."""
    await session.execute(text(people.STUBS_OF_MERGES))
    await session.execute(text(register.MERGES))
    return {row.old_source_id: row.new_source_id for row in await session.execute(text(register.DECLARED_MERGES))}


async def apply_merges(session: AsyncSession, ends: Mapping[str, str]) -> None:
    """Point every merged id to the end of its chain and mark all ids concerned stale."""
    given = {"old": list(ends), "new": list(ends.values())}
    moved = (await session.execute(text(register.APPLY_MERGES), given)).all()
    changed = list({one for row in moved for one in row if one is not None})
    if changed:
        await session.execute(text(register.STALE_MERGED), {"changed": changed})
        await session.execute(text(register.STALE_FORMER), {"changed": changed})


async def merge_simple(session: AsyncSession, kind: str) -> None:
    """Classes, guardians, links, calendars and enrolments: one or two statements each."""
    for statement in SIMPLE[kind]:
        await session.execute(text(statement))


SIMPLE: Mapping[str, tuple[str, ...]] = {
    "classes": (people.CLASSES,),
    "guardians": (people.GUARDIANS,),
    "student_guardians": (people.LINKS,),
    "calendar": (register.CALENDAR, register.CALENDAR_YEARS),
    "enrolments": (people.STUBS_OF_ENROLMENTS, register.ENROLMENTS),
}


async def no_marks(session: AsyncSession) -> bool:
    """Whether the tenant has no marks yet."""
    return bool(await session.scalar(text(register.NO_MARKS)))


async def merge_marks(session: AsyncSession, source: MarkSource) -> int:
    """Marks from staging; how many were new. Reading the same rows again adds nothing."""
    await session.execute(text("set local work_mem = '64MB'"))
    # a block lost in a crash is missing from its import's progress too: the last commit of an import waits for all
    await session.execute(text("set local synchronous_commit = off"))
    await session.execute(text(register.PARTITION_YEARS))
    given = {"import_id": source.import_id, "base": source.base, "source_ref": source.ref, "now": source.received_at}
    if source.first:
        try:
            async with session.begin_nested():
                return int((await session.execute(text(register.FIRST_MARKS), given)).one().added)
        except IntegrityError:
            pass  # a row of an earlier block again: the other way finds which
    return int((await session.execute(text(register.MARKS), given)).one().added)


async def forget_marks(session: AsyncSession, import_id: UUID) -> int:
    """Take back the marks of an import; those concerned are stale. How many rows went."""
    await session.execute(text(register.STALE_IMPORT), {"import_id": import_id})
    gone = await session.execute(text(register.FORGET_IMPORT), {"import_id": import_id})
    return affected(gone)
