"""Imports of the register: streamed in blocks under one id, resumable, taken back by id; nothing is guessed."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.district_folder import Chunk, read_feed
from gateways.source_declaration import CANONICAL, SourceDeclaration
from models.attendance import CodeMap
from models.copying import Copied
from models.imports import ImportRun
from models.queries import import_blocks as blocks
from models.queries import protected_attributes
from models.queries.import_blocks import MarkSource
from models.queries.import_issues import issues, progress, set_aside
from models.queries.readmission import readmit
from models.queries.refresh import renew_statistics
from models.session import Sessions
from rules.attendance.codes import BUILT_IN
from rules.attendance.merges import chain_ends
from rules.attendance.quality import IssueKind, advice
from rules.errors import Conflict, Invalid, NotFound
from services import attendance_summaries, audit, outbox, tenant_settings
from services.context import Actor
from services.signals import restated, tell_restated

ATTRIBUTES = "student_attributes"
ORDER = (
    "schools",
    "code_map",
    "classes",
    "calendar",
    "students",
    "student_merges",
    ATTRIBUTES,
    "guardians",
    "student_guardians",
    "enrolments",
    "marks",
)
RESTATING = frozenset({"schools", "calendar", "code_map", "enrolments", "student_merges"})
NAMING = frozenset({"students", "student_merges", "enrolments"})  # what may name a student nobody knew before
SEQUENCE_SPAN = 1 << 32
RENEW_STATISTICS_ROWS = 1000


@dataclass(frozen=True, slots=True)
class OpenImport:
    """What is imported: `source_name` for people, `fingerprint` to know the same file again, `resume` an earlier id."""

    kind: str
    source_name: str
    fingerprint: str | None = None
    resume: UUID | None = None
    timezone: str = "Europe/London"


@dataclass(frozen=True, slots=True)
class Progress:
    """What has been read so far, for a progress bar."""

    step: str
    rows: int


@dataclass(frozen=True, slots=True)
class Imported:
    """The outcome of an import."""

    import_id: UUID
    status: str
    counts: dict[str, int] = field(default_factory=dict)
    rows_read: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    students_recomputed: int = 0
    issues: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Run:
    """The import under way: who asked, where it stands, what to skip when it is resumed."""

    sessions: Sessions
    actor: Actor
    order: OpenImport
    now: datetime
    tell: Callable[[Progress], None]
    import_id: UUID
    base: int
    skip: int
    first: bool = False
    read: int = 0
    file: str = ""
    offset: int = 0
    last_line: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    restated: set[UUID] = field(default_factory=set)
    named: bool = False

    def source(self, block: Chunk) -> MarkSource:
        """Where a block's marks come from; their order runs through all files of the feed, not through each anew."""
        if block.file != self.file:
            self.file, self.offset = block.file, self.offset + self.last_line + 1
        self.last_line = block.numbers[-1] if block.numbers else self.last_line
        return MarkSource(self.import_id, self.base + self.offset, block.file, self.now, self.first)


