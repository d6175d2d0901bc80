"""The register corrected by hand: a mark or a calendar; facts and summaries follow in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import CodeMap
from models.imports import ImportRun
from models.people import School
from models.queries import corrections
from models.queries.corrections import Correction, SessionAt
from models.queries.refresh import refresh_batch
from rules.errors import Invalid, NotFound
from services import audit, outbox
from services.attendance_import import SEQUENCE_SPAN
from services.attendance_summaries import BATCH
from services.context import Actor


@dataclass(frozen=True, slots=True)
class CorrectMark:
    """What one session should say; no code withdraws the mark."""

    student_id: UUID
    school_id: UUID
    date: date
    session: Literal["AM", "PM"]
    code: str | None
    reason: str
    minutes_missed: int | None = None


@dataclass(frozen=True, slots=True)
class Corrected:
    """The status of the session before and after; `import_id` stands for the correction."""

    import_id: UUID
    before: tuple[str, str] | None
    after: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session on which the school is open."""

    date: date
    session: Literal["AM", "PM"]
    minutes: int = 180


@dataclass(frozen=True, slots=True)
class SetCalendar:
    """The school's open sessions between two dates; whatever is not listed is closed."""

    school_id: UUID
    first: date
    last: date
    open_sessions: Sequence[OpenSession]
    reason: str


async def correct_mark(session: AsyncSession, actor: Actor, command: CorrectMark, *, now: datetime) -> Corrected:
    """Append a later row, recompute the student from that day, and have running cases told."""
    school = await _school(session, command.school_id)
    at = SessionAt(command.student_id, command.school_id, command.date, command.session)
    await _check(session, school, command, at, now)
    before = await corrections.status_now(session, at)
    run = await _run(session, actor, "correction", now)
    said = Correction(
        code=command.code,
        minutes=command.minutes_missed,
        reason=command.reason,
        by=str(actor.person_id or actor.display),
        title=actor.role,
        import_id=run.id,
        seq=run.number * SEQUENCE_SPAN,
        now=now,
    )
    await corrections.correct(session, at, said)
    await _recompute(session, now)
    after = await corrections.status_now(session, at)
    act = audit.Act(
        "correct",
        "mark",
        run.id,
        command.student_id,
        command.reason,
        before={"session": before},
        after={"session": after},
    )
    await _finish(session, actor, run, act, now)
    return Corrected(run.id, before, after)


async def set_calendar(session: AsyncSession, actor: Actor, command: SetCalendar, *, now: datetime) -> UUID:
    """Replace a stretch of a school's calendar and recompute everybody on roll between the changes."""
    school = await _school(session, command.school_id)
    outside = [item for item in command.open_sessions if not command.first <= item.date <= command.last]
    if outside:
        raise Invalid(
            "calendar_outside_span",
            f"{len(outside)} sessions lie outside {command.first} - {command.last}: widen the span or drop them.",
            fields={"open_sessions": f"{outside[0].date} is outside the span"},
        )
    listed = [(item.date, item.session, item.minutes) for item in command.open_sessions]
    run = await _run(session, actor, "calendar", now)
    await corrections.replace_calendar(session, school.id, (command.first, command.last), listed)
    await _recompute(session, now)
    after = {"first": command.first, "last": command.last, "sessions": len(listed)}
    act = audit.Act("set_calendar", "school", school.id, reason=command.reason, after=after)
    await _finish(session, actor, run, act, now)
    return run.id


async def _check(session: AsyncSession, school: School, command: CorrectMark, at: SessionAt, now: datetime) -> None:
    if not command.reason.strip():
        raise Invalid("reason_missing", "Say why the mark is corrected.", fields={"reason": "may not be empty"})
    if command.date > now.astimezone(ZoneInfo(school.timezone)).date():
        raise Invalid("date_in_future", "The date has not come yet.", fields={"date": "may not be in the future"})
    if not await corrections.scheduled(session, at):
        raise Invalid(
            "session_not_scheduled",
            f"There is no {command.session} session on {command.date} for this student: correct calendar or enrolment.",
            fields={"session": "school closed, or student not on roll"},
        )
    known = select(CodeMap.code).where(CodeMap.code_set == school.code_set, CodeMap.code == command.code)
    if command.code is not None and (await session.scalars(known)).first() is None:
        raise Invalid(
            "code_unknown",
            f"Code {command.code!r} is not in the code set {school.code_set}: use one of its codes or map it first.",
            fields={"code": "not in the school's code set"},
        )


async def _school(session: AsyncSession, school_id: UUID) -> School:
    school = await session.get(School, school_id)
    if school is None:
        raise NotFound("school_not_found", f"There is no school {school_id} here.")
    return school


async def _run(session: AsyncSession, actor: Actor, kind: str, now: datetime) -> ImportRun:
    """A correction is an import of its own: it has a place in the order of marks, and the nightly pass hears of it."""
    run = ImportRun(kind=kind, source_name=kind, status="FINISHED", started_by=actor.person_id, finished_at=now)
    session.add(run)
    await session.flush()
    return run


async def _recompute(session: AsyncSession, now: datetime) -> None:
    while await refresh_batch(session, now, BATCH):
        pass


async def _finish(session: AsyncSession, actor: Actor, run: ImportRun, act: audit.Act, now: datetime) -> None:
    await audit.record(session, actor, act, now=now)
    await outbox.enqueue(session, "import.finished", f"import/{run.id}", {"import_id": str(run.id)})