async def import_feed(
    sessions: Sessions,
    actor: Actor,
    order: OpenImport,
    feed: Iterable[Chunk],
    *,
    now: datetime,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Imported:
    """Take a feed in, recompute what it changed and enqueue one `import.finished`; an error leaves it resumable."""
    run = await _open(sessions, actor, order, now, tell)
    try:
        for kind, group in groupby(feed, key=lambda block: block.table):
            await (_marks if kind == "marks" else _whole)(run, kind, group)
            run.named |= kind in NAMING
        if run.named:
            await _readmit(run)
        recomputed = await attendance_summaries.refresh(sessions, actor, now=now)
    except BaseException as error:
        await asyncio.shield(_failed(run, error))
        raise
    return await _finish(run, recomputed)


def district_feed(
    folder: Path, source: SourceDeclaration = CANONICAL, *, received_at: datetime, tables: Sequence[str] = ORDER
) -> Iterator[Chunk]:
    """The tables of a district folder, or some of them, in the order in which each finds what it needs."""
    for table in tables:
        files = sorted(folder.glob("marks*.csv")) if table == "marks" else [folder / f"{table}.csv"]
        for file in files:
            if file.exists():
                yield from read_feed(file, table, source, received_at=received_at)


async def roll_back(sessions: Sessions, actor: Actor, import_id: UUID, *, now: datetime) -> int:
    """Take back the marks of one import and recompute those concerned; how many marks went."""
    async with sessions.tenant(actor.tenant_id) as session:
        run = await _known(session, import_id)
        gone = await blocks.forget_marks(session, import_id)
        touched = await restated(session, now.date())
        run.status, run.finished_at = "ROLLED_BACK", now
        await audit.record(session, actor, audit.Act("roll_back", "import", import_id), now=now)
    await attendance_summaries.refresh(sessions, actor, now=now)
    async with sessions.tenant(actor.tenant_id) as session:
        await tell_restated(session, touched, now)
        await outbox.enqueue(session, "import.finished", f"import/{import_id}", {"import_id": str(import_id)})
    return gone


async def _open(
    sessions: Sessions, actor: Actor, order: OpenImport, now: datetime, tell: Callable[[Progress], None]
) -> _Run:
    async with sessions.tenant(actor.tenant_id) as session:
        if order.resume:
            row = await _known(session, order.resume)
            if row.status not in {"RUNNING", "FAILED"} or row.fingerprint != order.fingerprint:
                raise Conflict(
                    "import_not_resumable",
                    f"Import {row.id} is {row.status} or was of another file: start a new import.",
                )
            row.status, row.error = "RUNNING", None
        else:
            row = ImportRun(
                kind=order.kind,
                source_name=order.source_name,
                fingerprint=order.fingerprint,
                started_by=actor.person_id,
            )
            session.add(row)
        await session.flush()
        await audit.record(session, actor, audit.Act("import", "import", row.id), now=now)
        return _Run(sessions, actor, order, now, tell, row.id, row.number * SEQUENCE_SPAN, row.rows_done)


async def _known(session: AsyncSession, import_id: UUID) -> ImportRun:
    row = await session.get(ImportRun, import_id, with_for_update=True)
    if row is None:
        raise NotFound("import_unknown", f"There is no import {import_id}: list the imports to find its id.")
    return row


async def _ahead(group: Iterator[Chunk], now: datetime) -> AsyncGenerator[tuple[Chunk, Copied]]:
    """Read, parse and write out the next block in a thread while the database is busy with this one."""
    reading = asyncio.create_task(asyncio.to_thread(_next, group, now))
    try:
        while read := await reading:
            reading = asyncio.create_task(asyncio.to_thread(_next, group, now))
            yield read
    finally:
        # a thread cannot be stopped, and what it met no longer matters: wait, so that it does not read a closed file
        await asyncio.gather(reading, return_exceptions=True)


def _next(group: Iterator[Chunk], now: datetime) -> tuple[Chunk, Copied] | None:
    block = next(group, None)
    return (block, blocks.staged(block.table, block.fields, block.numbers, now)) if block else None


async def _whole(run: _Run, kind: str, group: Iterator[Chunk]) -> None:
    """A file that is merged as one: calendars and enrolments are whole, so all its blocks are staged first."""
    async with run.sessions.tenant(run.actor.tenant_id) as session:
        await blocks.open_stage(session, kind)
        read = unread = 0
        async with aclosing(_ahead(group, run.now)) as ahead:
            async for block, rows in ahead:
                await blocks.stage(session, kind, rows)
                unread += await _keep_aside(session, run, block)
                read += len(block.numbers)
                run.tell(Progress(kind, run.read + read))
        bad = await blocks.quarantine(session, kind, run.import_id)
        left_out = await _merge(session, run, kind)
        if kind in RESTATING:
            run.restated |= await restated(session, _today(run))
        run.read += read
        if run.read > run.skip:
            figures = {"read": read, "accepted": read - bad - left_out, "duplicate": 0, "quarantined": bad + unread}
            await progress(session, run.import_id, kind, figures)


async def _merge(session: AsyncSession, run: _Run, kind: str) -> int:
    """Merge what is staged; how many rows were left out because nobody said what they are for."""
    if kind == ATTRIBUTES:
        held_for = (await tenant_settings.fairness(session, run.actor.tenant_id)).kinds
        left_out = await protected_attributes.take_in(session, held_for)
        run.notes.update({IssueKind.UNDECLARED_ATTRIBUTE.value: left_out} if left_out else {})
        return left_out
    if kind == "schools":
        changed = await blocks.merge_schools(session, run.order.timezone)
        await blocks.stale_schools(session, changed, [])
        await _built_in_maps(session)
    elif kind == "code_map":
        await blocks.stale_schools(session, [], await blocks.merge_code_map(session))
    elif kind == "students":
        await blocks.merge_students(session, run.now, _today(run))
    elif kind == "student_merges":
        await blocks.apply_merges(session, chain_ends(await blocks.declared_merges(session)))
    else:
        if kind in {"calendar", "enrolments"}:
            await _require_code_maps(session)
        await blocks.merge_simple(session, kind)
    return 0


def _today(run: _Run) -> date:
    return run.now.astimezone(ZoneInfo(run.order.timezone)).date()


async def _built_in_maps(session: AsyncSession) -> None:
    """A tenant starts from the published meaning of a known code set, and may change its own copy."""
    for code_set in await blocks.code_sets_without_a_map(session):
        session.add_all(
            CodeMap(code_set=code_set, code=code, status=said.status.value, is_tardy=said.is_tardy)
            for code, said in BUILT_IN.get(code_set, {}).items()
        )
    await session.flush()


async def _require_code_maps(session: AsyncSession) -> None:
    missing = await blocks.code_sets_without_a_map(session)
    if missing:
        raise Invalid(
            "code_set_unknown",
            f"No code map for {', '.join(missing)}: add its codes to code_map.csv, or correct schools.csv.",
            fields={f"schools.csv code_set {name}": "has no code map" for name in missing},
        )


async def _marks(run: _Run, _kind: str, group: Iterator[Chunk]) -> None:
    """Marks go in block by block, each in its own transaction; an interrupted import skips what is in already."""
    async with run.sessions.tenant(run.actor.tenant_id) as session:
        run.first = await blocks.no_marks(session)
    async with aclosing(_ahead(group, run.now)) as ahead:
        async for block, rows in ahead:
            source = run.source(block)
            run.read += len(block.numbers)
            if run.read > run.skip or not block.numbers:
                await _block_of_marks(run, block, rows, source)
            run.tell(Progress(block.table, run.read))


async def _block_of_marks(run: _Run, block: Chunk, rows: Copied, source: MarkSource) -> None:
    kind, size = block.table, len(block.numbers)
    async with run.sessions.tenant(run.actor.tenant_id) as session:
        await blocks.open_stage(session, kind)
        await blocks.stage(session, kind, rows)
        unread = await _keep_aside(session, run, block)
        bad = await blocks.quarantine(session, kind, run.import_id)
        added = await blocks.merge_marks(session, source)
        figures = {"read": size, "accepted": added, "duplicate": size - bad - added, "quarantined": bad + unread}
        await progress(session, run.import_id, kind, figures)


async def _readmit(run: _Run) -> None:
    """What waited for a student who is known by now comes in; the import says how many rows that were."""
    async with run.sessions.tenant(run.actor.tenant_id) as session:
        taken = await readmitted(session, run.actor, run.import_id, now=run.now)
        if taken:
            run.restated |= await restated(session, _today(run))
            row = await session.get_one(ImportRun, run.import_id)
            row.counts = {**row.counts, "readmitted": taken}


async def readmitted(session: AsyncSession, actor: Actor, import_id: UUID, *, now: datetime) -> int:
    """Take in rows of earlier imports that named nobody then; audited under the import that brought the student."""
    taken = await readmit(session, span=SEQUENCE_SPAN, now=now)
    if any(taken.values()):
        await audit.record(session, actor, audit.Act("readmit_rows", "import", import_id, after=taken), now=now)
    return sum(taken.values())


async def _keep_aside(session: AsyncSession, run: _Run, block: Chunk) -> int:
    """Rows the reader refused go to the quarantine, remarks on the file into the issues; how many rows."""
    run.notes.update(problem.kind.value for problem in block.problems if not problem.quarantined)
    rows: list[dict[str, object]] = [
        {
            "import_id": run.import_id,
            "kind": block.table,
            "line": problem.row,
            "problem": problem.kind.value,
            "detail": problem.advice,
            "row": {problem.column: "" if block.table == ATTRIBUTES else problem.value},
        }
        for problem in block.problems
        if problem.quarantined
    ]
    await blocks.keep_aside(session, rows)
    return len({row["line"] for row in rows})


async def _failed(run: _Run, error: BaseException) -> None:
    async with run.sessions.tenant(run.actor.tenant_id) as session:
        message = str(error) if isinstance(error, Invalid) else type(error).__name__  # others may quote a row
        await session.execute(
            update(ImportRun).where(ImportRun.id == run.import_id).values(status="FAILED", error=message)
        )


async def _finish(run: _Run, recomputed: int) -> Imported:
    async with run.sessions.tenant(run.actor.tenant_id) as session:
        row = (await session.scalars(select(ImportRun).where(ImportRun.id == run.import_id))).one()
        row.status, row.finished_at = "FINISHED", run.now
        notes = {
            kind: {"count": count, "advice": advice(kind), "first": []} for kind, count in sorted(run.notes.items())
        }
        if row.rows_accepted >= RENEW_STATISTICS_ROWS:
            await renew_statistics(session)
        row.issues = notes | await set_aside(session, row.id) | await issues(session, run.base)
        await tell_restated(session, run.restated, run.now)
        await outbox.enqueue(session, "import.finished", f"import/{row.id}", {"import_id": str(row.id)})
        return Imported(
            row.id,
            row.status,
            row.counts,
            row.rows_done,
            row.rows_accepted,
            row.rows_duplicate,
            row.rows_quarantined,
            recomputed,
            row.issues,
        )
